"""Erasing who somebody was, here and in the other services, and the record of it."""
