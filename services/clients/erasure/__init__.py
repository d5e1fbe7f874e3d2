"""Erasing who an employee or a client was, or a person at a client."""
