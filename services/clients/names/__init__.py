"""Under which names a client is known: here, in other systems, before a merge, and in the journal."""
