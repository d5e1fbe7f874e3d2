"""offboarding owns the leaver cases: their steps, plans, human tasks, documents, introductions, visits and follow-ups.

Publishes `offboarding.*`, `plan.proposed`, `task.*`, `visit.opened`, `introduction.changed`, `case.needs_person`.
Hears of departures from `staff` and the answers of `clients` and `orders` to its commands. Obeys nobody.
Read saga.py first.
"""
