"""Entries, written in the transaction of what they tell of, and read; people and clients under surrogates."""

import json
import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.clients.names.store import get_client_id
from services.clients.permissions.rules import ALLOWING_REASONS
from shared.contracts.clients import JournalEntry
from shared.database import UnitOfWork
from shared.ids import uuid7
from shared.paging import Paging

JOURNAL_VIEW = "journal_entries"  # all entries, those of the tree and those that wait
SURROGATE_PATTERN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def insert_entries_sql(source: str, **values: str) -> str:
    """Writes entries of the journal: the SQL of each column's value, and what follows the list of values.

    Every entry has a `leaf` and a moment (`:leaf`, `:now`), and is of the `:actor`, unless other values are given.
    """
    columns = {"leaf": ":leaf", "at": ":now", "actor": "surrogate_of('employee', :actor)", **values}
    return f"INSERT INTO journal_pending ({', '.join(columns)}) SELECT {', '.join(columns.values())} {source}"


EMPLOYEE_SURROGATES_SQL = """(SELECT array_agg(surrogate_of('employee', named.id) ORDER BY nth)
    FROM unnest(CAST(:employees AS text[])) WITH ORDINALITY AS named (id, nth))"""
INSERT_ENTRY_SQL = insert_entries_sql(
    "",
    kind=":kind",
    system=":system",
    employee="CASE WHEN CAST(:employee_id AS text) IS NOT NULL THEN surrogate_of('employee', :employee_id) END",
    client="CASE WHEN CAST(:client_id AS text) IS NOT NULL THEN surrogate_of('client', :client_id) END",
    action=":action",
    reason=":reason",
    employees=EMPLOYEE_SURROGATES_SQL,
    details="""nullif(CAST(:details AS jsonb) || coalesce((
        SELECT jsonb_object_agg(name, surrogate_of('employee', person))
        FROM jsonb_each_text(CAST(:people AS jsonb)) AS named (name, person) WHERE person IS NOT NULL), '{}'), '{}')""",
)
CLIENT_SURROGATES_SQL = """(SELECT array_agg(surrogate ORDER BY nth)
    FROM unnest(CAST(:clients AS text[])) WITH ORDINALITY AS seen (id, nth)
    JOIN surrogates ON kind = 'client' AND surrogates.id = seen.id)"""
INSERT_CLIENTS_ENTRY_SQL = insert_entries_sql(
    "",
    kind=":kind",
    system=":system",
    employee="surrogate_of('employee', :actor)",
    action=":action",
    reason=":reason",
    employees=EMPLOYEE_SURROGATES_SQL,
    clients=CLIENT_SURROGATES_SQL,
    details="nullif(CAST(:details AS jsonb), '{}')",
)
INSERT_CHANGED_CLIENTS_ENTRY_SQL = insert_entries_sql("", kind=":kind", clients=CLIENT_SURROGATES_SQL)


async def insert_journal_entry(
    work: UnitOfWork,
    kind: str,
    *,
    actor_id: str | None = None,
    employee_id: str | None = None,
    client_id: str | None = None,
    action: str | None = None,
    reason: str | None = None,
    details: Mapping[str, Any] | None = None,
    people: Mapping[str, str | None] | None = None,
    employees: Sequence[str] = (),
) -> str:
    """One leaf about one decision or change; returns its id.

    `people` are ids that `details` must not show; `employees` others whom it concerns.
    """
    leaf = uuid7()
    await work.execute(
        INSERT_ENTRY_SQL,
        leaf=leaf,
        now=work.now,
        kind=kind,
        actor=actor_id or work.actor,
        system=work.system,
        employee_id=employee_id,
        client_id=client_id,
        action=action,
        reason=reason,
        details=json.dumps(details or {}),
        people=json.dumps(people or {}),
        employees=list(employees),
    )
    return leaf


async def insert_decision_entry(
    work: UnitOfWork, action: str, reason: str, client_id: str, kind: str = "client.accessed"
) -> str:
    """One leaf about a decision on the caller's own request. A client that does not exist has no surrogate."""
    known = reason != "unknown_client"
    return await insert_journal_entry(
        work, kind, employee_id=work.actor, client_id=client_id if known else None, action=action, reason=reason
    )


async def insert_clients_entry(
    work: UnitOfWork,
    kind: str,
    action: str,
    reason: str | None,
    clients: Sequence[str],
    details: Mapping[str, Any] | None = None,
    employees: Sequence[str] = (),
) -> str:
    """One leaf about a page of clients that the caller was shown or changed, and about the `employees` whom it concerns."""
    leaf = uuid7()
    await work.execute(
        INSERT_CLIENTS_ENTRY_SQL,
        leaf=leaf,
        now=work.now,
        kind=kind,
        actor=work.actor,
        system=work.system,
        action=action,
        reason=reason,
        employees=list(employees),
        clients=list(clients),
        details=json.dumps(details or {}),
    )
    return leaf


async def insert_changed_clients_entry(work: UnitOfWork, kind: str, client_ids: Sequence[str]) -> None:
    """One leaf about clients whose profiles were changed."""
    await work.execute(
        INSERT_CHANGED_CLIENTS_ENTRY_SQL,
        leaf=uuid7(),
        now=work.now,
        kind=kind,
        actor=work.actor,
        clients=list(client_ids),
    )


