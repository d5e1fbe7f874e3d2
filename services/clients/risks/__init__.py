"""Which clients hang on one person alone."""
