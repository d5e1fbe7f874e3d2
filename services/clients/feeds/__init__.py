"""What other services read of clients, and what is published again for them."""
