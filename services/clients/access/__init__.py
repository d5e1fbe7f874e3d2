"""May this employee do this with this client, now? The rule, checks, set questions, and the gate before them."""
