"""Many rows at once, from files of other systems."""
