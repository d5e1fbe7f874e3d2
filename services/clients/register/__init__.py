"""The register of clients: registering, reading, changing, searching."""
