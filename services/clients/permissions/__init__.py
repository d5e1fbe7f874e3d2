"""The vocabulary of access: actions, relations, purposes of passes and reasons, and which of them allows what."""
