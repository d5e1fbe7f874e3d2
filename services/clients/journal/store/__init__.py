"""The SQL of the journal: entries, and the tree that they are leaves of."""
