"""What is kept of an employee here."""
