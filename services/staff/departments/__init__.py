"""Departments: which lies inside which, and who heads them."""
