"""Who may know about a case and its parts, and who acts as its head of sales."""
