"""One function per request or message: load, decide, save. People are locked first, then orders in id order."""
