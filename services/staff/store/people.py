"""Employees: loaded under lock with all that a decision about them needs, saved with what became of them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from asyncpg import Connection

from services.staff.domain.absences import HrisAbsences, Said
from services.staff.domain.life import Former
from services.staff.domain.person import Person, Rehire
from shared.contracts.staff import Absence
from shared.database import UnitOfWork, bind_named

PLAIN = (
    *("id", "employment_id", "hired_on", "name", "email", "position", "department_id", "manager_id", "deputy_id"),
    *("functions", "regions", "languages", "status", "notice_on", "last_day", "ends_on", "left_on", "opened_at"),
    "version",
)


@dataclass(frozen=True)
class Loaded:
    """A person under lock; `heads` of the departments upward; the open hold; what is compared and never public."""

    person: Person
    heads: tuple[str, ...]
    hold_id: str | None
    body_hash: bytes | None
    imported: Mapping[str, Any] | None
    erased: bool = False


LOAD = """
    SELECT e.*, h.id AS hold_id,
           (WITH RECURSIVE up (parent_id, head_id, distance) AS (
                SELECT d.parent_id, d.head_id, 0 FROM departments d WHERE d.id = e.department_id
                UNION ALL
                SELECT d.parent_id, d.head_id, up.distance + 1 FROM up JOIN departments d ON d.id = up.parent_id
                WHERE up.distance < 50
            ) SELECT array_agg(head_id ORDER BY distance) FROM up WHERE head_id IS NOT NULL) AS heads
    FROM employees e LEFT JOIN holds h ON h.employee_id = e.id AND h.state = 'held'
    WHERE e.id = ANY(:ids) ORDER BY e.id FOR UPDATE OF e
"""


async def load(work: UnitOfWork, ids: Iterable[str]) -> dict[str, Loaded]:
    """Those of these employees who exist, locked in id order."""
    return {row["id"]: loaded(row) for row in await work.fetch_rows(LOAD, ids=sorted(set(ids)))}


def loaded(row: Mapping[str, Any]) -> Loaded:
    return Loaded(
        person_of(row),
        tuple(row["heads"] or ()),
        row["hold_id"],
        row["body_hash"],
        row["imported"],
        row["erased_at"] is not None,
    )


def person_of(row: Mapping[str, Any]) -> Person:
    rehired = row["rehired"]
    return Person(
        **{name: row[name] for name in PLAIN},
        absences=tuple(Absence.model_validate(absence) for absence in row["absences"]),
        hris_absences=HrisAbsences(
            **{
                kind: {
                    date.fromisoformat(day): Said(until and date.fromisoformat(until), datetime.fromisoformat(at))
                    for day, (until, at) in said.items()
                }
                for kind, said in row["hris_absences"].items()
            }
        ),
        rehired=rehired and Rehire(date.fromisoformat(rehired["hired_on"]), datetime.fromisoformat(rehired["at"])),
        said={name: datetime.fromisoformat(at) for name, at in row["said"].items()},
    )


def row_of(person: Person) -> dict[str, Any]:
    """The person as parameters of SQL; JSON as text."""
    absences = person.hris_absences
    hris = {
        kind: {str(day): [said.until and str(said.until), said.at.isoformat()] for day, said in known.items()}
        for kind, known in (("absent", absences.absent), ("back", absences.back))
        if known
    }
    rehired = person.rehired and {"hired_on": str(person.rehired.hired_on), "at": person.rehired.at.isoformat()}
    return {
        **{name: getattr(person, name) for name in PLAIN},
        "functions": json.dumps(dict(person.functions)),
        "regions": json.dumps(list(person.regions)),
        "languages": json.dumps(list(person.languages)),
        "absences": json.dumps([absence.model_dump(mode="json") for absence in person.absences]),
        "hris_absences": json.dumps(hris),
        "rehired": rehired and json.dumps(rehired),
        "said": json.dumps({name: at.isoformat() for name, at in person.said.items()}),
    }


@dataclass(frozen=True)
class Change:
    """A line of the life's history. `reason` is free text: it never leaves this table but to `hr`."""

    kind: str
    said_at: datetime
    reason: str | None = None


