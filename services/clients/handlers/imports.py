"""Import: a row is compared with the row last imported, not with the present."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.clients.handlers.acting import lock_with_actor
from services.clients.handlers.clients import Erased, announce_registered
from services.clients.store import clients, imports
from services.clients.store.clients import Registration
from shared import people
from shared.contracts.clients import ClientChanged
from shared.database import UnitOfWork
from shared.errors import HoldfastError


async def import_clients(work: UnitOfWork, lines: Sequence[tuple[int, Registration]]) -> list[dict[str, Any]]:
    """Up to 1,000 rows, no client twice: `created`, `updated`, `unchanged` or `refused` with a reason for each.

    An owner is taken only of a client that does not exist yet; so is its team. Importing an old file gives nobody
    anything back.
    """
    wanted = {person for _, row in lines for person in row.people}
    known_people = await lock_with_actor(work, holding=wanted)
    refusals = {person: reason for person in wanted if (reason := _refusal(known_people, person))}
    known = await clients.lock(work, sorted(row.client_id for _, row in lines))

    def outcome(row: Registration) -> tuple[str, str | None]:
        before = known.get(row.client_id)
        if before is not None and before["erased"]:
            return "refused", Erased.code()
        if before is not None:
            return ("unchanged" if before["imported"] == row.imported else "updated"), None
        reason = next((refusals[person] for person in row.people if person in refusals), None)
        return ("refused" if reason else "created"), reason

    outcomes = [(line, row, *outcome(row)) for line, row in lines]
    created = [row for _, row, word, _ in outcomes if word == "created"]
    if created:
        made = await clients.insert(work, created, imported=True)
        announce_registered(work, [row for row in created if row.client_id in made])
    updated = [row for _, row, word, _ in outcomes if word == "updated"]
    if updated:
        for changed in await imports.update(work, updated):
            work.publish(ClientChanged(**changed))
    return [{"line": line, "outcome": word, "reason": reason} for line, _, word, reason in outcomes]


def _refusal(rows: Mapping[str, Mapping[str, Any]], employee_id: str) -> str | None:
    try:
        people.must_be_able_to_own(rows, employee_id)
    except HoldfastError as refusal:
        return refusal.code()
    return None
