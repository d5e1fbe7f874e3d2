"""Departures that the brake holds or counts, the cases that follow from departures, and all employments of one person."""

from dataclasses import fields
from datetime import date

import asyncpg
from pydantic import TypeAdapter

from services.staff.departures import rules
from shared.database import UnitOfWork
from shared.errors import NotFound
from shared.paging import Paging

EMPLOYMENTS_ADAPTER = TypeAdapter(list[rules.Employment])
HOLD_COLUMNS = ", ".join(field.name for field in fields(rules.HeldDeparture))


async def list_employments(
    work: UnitOfWork, employee_id: str, shows_reasons: bool, paging: Paging
) -> list[rules.Employment]:
    """All employments, the oldest first, each with every change of its life. Paged by how many came before."""
    rows = await work.fetch_rows(
        """
        WITH periods AS (
            SELECT employment_id, hired_on, 'left' AS status, notice_on, last_day, ends_on, left_on, 0 AS present
            FROM employments WHERE employee_id = :id
            UNION ALL
            SELECT employment_id, hired_on, status, notice_on, last_day, ends_on, left_on, 1
            FROM employees WHERE id = :id
        )
        SELECT p.*, coalesce((
            SELECT jsonb_agg(jsonb_build_object('kind', c.kind, 'at', c.at, 'by_id', c.by_id, 'status', c.status,
                'notice_on', c.notice_on, 'last_day', c.last_day, 'ends_on', c.ends_on, 'left_on', c.left_on,
                'reason', CASE WHEN :shows_reasons THEN c.reason END) ORDER BY c.id)
            FROM life_changes c WHERE c.employee_id = :id AND c.employment_id = p.employment_id), '[]') AS changes
        FROM periods p ORDER BY present, hired_on, employment_id LIMIT :fetch OFFSET :after
        """,
        id=employee_id,
        shows_reasons=shows_reasons,
        after=paging.number or 0,
        fetch=paging.fetch,
    )
    return EMPLOYMENTS_ADAPTER.validate_python(rows)


async def lock_employees_past_last_day(work: UnitOfWork, limit: int) -> list[str]:
    """Whose last day is over without anybody having said that they left; without those whom another replica looks at."""
    return await work.fetch_values(
        """
        SELECT id FROM employees WHERE status = 'resigned' AND last_day < :today ORDER BY id LIMIT :limit
        FOR UPDATE SKIP LOCKED
        """,
        limit=limit,
    )


# -- the brake ---------------------------------------------------------------------------------------------------------


async def increment_departures_of_day(work: UnitOfWork, source_id: str, day: date) -> rules.DepartureCount:
    """Counts one more departure of this source and day.

    The row stays locked until commit, so departures of one source are counted one by one.
    """
    counted = await work.fetch_one(
        rules.DepartureCount,
        """
        INSERT INTO hris_days AS d (source_id, day, departures, staff)
        VALUES (:source_id, :day, 1, (SELECT count(*) FROM employees WHERE status <> 'left'))
        ON CONFLICT (source_id, day) DO UPDATE SET departures = d.departures + 1
        RETURNING departures AS departure_count, staff AS staff_count,
                  (SELECT count(*) FROM holds WHERE state = 'held' AND frozen) AS frozen_hold_count
        """,
        source_id=source_id,
        day=day,
    )
    assert counted is not None  # noqa: S101 - an upsert gives its row
    return counted


async def insert_held_departure(work: UnitOfWork, held: rules.HeldDeparture, reason: str | None) -> None:
    """Raises asyncpg.SerializationError where another message has held this person meanwhile: the transaction is run again."""
    inserted = await work.execute(
        f"""
        INSERT INTO holds ({HOLD_COLUMNS}, reason)
        VALUES (:{HOLD_COLUMNS.replace(", ", ", :")}, :reason)
        ON CONFLICT (employee_id) WHERE state = 'held' DO NOTHING
        """,
        **vars(held),
        reason=reason,
    )
    if not inserted:
        raise asyncpg.SerializationError("a departure was held twice at the same time")


async def update_held_departure(
    work: UnitOfWork, hold_id: str, update: rules.EmploymentUpdate, reason: str | None
) -> None:
    """Something newer was said of a held departure."""
    await work.execute(
        """
        UPDATE holds SET kind = :kind, notice_on = :notice_on, last_day = :last_day, ends_on = :ends_on,
               left_on = :left_or_hired_on, reason = :reason, said_at = :at
        WHERE id = :id AND said_at <= :at
        """,
        **vars(update),
        id=hold_id,
        reason=reason,
    )