SAVE = """
    WITH saved AS (
        UPDATE employees SET
            version = version + 1, name = :name, email = :email, position = :position, department_id = :department_id,
            manager_id = :manager_id, deputy_id = :deputy_id, functions = CAST(:functions AS jsonb),
            regions = CAST(:regions AS jsonb), languages = CAST(:languages AS jsonb),
            absences = CAST(:absences AS jsonb), hris_absences = CAST(:hris_absences AS jsonb),
            employment_id = :employment_id, opened_at = :opened_at, hired_on = :hired_on,
            status = CAST(:status AS text), notice_on = CAST(:notice_on AS date), last_day = CAST(:last_day AS date),
            ends_on = CAST(:ends_on AS date), left_on = CAST(:left_on AS date), rehired = CAST(:rehired AS jsonb),
            said = CAST(:said AS jsonb)
        WHERE id = :id
    ), changed AS (
        INSERT INTO life_changes (employee_id, employment_id, kind, at, said_at, by_id, status, notice_on, last_day,
                                  ends_on, left_on, reason)
        SELECT :id, :employment_id, CAST(:kind AS text), :now, CAST(:said_at AS timestamptz), :by_id,
               CAST(:status AS text), CAST(:notice_on AS date), CAST(:last_day AS date), CAST(:ends_on AS date),
               CAST(:left_on AS date), CAST(:reason AS text)
        WHERE CAST(:kind AS text) IS NOT NULL
    ), former AS (
        INSERT INTO employments (employment_id, employee_id, hired_on, notice_on, last_day, ends_on, left_on)
        SELECT CAST(:f_employment_id AS text), :id, CAST(:f_hired_on AS date), CAST(:f_notice_on AS date),
               CAST(:f_last_day AS date), CAST(:f_ends_on AS date), CAST(:f_left_on AS date)
        WHERE CAST(:f_employment_id AS text) IS NOT NULL
    )
    UPDATE hris_messages SET outcome = 'applied', reason = NULL, awaits = NULL, body = NULL, employee_id = :id
    WHERE id = CAST(:message_id AS text)
"""
FORMER = ("employment_id", "hired_on", "notice_on", "last_day", "ends_on", "left_on")


async def save(
    work: UnitOfWork,
    person: Person,
    change: Change | None = None,
    former: Former | None = None,
    message_id: str | None = None,
) -> None:
    """Saves the person, the line of history, an employment that ended, and that the HRIS message was applied."""
    await work.execute(
        SAVE,
        **row_of(person),
        **{f"f_{name}": former and getattr(former, name) for name in FORMER},
        kind=change and change.kind,
        said_at=change and change.said_at,
        reason=change and change.reason,
        by_id=work.actor,
        now=work.now,
        message_id=message_id,
    )


INSERT = """
    INSERT INTO employees (id, name, email, position, department_id, manager_id, deputy_id, functions, regions,
                           languages, hired_on, employment_id, said, body_hash, imported)
    SELECT r.id, r.name, r.email, r.position, r.department_id, r.manager_id, r.deputy_id, r.functions, r.regions, r.languages,
           r.hired_on, r.employment_id, r.said, decode(r.body_hash, 'hex'), r.imported
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (
        id text, name text, email text, position text, department_id text, manager_id text, deputy_id text,
        functions jsonb, regions jsonb, languages jsonb, hired_on date, employment_id text, said jsonb,
        body_hash text, imported jsonb)
    ON CONFLICT (id) DO NOTHING
    RETURNING id
"""


async def insert(
    work: UnitOfWork,
    people: Sequence[Person],
    body_hash: bytes | None = None,
    imported: Mapping[str, Mapping[str, Any]] | None = None,
) -> set[str]:
    """Registers new people, one statement for all; returns the ids of those that were not there yet."""
    rows = []
    for person in people:
        rows.append(
            {
                **attributes_of(person),
                "employment_id": person.employment_id,
                "body_hash": body_hash and body_hash.hex(),
                "imported": (imported or {}).get(person.id),
            }
        )
    return {row["id"] for row in await work.fetch_rows(INSERT, rows=json.dumps(rows))}


