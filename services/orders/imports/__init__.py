"""Many orders at once, from an export."""
