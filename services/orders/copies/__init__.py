"""Which clients there are and who owns them, as `clients` says."""
