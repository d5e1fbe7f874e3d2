"""The case: its rows, what drives it from step to step, its timeline and what people decide about it."""