def attributes_of(person: Person) -> dict[str, Any]:
    """What may be set of an employee at any time, as JSON has it."""
    plain = ("id", "name", "email", "position", "department_id", "manager_id", "deputy_id")
    return {
        **{name: getattr(person, name) for name in plain},
        "functions": dict(person.functions),
        "regions": list(person.regions),
        "languages": list(person.languages),
        "hired_on": str(person.hired_on),
        "said": {name: at.isoformat() for name, at in person.said.items()},
    }


async def update_attributes(
    work: UnitOfWork, people: Sequence[Person], imported: Mapping[str, Mapping[str, Any]]
) -> None:
    """Sets the attributes of all of these people, and what was imported last, by one statement."""
    await work.execute(
        """
        UPDATE employees e SET version = e.version + 1, name = r.name, email = r.email, position = r.position,
               department_id = r.department_id, manager_id = r.manager_id, deputy_id = r.deputy_id,
               functions = r.functions, regions = r.regions, languages = r.languages, hired_on = r.hired_on,
               said = r.said, imported = r.imported
        FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (
            id text, name text, email text, position text, department_id text, manager_id text, deputy_id text,
            functions jsonb, regions jsonb, languages jsonb, hired_on date, said jsonb, imported jsonb)
        WHERE e.id = r.id
        """,
        rows=json.dumps([{**attributes_of(person), "imported": imported[person.id]} for person in people]),
    )


async def managers(work: UnitOfWork) -> dict[str, str]:
    """Who has which manager."""
    rows = await work.fetch_rows("SELECT id, manager_id FROM employees WHERE manager_id IS NOT NULL")
    return {row["id"]: row["manager_id"] for row in rows}


async def known(work: UnitOfWork, ids: Iterable[str | None]) -> set[str]:
    """Which of these employees exist."""
    wanted = [id for id in ids if id]
    return {row["id"] for row in await work.fetch_rows("SELECT id FROM employees WHERE id = ANY(:ids)", ids=wanted)}


async def last_left(work: UnitOfWork, ids: Iterable[str]) -> dict[str, date]:
    """When the last of their earlier employments ended; absent for those who have none."""
    sql = "SELECT employee_id, max(left_on) AS day FROM employments WHERE employee_id = ANY(:ids) GROUP BY employee_id"
    return {row["employee_id"]: row["day"] for row in await work.fetch_rows(sql, ids=list(ids))}


async def lock_chains(work: UnitOfWork) -> None:
    """Changes of who is above whom go one by one, so that two of them cannot close a circle together."""
    await work.execute("SELECT pg_advisory_xact_lock(7284)")


async def is_above(work: UnitOfWork, table: str, up: str, id: str, start: str) -> bool:
    """Whether `id` is `start` or stands above it. `table` and `up` are our own words."""
    return bool(
        await work.fetch_value(
            f"""
            WITH RECURSIVE above (id) AS (
                SELECT CAST(:start AS text)
                UNION
                SELECT t.{up} FROM above JOIN {table} t ON t.id = above.id WHERE t.{up} IS NOT NULL
            ) SELECT EXISTS (SELECT 1 FROM above WHERE id = :id)
            """,
            id=id,
            start=start,
        )
    )


IS_FROZEN = """
    SELECT EXISTS (SELECT 1 FROM employees WHERE id = :sub AND status <> 'active')
        OR EXISTS (SELECT 1 FROM frozen_access f LEFT JOIN employees e ON e.id = f.employee_id
                   WHERE f.employee_id = :sub AND coalesce(e.employment_id, f.employment_id) = f.employment_id)
"""


async def is_frozen(connection: Connection, sub: str) -> bool:
    """Whether this caller has no role but `employee`: leaving, left, or frozen in `clients`."""
    return bool(await connection.fetchval(*bind_named(IS_FROZEN, sub=sub)))
