"""The kinds of order: which stages they have, and which of these must be in different hands."""
