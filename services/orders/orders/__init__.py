"""Orders and their stages: placing, reading, cancelling, and who may see which."""
