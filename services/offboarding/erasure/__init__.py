"""What is kept of an employee or a client, shown to who has a right to know, and erased."""
