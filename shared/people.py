"""The copy of the register that each service keeps: one row per employee, the grounds of a freeze, the heads of departments.

It stands in the chassis because every door asks it whether the caller is frozen, and because the freeze of
`clients`, `orders` and `offboarding` must be one piece of code (docs/decisions/0003).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.clients import AccessFrozen, AccessUnfrozen, Ground, GroundKind
from shared.contracts.staff import (
    EMPLOYEE_EVENTS,
    DepartmentChanged,
    DepartureHeld,
    DepartureRejected,
    EmployeeEvent,
    EmployeeLeft,
    EmployeeResigned,
)
from shared.database import UnitOfWork
from shared.errors import Refused, Unprocessable
from shared.messages import Envelope


class NotEmployed(Refused):
    """This person does not work here (any more)."""


class Frozen(Refused):
    """This person's access is frozen."""


class UnknownEmployee(Unprocessable):
    """No employee with this id has been heard of. Register them in `staff` first; it takes a moment to arrive here."""


def people_tables(metadata: MetaData) -> None:
    Table(
        "people",
        metadata,
        Column("employee_id", Text, primary_key=True),
        Column("heard", BigInteger, nullable=False, server_default="0"),
        Column("employment_id", Text),
        Column("status", Text),
        Column("department_id", Text),
        Column("manager_id", Text),
        Column("deputy_id", Text),
        Column("functions", JSONB, nullable=False, server_default="{}"),
        Column("regions", JSONB, nullable=False, server_default="[]"),
        Column("languages", JSONB, nullable=False, server_default="[]"),
        Column("absences", JSONB, nullable=False, server_default="[]"),
        Column("hired_on", Date),
        Column("stand_in_id", Text),
        Column("frozen", Boolean, nullable=False, server_default="false"),
        Column("frozen_at", DateTime(timezone=True)),
        Column("unowned", Boolean, nullable=False, server_default="false"),
        Column("settling", Boolean, nullable=False, server_default="false"),
        Index("people_stand_in_id", "stand_in_id"),
        Index("people_department_id", "department_id"),
    )
    Table(
        "grounds",
        metadata,
        Column("employee_id", Text),
        Column("employment_id", Text),
        Column("kind", Text),
        Column("ref", Text),
        Column("case_id", Text),
        Column("reason", Text),
        Column("by_id", Text),
        Column("since", DateTime(timezone=True), nullable=False),
        Column("ended_at", DateTime(timezone=True)),
        PrimaryKeyConstraint("employee_id", "employment_id", "kind", "ref"),
    )
    Table(
        "departments",
        metadata,
        Column("department_id", Text, primary_key=True),
        Column("heard", BigInteger, nullable=False),
        Column("name", Text, nullable=False),
        Column("parent_id", Text),
        Column("head_id", Text),
    )
    # Every head above a department, so that one look-up answers whether somebody heads it or any above it.
    Table(
        "heads",
        metadata,
        Column("department_id", Text),
        Column("head_id", Text),
        Column("distance", Integer, nullable=False),
        PrimaryKeyConstraint("department_id", "head_id"),
        Index("heads_head_id", "head_id"),
    )


# -- hearing of people and departments ---------------------------------------------------------------------------------


async def hear_employee(work: UnitOfWork, envelope: Envelope[EmployeeEvent]) -> bool:
    """Takes over the state that the event carries. False if a newer one is known (then nothing changes).

    With a new employment the grounds of the old one no longer bind. If a stand-in still holds what was of record,
    `settling` is set: the service writes it through before this person may own anything (a rehire restores nothing).
    """
    event = envelope.data
    changed = await work.scalar(
        """
        INSERT INTO people AS p (employee_id, heard, employment_id, status, department_id, manager_id, deputy_id,
                                 functions, regions, languages, absences, hired_on)
        VALUES (:employee_id, :heard, :employment_id, :status, :department_id, :manager_id, :deputy_id,
                CAST(:functions AS jsonb), CAST(:regions AS jsonb), CAST(:languages AS jsonb),
                CAST(:absences AS jsonb), :hired_on)
        ON CONFLICT (employee_id) DO UPDATE SET
            heard = excluded.heard, status = excluded.status, department_id = excluded.department_id,
            manager_id = excluded.manager_id, deputy_id = excluded.deputy_id, functions = excluded.functions,
            regions = excluded.regions, languages = excluded.languages, absences = excluded.absences,
            hired_on = excluded.hired_on, employment_id = excluded.employment_id,
            settling = p.settling OR (p.employment_id <> excluded.employment_id AND p.frozen),
            frozen = p.frozen AND p.employment_id IS NOT DISTINCT FROM excluded.employment_id
                     OR EXISTS (SELECT 1 FROM grounds g WHERE g.employee_id = p.employee_id AND g.ended_at IS NULL
                                AND g.employment_id = excluded.employment_id)
        WHERE p.heard < excluded.heard
        RETURNING 1
        """,
        employee_id=event.employee_id,
        heard=envelope.sequence,
        employment_id=event.employment_id,
        status=event.status,
        department_id=event.department_id,
        manager_id=event.manager_id,
        deputy_id=event.deputy_id,
        functions=json.dumps(event.functions),
        regions=json.dumps(event.regions),
        languages=json.dumps(event.languages),
        absences=json.dumps([absence.model_dump(mode="json") for absence in event.absences]),
        hired_on=event.hired_on,
    )
    return changed is not None


