"""What goes of an employee or a client when they are erased."""
