"""What was really used, as other systems report it."""
