"""The four services, the composition root that joins them, and the command line."""
