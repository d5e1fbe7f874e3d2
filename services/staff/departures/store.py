"""Departures that the brake holds or counts, the cases that follow from departures, and all employments of one person."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import asyncpg

from shared.database import UnitOfWork
from shared.paging import Paging


async def list_employments(work: UnitOfWork, employee_id: str, paging: Paging) -> Sequence[Mapping[str, Any]]:
    """All employments, the oldest first, each with every change of its life."""
    return await work.fetch_rows(
        """
        WITH periods AS (
            SELECT employment_id, hired_on, 'left' AS status, notice_on, last_day, ends_on, left_on, 0 AS present
            FROM employments WHERE employee_id = :id
            UNION ALL
            SELECT employment_id, hired_on, status, notice_on, last_day, ends_on, left_on, 1
            FROM employees WHERE id = :id
        ), numbered AS (
            SELECT *, row_number() OVER (ORDER BY present, hired_on, employment_id) AS nth FROM periods
        )
        SELECT p.*, coalesce((
            SELECT jsonb_agg(jsonb_build_object('kind', c.kind, 'at', c.at, 'by_id', c.by_id, 'status', c.status,
                'notice_on', c.notice_on, 'last_day', c.last_day, 'ends_on', c.ends_on, 'left_on', c.left_on,
                'reason', c.reason) ORDER BY c.id)
            FROM life_changes c WHERE c.employee_id = :id AND c.employment_id = p.employment_id), '[]') AS changes
        FROM numbered p WHERE nth > :after ORDER BY nth LIMIT :fetch
        """,
        id=employee_id,
        after=paging.number or 0,
        fetch=paging.fetch,
    )


COUNT_DEPARTURE = """
    INSERT INTO hris_days AS d (source_id, day, departures, staff)
    VALUES (:source_id, :day, 1, (SELECT count(*) FROM employees WHERE status <> 'left'))
    ON CONFLICT (source_id, day) DO UPDATE SET departures = d.departures + 1
    RETURNING departures, staff, (SELECT count(*) FROM holds WHERE state = 'held' AND frozen) AS frozen
"""


async def count_departure(work: UnitOfWork, source_id: str, day: date) -> Mapping[str, Any]:
    """Counts one more departure of this source and day: `{departures, staff (as the day began), frozen (holds now)}`.

    The row stays locked until commit, so departures of one source are counted one by one.
    """
    counted = await work.fetch_row(COUNT_DEPARTURE, source_id=source_id, day=day)
    assert counted is not None  # noqa: S101 - an upsert gives its row
    return counted


async def insert_held_departure(work: UnitOfWork, row: Mapping[str, Any]) -> None:
    """Raises asyncpg.SerializationError where another message has held this person meanwhile: the transaction is run again."""
    made = await work.execute(
        """
        INSERT INTO holds (id, source_id, employee_id, employment_id, kind, notice_on, last_day, ends_on, left_on,
                           reason, said_at, held_at, frozen, state)
        VALUES (:id, :source_id, :employee_id, :employment_id, :kind, :notice_on, :last_day, :ends_on, :left_on,
                :reason, :said_at, :held_at, :frozen, 'held')
        ON CONFLICT (employee_id) WHERE state = 'held' DO NOTHING
        """,
        **row,
    )
    if not made:
        raise asyncpg.SerializationError("a departure was held twice at the same time")


async def update_held_departure(work: UnitOfWork, row: Mapping[str, Any]) -> None:
    """A held departure says something newer."""
    await work.execute(
        """
        UPDATE holds SET kind = :kind, notice_on = :notice_on, last_day = :last_day, ends_on = :ends_on,
               left_on = :left_on, reason = :reason, said_at = :said_at
        WHERE id = :id AND said_at <= :said_at
        """,
        **row,
    )


async def update_hold_state(work: UnitOfWork, hold_id: str, state: str) -> None:
    await work.execute(
        "UPDATE holds SET state = :state, decided_by = :actor, decided_at = :now WHERE id = :id",
        id=hold_id,
        state=state,
        actor=work.actor,
        now=work.now,
    )


async def list_held_departures(work: UnitOfWork, paging: Paging, state: str | None) -> Sequence[Mapping[str, Any]]:
    return await work.fetch_rows(
        """
        SELECT * FROM holds WHERE id > :after AND (CAST(:state AS text) IS NULL OR state = :state)
        ORDER BY id LIMIT :fetch
        """,
        after=paging.after[0] if paging.after else "",
        state=state,
        fetch=paging.fetch,
    )


async def get_held_departure(work: UnitOfWork, hold_id: str) -> Mapping[str, Any] | None:
    return await work.fetch_row("SELECT * FROM holds WHERE id = :id", id=hold_id)


# -- what stands in the way --------------------------------------------------------------------------------------------


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
    states = await work.fetch_rows("SELECT state, employment_id FROM cases WHERE employee_id = :id", id=employee_id)
    closed = {row["employment_id"] for row in states if row["state"] != "open"}
    return employment_id in closed and all(row["state"] != "open" for row in states)


REQUEUE_STANDING_DEPARTURES = """
    WITH standing AS (
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
    ), taken AS (
        DELETE FROM outbox WHERE id IN (SELECT id FROM standing)
        RETURNING id, event_id, topic, subject, sequence, type, time, cause, traceparent, body
    )
    INSERT INTO outbox (event_id, topic, subject, sequence, type, time, cause, traceparent, body)
    SELECT event_id, topic, subject, sequence, type, time, cause, traceparent, body FROM taken ORDER BY id
"""
