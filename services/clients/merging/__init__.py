"""Two clients that are one."""
