"""The copy of the register that each service keeps: one row per employee, the grounds of a freeze, the heads of departments.

It stands in the chassis because every door asks it whether the caller is frozen, and because the freeze of
`clients`, `orders` and `offboarding` must be one piece of code (docs/decisions/0003).
"""

from shared.people.departures import hear_access, hear_departure
from shared.people.erasing import forget_reasons, tell_erased
from shared.people.freezing import FreezeState, freeze, freeze_state, lock, unfreeze
from shared.people.register import hear_department, hear_employee
from shared.people.standing import (
    Frozen,
    NotEmployed,
    UnknownEmployee,
    first_eligible,
    heads_of,
    is_absent,
    is_frozen,
    must_be_able_to_own,
    today,
    works_here,
)
from shared.people.tables import people_tables

__all__ = [
    "FreezeState",
    "Frozen",
    "NotEmployed",
    "UnknownEmployee",
    "first_eligible",
    "forget_reasons",
    "freeze",
    "freeze_state",
    "heads_of",
    "hear_access",
    "hear_department",
    "hear_departure",
    "hear_employee",
    "is_absent",
    "is_frozen",
    "lock",
    "must_be_able_to_own",
    "people_tables",
    "tell_erased",
    "today",
    "unfreeze",
    "works_here",
]
