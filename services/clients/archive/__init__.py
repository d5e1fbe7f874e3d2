"""Old months of the journal go to files that prove themselves."""
