"""Which clients of a leaver are at risk, found by the assessment."""
