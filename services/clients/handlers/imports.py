"""Import: a row is compared with the row last imported, not with the present."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.clients.handlers.acting import lock_with_actor
from services.clients.handlers.clients import announce_registered, row_of
from services.clients.store import clients, imports
from shared import people
from shared.contracts.clients import ClientChanged
from shared.database import UnitOfWork
from shared.errors import HoldfastError

Line = tuple[int, Mapping[str, Any]]


async def import_clients(work: UnitOfWork, lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Up to 1,000 rows, no client twice: `created`, `updated`, `unchanged` or `refused` with a reason for each.

    An owner is taken only of a client that does not exist yet; so is its team. Importing an old file gives nobody
    anything back.
    """
    rows = {line: row_of(data, imported=True) for line, data in lines}
    owners = {person for row in rows.values() for person in (row["owner_id"], *row["team"].values())}
    known_people = await lock_with_actor(work, holding=owners)
    refusals = {person: _refusal(known_people, person) for person in owners}
    known = await clients.lock(work, sorted(row["client_id"] for row in rows.values()))

    def outcome(row: Mapping[str, Any]) -> tuple[str, str | None]:
        before = known.get(row["client_id"])
        if before is not None:
            same = before["imported"] is not None and bytes(before["imported"]).hex() == row["fingerprint"]
            return ("unchanged" if same else "updated"), None
        people_of_row = (row["owner_id"], *row["team"].values())
        reason = next((refusals[person] for person in people_of_row if refusals[person]), None)
        return ("refused" if reason else "created"), reason

    outcomes = {line: outcome(row) for line, row in rows.items()}
    created = [rows[line] for line, (word, _) in outcomes.items() if word == "created"]
    if created:
        made = await clients.insert(work, created)
        announce_registered(work, [row for row in created if row["client_id"] in made])
    updated = [rows[line] for line, (word, _) in outcomes.items() if word == "updated"]
    if updated:
        for changed in await imports.update(work, updated):
            work.publish(ClientChanged(**changed))
    return [{"line": line, "outcome": word, "reason": reason} for line, (word, reason) in outcomes.items()]


def _refusal(rows: Mapping[str, Mapping[str, Any]], employee_id: str) -> str | None:
    try:
        people.must_be_able_to_own(rows, employee_id)
    except HoldfastError as refusal:
        return refusal.code()
    return None