async def insert_entry_of_other_service(work: UnitOfWork, entry: JournalEntry) -> None:
    """Takes over what another service decided."""
    # Whatever is not known to be something else counts as a person: a surrogate too many does no harm.
    people = {
        name: str(value)
        for name, value in entry.details.items()
        if name.endswith("_id") and name not in IDS_OF_OTHER_THINGS
    }
    await insert_journal_entry(
        work,
        entry.kind,
        actor_id=entry.actor_id,
        employee_id=entry.employee_id,
        client_id=entry.client_id,
        details={name: value for name, value in entry.details.items() if name not in people},
        people=people,
    )


IDS_OF_OTHER_THINGS = frozenset(
    {"case_id", "order_id", "task_id", "visit_id", "policy_id", "source_id", "hold_id", "parked_id", "flow_id"}
    | {"department_id", "document_id", "introduction_id", "incident_id", "employment_id", "absence_id", "token_id"}
    | {"command_id", "batch_id", "pass_id", "sync_id", "plan_id", "item_id", "message_id", "webhook_id", "client_id"}
)


# -- reading -----------------------------------------------------------------------------------------------------------

LIST_ENTRIES_SQL = """
    SELECT id, leaf, at, kind, actor, employee, client, action, reason, system, employees, clients, details
    FROM journal_entries j
    WHERE (CAST(:after AS bigint) IS NULL OR id < :after)
      AND (CAST(:since AS timestamptz) IS NULL OR at >= :since) AND (CAST(:until AS timestamptz) IS NULL OR at < :until)
      {about}
    ORDER BY id DESC LIMIT :limit
"""

# Of an employee or a client those entries that name them. Changes of many clients name none: the history leads to these.
ABOUT_SQL: Mapping[str, str] = {
    "employee_id": """SELECT found.{column} FROM surrogates s JOIN {table} found
            ON found.employee = s.surrogate OR found.employees @> ARRAY[s.surrogate]
        WHERE s.kind = 'employee' AND s.id = :employee_id""",
    "client_id": """SELECT found.{column} FROM surrogates s JOIN {table} found
            ON found.client = s.surrogate OR (found.clients @> ARRAY[s.surrogate]
                AND found.kind <> 'client.transferred' AND found.kind <> 'client.registered')
        WHERE s.kind = 'client' AND s.id = :client_id
        UNION ALL
        SELECT found.{column} FROM history h JOIN {table} found ON found.leaf = h.leaf WHERE h.client_id = :client_id""",
}


def is_about_sql(about: Iterable[str], column: str, table: str) -> str:
    """Whether an entry of the table, known by this column, names whom `employee_id` and `client_id` (if wanted) say."""
    conditions = (f"{column} IN ({ABOUT_SQL[name].format(column=column, table=table)})" for name in about)
    return "".join(f" AND {condition}" for condition in conditions)


@dataclass(frozen=True, slots=True)
class EntryShown:
    """A leaf: one decision or change, or a page, batch or chunk. Where a mapping was erased the surrogate stands alone."""

    id: uuid.UUID
    at: datetime
    kind: str
    actor_id: str | None
    employee_id: str | None
    client_id: str | None
    action: str | None
    allowed: bool | None
    reason: str | None
    system: str | None
    employees: list[str | None]
    clients: list[str | None]
    details: dict[str, Any]
    place: str = field(repr=False)  # in the order of the list


async def list_journal_entries(
    work: UnitOfWork,
    paging: Paging,
    employee_id: str | None,
    client_id: str | None,
    since: datetime | None,
    until: datetime | None,
) -> list[EntryShown]:
    """Entries, newest first, with surrogates turned back into ids where the mapping still exists."""
    if client_id and "~" in client_id:
        client_id = await get_client_id(work, client_id)
    about = {name: id for name, id in (("employee_id", employee_id), ("client_id", client_id)) if id}
    rows = await work.fetch_rows(
        LIST_ENTRIES_SQL.format(about=is_about_sql(about, "id", JOURNAL_VIEW)),
        after=paging.number,
        since=since,
        until=until,
        limit=paging.fetch,
        **about,
    )
    found: set[str] = set()
    for row in rows:
        for name in ("actor", "employee", "client", "employees", "clients", "details"):
            _replace_ids(row[name], lambda id: found.add(id) or id)  # type: ignore[func-returns-value]
    known = await work.fetch_rows(
        "SELECT surrogate, id FROM surrogates WHERE surrogate = ANY(:found)", found=[uuid.UUID(id) for id in found]
    )
    ids = {str(row["surrogate"]): str(row["id"]) for row in known}
    shown = []
    for row in rows:
        actor, employee, client, employees, clients, details = (
            _replace_ids(row[name], lambda id: ids.get(id, id))
            for name in ("actor", "employee", "client", "employees", "clients", "details")
        )
        shown.append(
            EntryShown(
                id=row["leaf"],
                at=row["at"],
                kind=row["kind"],
                actor_id=actor,
                employee_id=employee,
                client_id=client,
                action=row["action"],
                allowed=row["reason"] in ALLOWING_REASONS if row["reason"] else None,
                reason=row["reason"],
                system=row["system"],
                employees=employees or [],
                clients=clients or [],
                details=details or {},
                place=str(row["id"]),
            )
        )
    return shown


def _replace_ids(value: Any, replace: Callable[[str], str]) -> Any:
    """The value with whatever looks like a surrogate in it replaced, however deep."""
    match value:
        case uuid.UUID():
            return replace(str(value))
        case str() if SURROGATE_PATTERN.fullmatch(value):
            return replace(value)
        case list():
            return [_replace_ids(part, replace) for part in value]
        case dict():
            return {name: _replace_ids(part, replace) for name, part in value.items()}
    return value
