"""The access decision as SQL, and what answers it in bulk."""
