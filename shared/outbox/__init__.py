"""Outbox, inbox and the keys that wait: how every message takes effect exactly once and in order for its key."""