async def hear_department(work: UnitOfWork, envelope: Envelope[DepartmentChanged]) -> None:
    """Takes over the department and computes anew who heads what."""
    event = envelope.data
    await work.execute("LOCK TABLE heads IN EXCLUSIVE MODE")
    await work.execute(
        """
        INSERT INTO departments AS d (department_id, heard, name, parent_id, head_id)
        VALUES (:department_id, :heard, :name, :parent_id, :head_id)
        ON CONFLICT (department_id) DO UPDATE
        SET heard = excluded.heard, name = excluded.name, parent_id = excluded.parent_id, head_id = excluded.head_id
        WHERE d.heard < excluded.heard
        """,
        department_id=event.department_id,
        heard=envelope.sequence,
        name=event.name,
        parent_id=event.parent_id,
        head_id=event.head_id,
    )
    await work.execute("DELETE FROM heads")
    await work.execute(
        """
        INSERT INTO heads (department_id, head_id, distance)
        WITH RECURSIVE above (department_id, ancestor_id, distance) AS (
            SELECT department_id, department_id, 0 FROM departments
            UNION ALL
            SELECT a.department_id, d.parent_id, a.distance + 1
            FROM above a JOIN departments d ON d.department_id = a.ancestor_id
            WHERE d.parent_id IS NOT NULL AND a.distance < 50
        )
        SELECT a.department_id, d.head_id, min(a.distance)
        FROM above a JOIN departments d ON d.department_id = a.ancestor_id
        WHERE d.head_id IS NOT NULL GROUP BY 1, 2
        """
    )


# -- freezing ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FreezeState:
    """How a person stands after a freeze or unfreeze. `changed` says whether this call did it."""

    employee_id: str
    employment_id: str | None
    frozen: bool
    stand_in_id: str | None
    unowned: bool
    grounds: tuple[Ground, ...]
    case_id: str | None
    frozen_at: datetime | None
    changed: bool


async def lock(
    work: UnitOfWork, changing: Iterable[str | None] = (), holding: Iterable[str | None] = ()
) -> dict[str, Mapping[str, Any]]:
    """Locks rows of people before anything else of the transaction, in id order; returns them by id.

    `changing`: who is being frozen or unfrozen. `holding`: new owners, caretakers, assignees and the person acting.
    Unknown ids of `changing` are inserted first, so that there is something to lock; of `holding` they are absent
    from the answer. Rows are locked FOR UPDATE if anybody changes, else FOR SHARE: one mode in one statement keeps one order.
    """
    change = sorted({id for id in changing if id})
    ids = sorted({*change, *(id for id in holding if id)})
    if change:
        await work.execute(
            "INSERT INTO people (employee_id) SELECT unnest(CAST(:ids AS text[])) ON CONFLICT DO NOTHING", ids=change
        )
    mode = "UPDATE" if change else "SHARE"
    rows = await work.rows(
        f"SELECT * FROM people WHERE employee_id = ANY(:ids) ORDER BY employee_id FOR {mode}",
        ids=ids,
    )
    return {row["employee_id"]: row for row in rows}


