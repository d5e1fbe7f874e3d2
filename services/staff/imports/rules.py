"""The order of what has a parent, and who would be put above themselves."""

from collections.abc import Mapping


def sort_parents_first(parents: Mapping[str, str | None]) -> list[str]:
    """The keys of `parents`, each after its parent as far as that is a key too; what hangs in a circle comes last."""
    order: dict[str, None] = {}
    children: dict[str, list[str]] = {}
    waiting = []
    for id, parent in parents.items():
        if parent is None or parent not in parents:
            waiting.append(id)
        else:
            children.setdefault(parent, []).append(id)
    for id in waiting:
        order[id] = None
        waiting.extend(children.get(id, ()))
    return [*order, *(id for id in parents if id not in order)]


def find_changes_closing_circle(parents: Mapping[str, str | None], wanted: Mapping[str, str | None]) -> set[str]:
    """Which of the wanted changes would put somebody above themselves, taken one after the other."""
    now: dict[str, str | None] = dict(parents)
    refused = set()
    for id, parent in wanted.items():
        above, seen = parent, {id}
        while above is not None and above not in seen:
            seen.add(above)
            above = now.get(above)
        if above is not None:
            refused.add(id)
        else:
            now[id] = parent
    return refused
