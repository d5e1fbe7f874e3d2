"""What orders tell of people and clients: sales curves, delivery, revenue."""
