"""What was done in a cleared case, by whom and when."""
