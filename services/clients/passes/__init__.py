"""Passes: the only way through a freeze."""
