"""Who takes over what when an employee leaves: pure, and equal input gives an equal plan in whatever order it comes.

`make_plan(problem)` places the leaver's clients, open stages and team memberships; `find_violations(problem, ...)` judges a plan
that a person has edited. How: the relaxation over the best candidates of each item is solved by HiGHS, all other pairs
are priced with its duals and brought in where they pay, split items are repaired, and what the bound cannot exclude is
searched exactly. The bound, and so the gap, holds for the problem without any pruning.
"""
