"""Whose phone rings when a client calls."""
