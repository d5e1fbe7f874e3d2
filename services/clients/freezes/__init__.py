"""Freezing access and lifting it: what `staff` announces, what a case commands, what people do by hand."""
