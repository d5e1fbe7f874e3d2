"""The pure part of the journal."""
