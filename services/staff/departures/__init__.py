"""Departures: the life of an employment, what is announced of it, and the brake that holds a suspicious one."""
