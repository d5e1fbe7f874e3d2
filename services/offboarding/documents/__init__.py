"""The inventory of working documents: listed, handed over, and signed for by who receives them."""