async def update_hold_state(work: UnitOfWork, hold_id: str, state: rules.HoldState) -> None:
    """The hold as the person acting decided it."""
    await work.execute(
        "UPDATE holds SET state = :state, decided_by = :actor, decided_at = :now WHERE id = :id",
        id=hold_id,
        state=state,
    )


async def list_held_departures(
    work: UnitOfWork, paging: Paging, state: rules.HoldState | None
) -> list[rules.HeldDeparture]:
    return await work.fetch_all(
        rules.HeldDeparture,
        f"""
        SELECT {HOLD_COLUMNS} FROM holds WHERE id > :after AND (CAST(:state AS text) IS NULL OR state = :state)
        ORDER BY id LIMIT :fetch
        """,
        **paging.bounds,
        state=state,
    )


async def get_held_departure(work: UnitOfWork, hold_id: str) -> rules.HeldDeparture:
    """Raises `NotFound`."""
    hold = await work.fetch_one(rules.HeldDeparture, f"SELECT {HOLD_COLUMNS} FROM holds WHERE id = :id", id=hold_id)
    if hold is None:
        raise NotFound
    return hold


async def get_hold_reason(work: UnitOfWork, hold_id: str) -> str | None:
    """Free text, which is shown to nobody before it stands in the history of the employment."""
    reason: str | None = await work.fetch_value("SELECT reason FROM holds WHERE id = :id", id=hold_id)
    return reason


async def erase_hold_reasons(work: UnitOfWork, employee_id: str) -> int:
    """How many there were."""
    return await work.execute(
        "UPDATE holds SET reason = NULL WHERE employee_id = :id AND reason IS NOT NULL", id=employee_id
    )


# -- cases of departures, as heard of ----------------------------------------------------------------------------------


async def insert_case(work: UnitOfWork, case_id: str, employee_id: str, employment_id: str) -> None:
    await work.execute(
        """
        INSERT INTO cases (case_id, employee_id, employment_id, state) VALUES (:case_id, :id, :employment, 'open')
        ON CONFLICT DO NOTHING
        """,
        case_id=case_id,
        id=employee_id,
        employment=employment_id,
    )


async def update_case_state(work: UnitOfWork, case_id: str, state: str) -> None:
    await work.execute("UPDATE cases SET state = :state WHERE case_id = :id", id=case_id, state=state)


async def delete_uncleared_cases(work: UnitOfWork, employee_id: str) -> None:
    """A departure is announced: its case is one that is still to be heard of. One that was cleared stays."""
    await work.execute("DELETE FROM cases WHERE employee_id = :id AND state <> 'cleared'", id=employee_id)


async def is_case_closed(work: UnitOfWork, employee_id: str, employment_id: str) -> bool:
    """Whether the departure from this employment has had its case, and no case of this person is open."""
    return bool(
        await work.fetch_value(
            """
            SELECT bool_or(employment_id = :employment_id) AND bool_and(state <> 'open')
            FROM cases WHERE employee_id = :id
            """,
            id=employee_id,
            employment_id=employment_id,
        )
    )


# -- again -------------------------------------------------------------------------------------------------------------


async def list_outbox_ids_of_standing_departures(work: UnitOfWork) -> list[int]:
    """Where in the outbox departures are announced that stand, and holds that are open; their employees stay as they are."""
    return await work.fetch_values(
        """
        SELECT o.id FROM outbox o JOIN employees e ON o.subject = 'employee/' || e.id
        WHERE o.type = ANY(:departures) AND o.body::jsonb ->> 'employment_id' = e.employment_id
          AND (e.status <> 'active' OR EXISTS (
              SELECT 1 FROM holds h WHERE h.id = o.body::jsonb ->> 'hold_id' AND h.state = 'held'))
          AND NOT EXISTS (
              SELECT 1 FROM outbox undone WHERE undone.subject = o.subject AND undone.id > o.id
              AND undone.type = ANY(:undoing)
              AND undone.body::jsonb ->> 'employment_id' = e.employment_id
              AND undone.body::jsonb ->> 'hold_id' IS NOT DISTINCT FROM o.body::jsonb ->> 'hold_id')
        FOR SHARE OF e
        """,
        departures=[event.type for event in rules.DEPARTURE_EVENTS],
        undoing=[event.type for event in rules.UNDOING_EVENTS],
    )
