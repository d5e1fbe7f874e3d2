"""Policies in versions, and who has acknowledged which."""
