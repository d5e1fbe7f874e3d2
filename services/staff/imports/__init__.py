"""Departments and employees, many at once, from a file."""
