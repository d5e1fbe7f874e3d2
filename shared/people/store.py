"""The SQL of the copy of the register: locks, the newest state of each person and department, grounds."""

import json
from collections.abc import Iterable

from asyncpg import Connection

from shared.advisory_locks import AdvisoryLock
from shared.contracts.clients import Ground, GroundKind
from shared.contracts.staff import DepartmentChanged, EmployeeEvent
from shared.database import UnitOfWork
from shared.messages import Envelope
from shared.people.rules import FreezeOutcome, Frozen, NotEmployed, Person, UnknownEmployee, list_caretaker_candidates


async def apply_employee_event(work: UnitOfWork, envelope: Envelope[EmployeeEvent]) -> bool:
    """Takes over the state that the event carries. False if a newer one is known (then nothing changes).

    With a new employment the grounds of the old one no longer bind. If a stand-in still holds what was of record,
    `settling` is set: the service writes it through before this person may own anything (a rehire restores nothing).
    """
    event = envelope.data
    lists = event.model_dump(mode="json", include={"functions", "regions", "languages", "absences"})
    changed = await work.fetch_value(
        """
        INSERT INTO people AS p (employee_id, heard, employment_id, status, department_id, manager_id, deputy_id,
                                 functions, regions, languages, absences, hired_on)
        VALUES (:employee_id, :heard, :employment_id, :status, :department_id, :manager_id, :deputy_id,
                CAST(:functions_json AS jsonb), CAST(:regions_json AS jsonb), CAST(:languages_json AS jsonb),
                CAST(:absences_json AS jsonb), :hired_on)
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
        **vars(event),
        **{f"{name}_json": json.dumps(lists[name]) for name in lists},
        heard=envelope.sequence,
    )
    return changed is not None


async def apply_department_event(work: UnitOfWork, envelope: Envelope[DepartmentChanged]) -> None:
    """Takes over the department and computes anew who heads what."""
    await work.execute("LOCK TABLE heads IN EXCLUSIVE MODE")
    await work.execute(
        """
        INSERT INTO departments AS d (department_id, heard, name, parent_id, head_id)
        VALUES (:department_id, :heard, :name, :parent_id, :head_id)
        ON CONFLICT (department_id) DO UPDATE
        SET heard = excluded.heard, name = excluded.name, parent_id = excluded.parent_id, head_id = excluded.head_id
        WHERE d.heard < excluded.heard
        """,
        **vars(envelope.data),
        heard=envelope.sequence,
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


# PostgreSQL lets a new FOR SHARE join the holders of a row although a FOR UPDATE waits for it, so a freeze could starve
# behind transfers that overlap. The queue of advisory locks is fair: whoever comes after a waiting freeze waits behind it.
LOCK_PEOPLE = f"""
    WITH fence AS MATERIALIZED (
        SELECT pg_advisory_xact_lock{{shared}}({AdvisoryLock.PEOPLE:d}, place)
        FROM (SELECT DISTINCT hashtext(id) & 63 AS place FROM unnest(CAST(:ids AS text[])) AS wanted (id) ORDER BY 1) places
    )
    SELECT people.* FROM (SELECT count(*) FROM fence) passed, people
    WHERE employee_id = ANY(:ids) ORDER BY employee_id FOR {{mode}} OF people
"""

LOCK_FOR_UPDATE = LOCK_PEOPLE.format(shared="", mode="UPDATE")

LOCK_FOR_SHARE = LOCK_PEOPLE.format(shared="_shared", mode="SHARE")


async def lock_people(
    work: UnitOfWork,
    for_update: Iterable[str | None] = (),
    for_share: Iterable[str | None] = (),
    given_work: Iterable[str] = (),
) -> dict[str, Person]:
    """Locks rows of people before anything else of the transaction, in id order; returns them by id.

    `for_update`: who is being frozen or unfrozen. `for_share`: new owners, caretakers and the person acting. `given_work`: who is
    given something that counts against their capacity, so that two of them see each other.
    Unknown ids of `for_update` are inserted first, so that there is something to lock; others are absent from the answer.
    Rows are locked FOR UPDATE if anybody changes or is given work, else FOR SHARE: one mode in one statement keeps one order.
    """
    change = sorted({id for id in for_update if id})
    load = set(given_work)
    ids = sorted({*change, *load, *(id for id in for_share if id)})
    locking = LOCK_FOR_UPDATE if change or load else LOCK_FOR_SHARE
    people = await work.fetch_all(Person, locking, ids=ids)
    if not {person.employee_id for person in people}.issuperset(change):
        await work.execute(
            "INSERT INTO people (employee_id) SELECT unnest(CAST(:ids AS text[])) ON CONFLICT DO NOTHING", ids=change
        )
        people = await work.fetch_all(Person, locking, ids=ids)
    return {person.employee_id: person for person in people}


async def get_freeze_state(work: UnitOfWork, employee_id: str, changed: bool = False) -> FreezeOutcome:
    person = await work.fetch_row(
        """
        SELECT p.employee_id, p.employment_id, frozen, stand_in_id, unowned, frozen_at,
               coalesce(json_agg(json_build_object('kind', kind, 'ref', ref) ORDER BY since, kind, ref)
                        FILTER (WHERE kind IS NOT NULL), '[]') AS grounds,
               (array_agg(case_id ORDER BY since, kind, ref) FILTER (WHERE case_id <> ''))[1] AS case_id
        FROM people p LEFT JOIN grounds g ON g.employee_id = p.employee_id AND g.employment_id = p.employment_id
             AND g.ended_at IS NULL
        WHERE p.employee_id = :id GROUP BY p.employee_id
        """,
        id=employee_id,
    )
    if person is None:
        raise UnknownEmployee
    grounds = tuple(Ground(**ground) for ground in person["grounds"])
    return FreezeOutcome(**{**person, "grounds": grounds}, changed=changed)


async def are_roles_frozen(connection: Connection, sub: str) -> bool:
    """Whether this caller has no role but `employee`: frozen, or left."""
    return bool(await connection.fetchval("SELECT frozen OR status = 'left' FROM people WHERE employee_id = $1", sub))


def is_known_sql(alias: str) -> str:
    """SQL: was anything heard of the person row `alias`? As `Person.is_known`, also where an outer join found no row."""
    return f"{alias}.status IS NOT NULL OR coalesce({alias}.frozen, false)"


def is_unknown_sql(alias: str) -> str:
    """SQL: the opposite of `is_known_sql`."""
    return f"{alias}.employee_id IS NULL OR ({alias}.status IS NULL AND NOT {alias}.frozen)"


def is_working_sql(alias: str) -> str:
    """SQL: is the person row `alias` one who works here and is not frozen?"""
    return f"{alias}.status IN ('active', 'resigned') AND NOT {alias}.frozen"


def may_be_given_work_sql(alias: str) -> str:
    """SQL: is the person row `alias` one of whom `Person.may_be_given_work` holds?"""
    return f"{is_working_sql(alias)} AND NOT {alias}.settling"


def work_refusals_sql(alias: str, frozen: str) -> str:
    """SQL: the cases in which `require_may_be_given_work` raises, with their codes; `frozen` says who counts as frozen."""
    return f"""WHEN {is_unknown_sql(alias)} THEN '{UnknownEmployee.code}'
            WHEN {alias}.status = 'left' THEN '{NotEmployed.code}'
            WHEN {frozen} THEN '{Frozen.code}'"""


def heads_person_sql(alias: str, actor: str = ":actor") -> str:
    """SQL: does the actor head the department of the person row `alias`, or one above it?"""
    return f"""EXISTS (
        SELECT 1 FROM heads WHERE heads.department_id = {alias}.department_id AND heads.head_id = {actor})"""


async def is_headed_by_actor(work: UnitOfWork, employee_id: str) -> bool:
    """Whether the caller heads the department of this person, or one above."""
    return bool(await list_headed_by_actor(work, [employee_id]))


async def list_headed_by_actor(work: UnitOfWork, employee_ids: Iterable[str | None]) -> set[str]:
    """Those of these people whom the caller heads."""
    found = await work.fetch_values(
        f"SELECT p.employee_id FROM people p WHERE p.employee_id = ANY(:ids) AND {heads_person_sql('p')}",
        ids=list(employee_ids),
    )
    return set(found)


async def exists_departure_ground(work: UnitOfWork, employee_id: str, employment_id: str) -> bool:
    """Whether this employment is frozen for a departure that was not withdrawn."""
    found = await work.fetch_value(
        """
        SELECT 1 FROM grounds WHERE employee_id = :id AND employment_id = :employment
        AND kind = 'departure' AND ended_at IS NULL AND reason IS DISTINCT FROM 'withdrawn'
        """,
        id=employee_id,
        employment=employment_id,
    )
    return found is not None


async def list_emergency_and_incident_grounds(work: UnitOfWork, employee_id: str, employment_id: str) -> list[Ground]:
    """Those that have not ended."""
    return await work.fetch_all(
        Ground,
        """
        SELECT kind, ref FROM grounds WHERE employee_id = :id AND employment_id = :employment
        AND ended_at IS NULL AND kind IN ('emergency', 'incident')
        """,
        id=employee_id,
        employment=employment_id,
    )


async def insert_ground(
    work: UnitOfWork, employee_id: str, employment_id: str, ground: Ground, case_id: str | None, reason: str | None
) -> bool:
    """Whether it is new; one that is there already is bound to the case, unless it is bound to another."""
    is_new: bool = await work.fetch_value(
        """
        INSERT INTO grounds (employee_id, employment_id, kind, ref, case_id, reason, by_id, since)
        VALUES (:employee_id, :employment, :kind, :ref, :case_id, :reason, :actor, :now)
        ON CONFLICT (employee_id, employment_id, kind, ref)
        DO UPDATE SET case_id = coalesce(grounds.case_id, excluded.case_id)
        RETURNING xmax = 0
        """,
        **vars(ground),
        employee_id=employee_id,
        employment=employment_id,
        case_id=case_id,
        reason=reason,
    )
    return is_new


async def update_departure_grounds_withdrawn(work: UnitOfWork, employee_id: str, employment_id: str) -> None:
    await work.execute(
        """
        UPDATE grounds SET reason = 'withdrawn' WHERE employee_id = :id AND employment_id = :employment
        AND kind = 'departure' AND ended_at IS NULL
        """,
        id=employee_id,
        employment=employment_id,
    )


async def update_grounds_ended(
    work: UnitOfWork, employee_id: str, employment_id: str, kind: GroundKind, ref: str | None
) -> int:
    """Ends this ground, or all of this kind, and with the last one the freeze; how many grounds ended."""
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
    )
    await work.execute(
        """
        UPDATE people SET frozen = false, frozen_at = NULL, stand_in_id = CASE WHEN settling THEN stand_in_id END,
                          unowned = settling AND unowned
        WHERE employee_id = :id AND frozen AND NOT EXISTS (
            SELECT 1 FROM grounds g WHERE g.employee_id = :id AND g.ended_at IS NULL
            AND g.employment_id = people.employment_id)
        """,
        id=employee_id,
    )
    return ended


async def update_employment(work: UnitOfWork, employee_id: str, employment_id: str) -> None:
    await work.execute(
        "UPDATE people SET employment_id = :employment WHERE employee_id = :id",
        id=employee_id,
        employment=employment_id,
    )


async def update_person_frozen(work: UnitOfWork, employee_id: str, stand_in_id: str | None) -> None:
    """Freezes this person; the stand-in is also that of all for whom this person stood in."""
    await work.execute(
        """
        UPDATE people SET stand_in_id = :stand_in, unowned = CAST(:stand_in AS text) IS NULL,
            frozen = frozen OR employee_id = :id,
            frozen_at = CASE WHEN employee_id = :id AND NOT frozen THEN :now ELSE frozen_at END
        WHERE employee_id = :id OR stand_in_id = :id
        """,
        id=employee_id,
        stand_in=stand_in_id,
    )


async def erase_ground_reasons(work: UnitOfWork, employee_id: str) -> int:
    """Empties why this person was frozen, and why they froze others; `withdrawn` is a word of ours. How many."""
    return await work.execute(
        """
        UPDATE grounds SET reason = NULL
        WHERE :id IN (employee_id, by_id) AND reason IS NOT NULL AND reason <> 'withdrawn'
        """,
        id=employee_id,
    )


async def get_person(work: UnitOfWork, employee_id: str) -> Person | None:
    """Without a lock: what is decided by it is looked at again under `lock_people`."""
    return await work.fetch_one(Person, "SELECT * FROM people WHERE employee_id = :id", id=employee_id)


async def list_caretaker_candidates_of_person(work: UnitOfWork, person: Person) -> list[str]:
    """Who may stand in for this person, in order: deputy, manager, the heads of the departments upward, the last resort."""
    head_ids = await work.fetch_values(
        "SELECT head_id FROM heads WHERE department_id = :department_id ORDER BY distance, head_id",
        department_id=person.department_id,
    )
    last_resort = work.settings.last_resort
    return list_caretaker_candidates(person.employee_id, person.deputy_id, person.manager_id, head_ids, last_resort)


async def list_settling_employee_ids(work: UnitOfWork) -> list[str]:
    """Who was rehired while a stand-in still holds what was of record with them, by id."""
    return await work.fetch_values("SELECT employee_id FROM people WHERE settling ORDER BY employee_id")


async def end_settling(work: UnitOfWork, employee_id: str) -> None:
    """Nothing is of record from before any more. A freeze of the new employment may have come meanwhile; its stand-in stays."""
    await work.execute(
        """
        UPDATE people p SET settling = false, frozen = g.any, frozen_at = CASE WHEN g.any THEN p.frozen_at END,
                            stand_in_id = CASE WHEN g.any THEN p.stand_in_id END, unowned = g.any AND p.unowned
        FROM (SELECT EXISTS (SELECT 1 FROM grounds g JOIN people q USING (employee_id, employment_id)
                             WHERE q.employee_id = :id AND g.ended_at IS NULL) AS any) g
        WHERE p.employee_id = :id AND p.settling
        """,
        id=employee_id,
    )
