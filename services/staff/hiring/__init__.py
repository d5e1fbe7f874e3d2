"""Hiring one employee: they are registered, and what the HRIS said of them before takes effect."""
