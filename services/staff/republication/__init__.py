"""The present state of everything in staff, published again."""
