"""The plan of a case: drafted, edited, approved, cut into chunks; and as a dry run for anybody."""
