"""Edits of a proposed plan: judged by the same rules as the plan itself, then written into it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from services.offboarding.handlers.ending import decided
from services.offboarding.planner import ClientItem, Colleague, Problem, StageItem, Violation, violations
from services.offboarding.store import plans
from shared.database import UnitOfWork
from shared.errors import Refused, Unprocessable
from shared.people.rules import is_absent

Row = Mapping[str, Any]


class EditsRefused(Refused, code="edits_refused"):
    """Some of the edits break a rule; `violations` says which and why. Nothing was approved."""


class UnknownItem(Unprocessable, code="unknown_item"):
    """An edit names a client or stage that is not part of this handover; `violations` says which by their place."""


async def edit(work: UnitOfWork, row: Row, version: int, edits: Sequence[Mapping[str, Any]]) -> None:
    """Puts other successors into the plan. Raises `EditsRefused`, `UnknownItem`; who is over capacity then is shown.

    An edit is `client_id` and `to_id`, or `order_id`, `stage` and `to_id`. A client may go beyond capacity, a stage may not:
    `orders` would refuse it.
    """
    clients = {one["client_id"]: one["to_id"] for one in edits if one.get("client_id")}
    stages = {(one["order_id"], one["stage"]): one["to_id"] for one in edits if one.get("order_id")}
    orders = [order_id for order_id, _ in stages]
    known = await plans.of_orders_and_clients(work, row["id"], version, list(clients), orders)
    loads = await plans.loads_beside(work, row["id"], version, list(clients), orders)
    items = {(one["order_id"], one["stage"]): to_stage(one, one["about"]) for one in known if one["part"] == "stage"}
    planned = {
        (one["order_id"], one["stage"]): one["to_id"] for one in known if one["part"] == "stage" and one["to_id"]
    }
    problem = Problem(
        row["employee_id"],
        await colleagues(work, row["employee_id"], loads),
        tuple(ClientItem(one["client_id"], one["effort"]) for one in known if one["part"] == "client"),
        tuple(items.values()),
    )
    given = {(to_id, items[key].function) for key, to_id in stages.items() if key in items}

    def forbids(one: Violation) -> bool:
        if one.code == "over":
            return (one.employee_id, one.function) in given
        return one.refused and ((one.order_id or "", one.stage or "") in stages or one.client_id in clients)

    judged = violations(problem, clients, {**planned, **stages})
    found = [one for one in judged if forbids(one)]
    if found:
        places = _places(edits)
        listed = [{"code": one.code, "edits": places[_meant(one)]} for one in found]
        raise (UnknownItem if any(one.code == "unknown" for one in found) else EditsRefused)(violations=listed)
    await plans.edit(work, row["id"], version, edits, [_as_row(one) for one in judged if one.code == "over"])
    await must_be_eligible(work, row, version)
    decided(work, row, "plan_edited", version=version, edits=len(edits))


def _places(edits: Sequence[Mapping[str, Any]]) -> defaultdict[tuple[str | None, ...], list[int]]:
    """The edits of each item, and those that give something to each colleague, by their place in the list: their content is
    not repeated."""
    places: defaultdict[tuple[str | None, ...], list[int]] = defaultdict(list)
    for place, edit in enumerate(edits):
        item = (edit["order_id"], edit["stage"]) if edit.get("order_id") else ("", edit["client_id"])
        places[item].append(place)
        places[edit["to_id"],].append(place)
    return places


def _meant(one: Violation) -> tuple[str | None, ...]:
    if one.code == "over":
        return (one.employee_id,)
    return (one.order_id, one.stage) if one.order_id else ("", one.client_id)


def _as_row(one: Violation) -> dict[str, Any]:
    return {"employee_id": one.employee_id, "function": one.function, "points": round(one.points, 3)}


async def must_be_eligible(work: UnitOfWork, row: Row, version: int) -> None:
    """Who was to take over and left since the plan was made must be replaced by an edit, or by planning anew."""
    able = {colleague.id for colleague in await colleagues(work, row["employee_id"])}
    chosen = await plans.successors(work, row["id"], version)
    gone = sorted(set(chosen) - able)
    if gone:
        raise EditsRefused(violations=[{"code": "not_eligible", "employee_id": one} for one in gone])


async def colleagues(
    work: UnitOfWork, leaver: str, loads: Mapping[str, Mapping[str, float]] | None = None
) -> tuple[Colleague, ...]:
    """Who can take over now: works here, is not leaving, not frozen, not absent."""
    rows = await work.fetch_rows(
        "SELECT * FROM people WHERE status = 'active' AND NOT frozen AND NOT settling AND employee_id <> :leaver",
        leaver=leaver,
    )
    day = work.today
    return tuple(
        Colleague(
            id=row["employee_id"],
            capacity={function: float(points) for function, points in row["functions"].items()},
            load=(loads or {}).get(row["employee_id"], {}),
            department_id=row["department_id"],
            regions=frozenset(row["regions"]),
            languages=frozenset(row["languages"]),
        )
        for row in rows
        if not is_absent(row["absences"], day)
    )


def to_stage(stage: Mapping[str, Any], about: Mapping[str, Any], department: str | None = None) -> StageItem:
    return StageItem(
        order_id=stage["order_id"],
        stage=stage["stage"],
        function=about["function"],
        client_id=stage["client_id"],
        effort=float(stage["effort"]),
        taken={name: who for name, who in about["taken"].items() if who},
        apart=frozenset(about["apart"]),
        prefer_department=department,
    )
