"""Who gets the work of a case: head of sales, manager, successor, caretaker."""
