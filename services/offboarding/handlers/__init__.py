"""One function per event, answer or request: load, decide, save."""
