"""What other services tell and decisions need: orders, stages, departments, policies and who acknowledged them."""
