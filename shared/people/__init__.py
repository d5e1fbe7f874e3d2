"""The copy of the register that each service keeps: one row per employee, the grounds of a freeze, the heads of departments.

It stands in the chassis because every door asks it whether the caller is frozen, and because the freeze of
`clients`, `orders` and `offboarding` must be one piece of code (docs/decisions/0003).
"""
