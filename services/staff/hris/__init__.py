"""The link to the HRIS: sources, and the messages that they send."""
