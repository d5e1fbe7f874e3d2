"""Employees: who they are, what they can do, who stands in for them, when they are absent."""