async def freeze(
    work: UnitOfWork,
    employee_id: str,
    employment_id: str | None,
    ground: Ground,
    caretakers: Sequence[str],
    case_id: str | None = None,
    reason: str | None = None,
) -> FreezeState:
    """Adds a ground. With the first one everything of this person is in the stand-in's hands, as one row.

    Idempotent: the same ground again, or one that has ended, adds nothing; a `case_id` binds the ground to the case.
    Whoever had this person as stand-in gets this person's stand-in.
    """
    rows = await lock(work, changing=[employee_id, *caretakers])
    before = rows[employee_id]
    employment = employment_id or before["employment_id"] or ""
    await work.execute(
        "UPDATE people SET employment_id = :employment WHERE employee_id = :id AND employment_id IS NULL",
        id=employee_id,
        employment=employment,
    )
    added = await work.scalar(
        """
        INSERT INTO grounds (employee_id, employment_id, kind, ref, case_id, reason, by_id, since)
        VALUES (:employee_id, :employment, :kind, :ref, :case_id, :reason, :by_id, :now)
        ON CONFLICT (employee_id, employment_id, kind, ref)
        DO UPDATE SET case_id = coalesce(grounds.case_id, excluded.case_id)
        RETURNING xmax = 0
        """,
        employee_id=employee_id,
        employment=employment,
        kind=ground.kind,
        ref=ground.ref,
        case_id=case_id,
        reason=reason,
        by_id=work.actor,
        now=work.now,
    )
    if added and (before["employment_id"] or employment) == employment:
        stand_in = before["stand_in_id"] or first_eligible(rows, caretakers, employee_id, today(work))
        await work.execute(
            """
            UPDATE people SET frozen = true, frozen_at = coalesce(frozen_at, :now), stand_in_id = :stand_in,
                              unowned = CAST(:stand_in AS text) IS NULL
            WHERE employee_id = :id
            """,
            id=employee_id,
            stand_in=stand_in,
            now=work.now,
        )
        await work.execute(
            """
            UPDATE people SET stand_in_id = :stand_in, unowned = CAST(:stand_in AS text) IS NULL
            WHERE stand_in_id = :id
            """,
            id=employee_id,
            stand_in=stand_in,
        )
    return await freeze_state(work, employee_id, changed=bool(added))


async def unfreeze(
    work: UnitOfWork, employee_id: str, employment_id: str, kind: GroundKind, ref: str | None
) -> FreezeState:
    """Ends a ground (all of this kind if `ref` is None). With the last one go the freeze and the stand-in."""
    await lock(work, changing=[employee_id])
    ended = await work.execute(
        """
        UPDATE grounds SET ended_at = :now
        WHERE employee_id = :id AND employment_id = :employment AND kind = :kind AND ended_at IS NULL
              AND (CAST(:ref AS text) IS NULL OR ref = :ref)
        """,
        id=employee_id,
        employment=employment_id,
        kind=kind,
        ref=ref,
        now=work.now,
    )
    await work.execute(
        """
        UPDATE people SET frozen = false, frozen_at = NULL, stand_in_id = NULL, unowned = false
        WHERE employee_id = :id AND frozen AND NOT settling AND NOT EXISTS (
            SELECT 1 FROM grounds g WHERE g.employee_id = :id AND g.ended_at IS NULL
            AND g.employment_id = people.employment_id)
        """,
        id=employee_id,
    )
    return await freeze_state(work, employee_id, changed=ended.rowcount > 0)


async def freeze_state(work: UnitOfWork, employee_id: str, changed: bool = False) -> FreezeState:
    person = await work.row("SELECT * FROM people WHERE employee_id = :id", id=employee_id)
    if person is None:
        raise UnknownEmployee
    grounds = await work.rows(
        """
        SELECT kind, ref, case_id FROM grounds
        WHERE employee_id = :id AND employment_id = :employment AND ended_at IS NULL ORDER BY since, kind, ref
        """,
        id=employee_id,
        employment=person["employment_id"],
    )
    return FreezeState(
        employee_id=employee_id,
        employment_id=person["employment_id"],
        frozen=person["frozen"],
        stand_in_id=person["stand_in_id"],
        unowned=person["unowned"],
        grounds=tuple(Ground(kind=row["kind"], ref=row["ref"]) for row in grounds),
        case_id=next((row["case_id"] for row in grounds if row["case_id"]), None),
        frozen_at=person["frozen_at"],
        changed=changed,
    )


