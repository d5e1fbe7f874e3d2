"""How many clients an employee may export on a day, and what is granted beyond it."""
