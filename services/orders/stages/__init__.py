"""The work on the stages of an order: starting, completing and assigning them."""
