"""Computations beside the handlers: rows with a lease, run by a ticker, ending through the saga's `answer`."""
