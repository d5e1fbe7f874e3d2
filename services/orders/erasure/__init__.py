"""What is kept of a person here, and what goes when they are erased."""
