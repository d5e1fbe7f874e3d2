"""Entries, written in the transaction of what they tell of, and read; people and clients under surrogates."""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.clients.names.store import get_client_id
from services.clients.permissions.rules import ALLOWING_REASONS
from shared.contracts.clients import JournalEntry
from shared.database import UnitOfWork
from shared.ids import uuid7
from shared.paging import Paging

EMPLOYEE_SURROGATES_SQL = """(SELECT array_agg(surrogate_of('employee', named.id) ORDER BY nth)
            FROM unnest(CAST(:employees AS text[])) WITH ORDINALITY AS named (id, nth))"""

INSERT_ENTRY_SQL = f"""
    INSERT INTO journal_pending (leaf, at, kind, actor, system, employee, client, action, reason, employees, details)
    SELECT :leaf, :now, :kind, surrogate_of('employee', :actor), :system,
           CASE WHEN CAST(:employee_id AS text) IS NOT NULL THEN surrogate_of('employee', :employee_id) END,
           CASE WHEN CAST(:client_id AS text) IS NOT NULL THEN surrogate_of('client', :client_id) END,
           :action, :reason, {EMPLOYEE_SURROGATES_SQL},
           nullif(CAST(:details AS jsonb) || coalesce((
               SELECT jsonb_object_agg(name, surrogate_of('employee', person))
               FROM jsonb_each_text(CAST(:people AS jsonb)) AS named (name, person) WHERE person IS NOT NULL
           ), '{{}}'), '{{}}')
"""

INSERT_CLIENTS_ENTRY_SQL = f"""
    INSERT INTO journal_pending (leaf, at, kind, actor, system, employee, action, reason, employees, clients, details)
    SELECT :leaf, :now, :kind, surrogate_of('employee', :actor), :system, surrogate_of('employee', :actor), :action, :reason,
           {EMPLOYEE_SURROGATES_SQL},
           (SELECT array_agg(surrogate ORDER BY nth)
            FROM unnest(CAST(:clients AS text[])) WITH ORDINALITY AS seen (id, nth)
            JOIN surrogates ON kind = 'client' AND surrogates.id = seen.id),
           nullif(CAST(:details AS jsonb), '{{}}')
"""


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


async def insert_entry_of_other_service(work: UnitOfWork, entry: JournalEntry) -> None:
    """Takes over what another service decided."""
    people = {name: str(value) for name, value in entry.details.items() if name.endswith("_id") and _is_person(name)}
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


def _is_person(name: str) -> bool:
    """Whatever is not known to be something else counts as a person: a surrogate too many does no harm."""
    return name not in IDS_OF_OTHER_THINGS


# -- reading -----------------------------------------------------------------------------------------------------------

LIST_ENTRIES_SQL = """
    SELECT id, leaf, at, kind, actor, employee, client, action, reason, system, employees, clients, details
    FROM journal_entries j
    WHERE (CAST(:after AS bigint) IS NULL OR id < :after)
      AND (CAST(:since AS timestamptz) IS NULL OR at >= :since) AND (CAST(:until AS timestamptz) IS NULL OR at < :until)
      {filters}
    ORDER BY id DESC LIMIT :limit
"""

ABOUT_EMPLOYEE_SQL = """AND id IN (
    SELECT found.id FROM surrogates s JOIN journal_entries found
        ON found.employee = s.surrogate OR found.employees @> ARRAY[s.surrogate]
    WHERE s.kind = 'employee' AND s.id = :employee_id)"""

ABOUT_CLIENT_SQL = """AND id IN (
    SELECT found.id FROM surrogates s JOIN journal_entries found
        ON found.client = s.surrogate OR (found.clients @> ARRAY[s.surrogate]
            AND found.kind <> 'client.transferred' AND found.kind <> 'client.registered')
    WHERE s.kind = 'client' AND s.id = :client_id
    UNION ALL
    SELECT found.id FROM history h JOIN journal_entries found ON found.leaf = h.leaf WHERE h.client_id = :client_id)"""


async def list_journal_entries(
    work: UnitOfWork,
    paging: Paging,
    employee_id: str | None,
    client_id: str | None,
    since: datetime | None,
    until: datetime | None,
) -> list[dict[str, Any]]:
    """Entries, newest first, with surrogates turned back into ids where the mapping still exists."""
    if client_id and "~" in client_id:
        client_id = await get_client_id(work, client_id)
    filters = (ABOUT_EMPLOYEE_SQL if employee_id else "") + (ABOUT_CLIENT_SQL if client_id else "")
    named: dict[str, Any] = {"employee_id": employee_id} if employee_id else {}
    named |= {"client_id": client_id} if client_id else {}
    rows = await work.fetch_rows(
        LIST_ENTRIES_SQL.format(filters=filters),
        after=paging.number,
        since=since,
        until=until,
        limit=paging.fetch,
        **named,
    )
    ids = await _list_ids_by_surrogate(work, rows)

    def named_again(value: Any) -> Any:
        match value:
            case uuid.UUID():
                return ids.get(str(value), str(value))
            case str():
                return ids.get(value, value)
            case list():
                return [named_again(part) for part in value]
            case dict():
                return {name: named_again(part) for name, part in value.items()}
        return value

    return [
        {
            "id": row["leaf"],
            "place": str(row["id"]),
            "at": row["at"],
            "kind": row["kind"],
            "actor_id": named_again(row["actor"]),
            "employee_id": named_again(row["employee"]),
            "client_id": named_again(row["client"]),
            "action": row["action"],
            "allowed": row["reason"] in ALLOWING_REASONS if row["reason"] else None,
            "reason": row["reason"],
            "system": row["system"],
            "employees": named_again(row["employees"]) or [],
            "clients": named_again(row["clients"]) or [],
            "details": named_again(row["details"]) or {},
        }
        for row in rows
    ]


async def _list_ids_by_surrogate(work: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The ids behind all surrogates of these rows."""
    found: set[uuid.UUID] = set()

    def gather(value: Any) -> None:
        match value:
            case uuid.UUID():
                found.add(value)
            case str() if len(value) == 36:
                try:
                    found.add(uuid.UUID(value))
                except ValueError:
                    return
            case list():
                for part in value:
                    gather(part)
            case dict():
                for part in value.values():
                    gather(part)

    for row in rows:
        for name in ("actor", "employee", "client", "employees", "clients", "details"):
            gather(row[name])
    known = await work.fetch_rows(
        "SELECT surrogate, id FROM surrogates WHERE surrogate = ANY(:found)", found=list(found)
    )
    return {str(row["surrogate"]): row["id"] for row in known}


JOURNAL_VIEW = "journal_entries"
