"""Departures as `staff` announces them: they begin, change, end or undo a case."""
