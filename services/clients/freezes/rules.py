"""Freezing by hand and lifting it again: nobody alone."""

from collections.abc import Iterable, Sequence, Set

FREEZING_ROLES: tuple[str, ...] = ("hr", "sales_head", "director", "ops")
MANUAL_GROUNDS: frozenset[str] = frozenset({"emergency", "incident"})


def list_caretaker_candidates(
    deputy_id: str | None, manager_id: str | None, heads: Sequence[str], last_resort: str | None, leaver: str
) -> list[str]:
    """Candidates in order: deputy, manager, the heads upward, the last resort; each once, never the leaver."""
    wanted = [deputy_id, manager_id, *heads, last_resort]
    return list(dict.fromkeys(person for person in wanted if person and person != leaver))


def filter_manual_grounds(grounds: Iterable[str]) -> set[str]:
    """Of these kinds those that people lift: a departure is ended by its case, a hold by who confirms or rejects it."""
    return set(grounds) & MANUAL_GROUNDS


def is_second_person(first_by: str, first_roles: Set[str], by: str, roles: Set[str]) -> bool:
    """Whether this is another person who acts in another role than the first."""
    first, second = first_roles & set(FREEZING_ROLES), roles & set(FREEZING_ROLES)
    return by != first_by and bool(second) and len(first | second) > 1
