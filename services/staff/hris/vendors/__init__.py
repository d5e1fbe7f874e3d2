"""One adapter per vendor: it verifies who sent a message and reads it as an `HrisMessage`."""
