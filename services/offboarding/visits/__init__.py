"""Visits: the urgent meetings of the head of sales with clients at risk."""
