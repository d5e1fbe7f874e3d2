"""The people at a client, one by one."""
