"""How the transferred clients do in the year after: revenue and on-time delivery against the year before."""
