"""`holdfast seed`: a generated company of any size, sent through the import doors as an export would be."""