async def hear_departure(work: UnitOfWork, envelope: Envelope[Any]) -> FreezeState | None:
    """The freeze that an announcement asks for: resigned, left, held; or the end of a hold. None: it asks for none.

    Call it after `hear_employee`. A departure of an employment that has ended meanwhile freezes nobody.
    """
    event = envelope.data
    sequence = str(envelope.sequence)
    match event:
        case EmployeeResigned():
            ground = Ground(kind="departure", ref=sequence)
        case EmployeeLeft():
            if await work.scalar(
                """
                SELECT 1 FROM grounds WHERE employee_id = :id AND employment_id = :employment
                AND kind = 'departure' AND ended_at IS NULL
                """,
                id=event.employee_id,
                employment=event.employment_id,
            ):
                return await freeze_state(work, event.employee_id)
            ground = Ground(kind="departure", ref=sequence)
        case DepartureHeld(freeze=True):
            ground = Ground(kind="hold", ref=event.hold_id)
        case DepartureRejected():
            return await unfreeze(work, event.employee_id, event.employment_id, "hold", event.hold_id)
        case _:
            return None
    return await freeze(work, event.employee_id, event.employment_id, ground, event.caretakers)


async def hear_access(work: UnitOfWork, envelope: Envelope[Any]) -> FreezeState | None:
    """Follows the freezes that are not departures (emergency, incident), which `clients` decides."""
    event = envelope.data
    state: FreezeState | None = None
    match event:
        case AccessFrozen():
            for ground in event.grounds:
                if ground.kind in ("emergency", "incident"):
                    caretakers = [event.caretaker_id] if event.caretaker_id else []
                    state = await freeze(work, event.employee_id, event.employment_id, ground, caretakers)
        case AccessUnfrozen():
            still = {(ground.kind, ground.ref) for ground in event.grounds}
            own = await work.rows(
                """
                SELECT kind, ref FROM grounds WHERE employee_id = :id AND employment_id = :employment
                AND ended_at IS NULL AND kind IN ('emergency', 'incident')
                """,
                id=event.employee_id,
                employment=event.employment_id,
            )
            for row in own:
                if (row["kind"], row["ref"]) not in still:
                    state = await unfreeze(work, event.employee_id, event.employment_id, row["kind"], row["ref"])
    return state


# -- asking ------------------------------------------------------------------------------------------------------------


async def is_frozen(connection: AsyncConnection, sub: str) -> bool:
    """Whether this caller has no role but `employee`: frozen, or left."""
    found = await connection.execute(
        text("SELECT frozen OR status = 'left' FROM people WHERE employee_id = :sub"), {"sub": sub}
    )
    return bool(found.scalar())


def today(work: UnitOfWork) -> date:
    """The day that it is where the company works."""
    return work.now.astimezone(ZoneInfo(work.settings.timezone)).date()


def is_absent(person: Mapping[str, Any], day: date) -> bool:
    return any(
        absence["from_day"] <= day.isoformat() <= (absence["until_day"] or "9999-12-31")
        for absence in person["absences"]
    )


def first_eligible(
    rows: Mapping[str, Mapping[str, Any]], candidates: Sequence[str], leaver: str, day: date
) -> str | None:
    """The first candidate who works here, is neither frozen nor absent, and is not the leaver."""
    for candidate in candidates:
        person = rows.get(candidate)
        if (
            candidate != leaver
            and person
            and works_here(person)
            and not person["frozen"]
            and not is_absent(person, day)
        ):
            return candidate
    return None


def works_here(person: Mapping[str, Any]) -> bool:
    return person["status"] in ("active", "resigned")


def must_be_able_to_own(rows: Mapping[str, Mapping[str, Any]], employee_id: str) -> None:
    """Raises `UnknownEmployee`, `NotEmployed` or `Frozen` unless this person may be given clients or stages."""
    person = rows.get(employee_id)
    if person is None or (person["status"] is None and not person["frozen"]):
        raise UnknownEmployee
    if person["frozen"] or person["settling"]:
        raise Frozen
    if not works_here(person):
        raise NotEmployed


def heads_of(alias: str) -> str:
    """SQL: does `:actor` head the department of the person row `alias`, or one above it?"""
    return f"EXISTS (SELECT 1 FROM heads WHERE heads.department_id = {alias}.department_id AND heads.head_id = :actor)"


HEARD_FROM_STAFF = (*EMPLOYEE_EVENTS, DepartmentChanged)
