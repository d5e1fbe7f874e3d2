"""Tables of orders, and what is loaded from and saved to them."""
