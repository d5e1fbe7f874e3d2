"""What goes to whom, client by client and stage by stage, in chunks, and what became of it."""
