"""Checkpoints, the form of an exported journal, and how anybody verifies it without us."""
