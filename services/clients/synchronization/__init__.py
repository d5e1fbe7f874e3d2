"""Clients as another system has them, one by one or a thousand at a time: created or replaced."""
