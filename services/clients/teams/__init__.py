"""Who serves a client beside its owner."""
