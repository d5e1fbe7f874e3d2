"""The orders of a client that was merged are those of the other."""
