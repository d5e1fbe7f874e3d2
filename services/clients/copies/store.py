"""The copy of orders: for the value of clients and for who works on a stage of an open order."""

import json
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from shared.contracts.orders import OrderState
from shared.database import UnitOfWork

# Arrays, not JSON: an import tells of hundreds of thousands of orders, most of them history without a stage to be done.
UPSERT_ORDERS_SQL = """
    WITH heard AS (
        SELECT * FROM unnest(CAST(:orders AS text[]), CAST(:clients AS text[]), CAST(:values AS text[]),
                             CAST(:days AS date[]), CAST(:statuses AS text[]), CAST(:sequences AS bigint[]))
               AS h (order_id, client_id, value, placed_on, status, sequence)
    ), named AS (
        SELECT h.order_id, coalesce(m.client_id, h.client_id) AS client_id, h.value, h.placed_on, h.status, h.sequence
        FROM heard h LEFT JOIN external_ids m ON m.system = 'merged' AND m.id = h.client_id
    ), newer AS (
        INSERT INTO client_orders AS o (order_id, client_id, value, placed_on, status, sequence)
        SELECT order_id, client_id, CAST(value AS numeric), placed_on, status, sequence FROM named ORDER BY order_id
        ON CONFLICT (order_id) DO UPDATE SET client_id = excluded.client_id, value = excluded.value,
            placed_on = excluded.placed_on, status = excluded.status, sequence = excluded.sequence
        WHERE o.sequence < excluded.sequence
        RETURNING order_id, client_id
    ), present AS (
        SELECT d.order_id, d.stage, n.client_id, d.employee_id
        FROM unnest(CAST(:open_orders AS text[]), CAST(:stages AS text[]), CAST(:doers AS text[]))
             AS d (order_id, stage, employee_id) JOIN newer n USING (order_id)
    ), gone AS (
        DELETE FROM open_stages o USING newer n WHERE o.order_id = n.order_id
        AND NOT EXISTS (SELECT 1 FROM present p WHERE p.order_id = o.order_id AND p.stage = o.stage)
    )
    INSERT INTO open_stages (order_id, stage, client_id, employee_id) SELECT * FROM present
    ON CONFLICT (order_id, stage) DO UPDATE SET client_id = excluded.client_id, employee_id = excluded.employee_id
"""

ORDER_COLUMNS = {
    "orders": attrgetter("order_id"),
    "clients": attrgetter("client_id"),
    "values": attrgetter("value"),
    "days": attrgetter("placed_on"),
    "statuses": attrgetter("status"),
    "sequences": attrgetter("sequence"),
}


async def upsert_orders(work: UnitOfWork, states: Sequence[OrderState]) -> None:
    """Takes over the orders of which this is news."""
    open_stages = [
        (state.order_id, stage.stage, stage.employee_id)
        for state in states
        if state.status == "open"
        for stage in state.stages
        if stage.employee_id is not None and stage.status != "completed"
    ]
    await work.execute(
        UPSERT_ORDERS_SQL,
        **{name: list(map(column, states)) for name, column in ORDER_COLUMNS.items()},
        open_orders=[order_id for order_id, _, _ in open_stages],
        stages=[stage for _, stage, _ in open_stages],
        doers=[employee_id for _, _, employee_id in open_stages],
    )


POLICY_DEADLINES_LOCK = 7285  # the lock of `bind`


def _applies_sql(version: str) -> str:
    """Whether this version is for the department of `p`."""
    return f"""({version}.applies_to = '[]' OR EXISTS (SELECT 1 FROM within w
        WHERE (w.policy_id, w.version, w.department_id) = ({version}.policy_id, {version}.version, p.department_id)))"""


# Of each policy the version in force and those to come bind, until a version at least as new is acknowledged; so do those
# that were in force before, for whom the one in force is too: a new version readmits nobody who has acknowledged none.
# Whoever was hired before a version was published has days of grace; whoever came later has none.
UPDATE_POLICY_DEADLINES_SQL = f"""
    WITH RECURSIVE within (policy_id, version, department_id) AS (
        SELECT policy_id, version, jsonb_array_elements_text(applies_to) FROM policy_versions WHERE required
        UNION
        SELECT w.policy_id, w.version, d.department_id FROM within w JOIN departments d ON d.parent_id = w.department_id
    ), in_force AS (
        SELECT DISTINCT ON (policy_id) * FROM policy_versions WHERE effective_on <= CAST(:today AS date)
        ORDER BY policy_id, version DESC
    ), due AS (
        SELECT p.employee_id, min(CASE WHEN p.hired_on >= b.published_on THEN greatest(b.effective_on, p.hired_on)
                                       ELSE greatest(b.effective_on, b.published_on) + b.grace_days END) AS from_day
        FROM policy_versions b LEFT JOIN in_force f ON f.policy_id = b.policy_id AND f.version > b.version
        JOIN people p ON {_applies_sql("b")} AND (f.version IS NULL OR f.required AND {_applies_sql("f")})
        WHERE b.required AND :bind AND p.status IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM acknowledged a WHERE a.employee_id = p.employee_id AND a.employment_id = p.employment_id
            AND a.policy_id = b.policy_id AND a.version >= b.version)
        {{whom}} GROUP BY p.employee_id
    ), changing AS MATERIALIZED (
        SELECT p.employee_id, d.from_day FROM people p LEFT JOIN due d USING (employee_id)
        WHERE p.unacknowledged_from IS DISTINCT FROM d.from_day {{whom}}
        ORDER BY p.employee_id FOR UPDATE OF p
    )
    UPDATE people p SET unacknowledged_from = c.from_day FROM changing c WHERE p.employee_id = c.employee_id
"""


async def update_policy_deadlines(work: UnitOfWork, employee_id: str | None = None) -> int:
    """Writes anew from which day on this person, or everybody, must have acknowledged; for how many that changed.

    Who binds everybody waits for those who bind one person, and they for it: each statement then sees what the other did.
    """
    named = {"today": work.today, "bind": work.settings.policy_required}
    if employee_id is None:
        await work.execute(f"SELECT pg_advisory_xact_lock({POLICY_DEADLINES_LOCK})")
        return await work.execute(UPDATE_POLICY_DEADLINES_SQL.format(whom=""), **named)
    await work.execute(f"SELECT pg_advisory_xact_lock_shared({POLICY_DEADLINES_LOCK})")
    return await work.execute(
        UPDATE_POLICY_DEADLINES_SQL.format(whom="AND p.employee_id = :employee_id"), employee_id=employee_id, **named
    )


async def insert_policy_version(work: UnitOfWork, version: Any) -> None:
    """Takes over a version as published."""
    await work.execute(
        """
        INSERT INTO policy_versions (policy_id, version, published_on, effective_on, grace_days, required, applies_to)
        VALUES (:policy_id, :version, :published_on, :effective_on, :grace_days, :required, CAST(:applies_to AS jsonb))
        ON CONFLICT DO NOTHING
        """,
        policy_id=version.policy_id,
        version=version.version,
        published_on=version.published_on,
        effective_on=version.effective_on,
        grace_days=version.grace_days,
        required=version.required_for_access,
        applies_to=json.dumps(version.applies_to),
    )


async def upsert_acknowledgement(
    work: UnitOfWork, employee_id: str, employment_id: str, policy_id: str, version: int
) -> None:
    """The newest version that was acknowledged counts for those before it."""
    await work.execute(
        """
        INSERT INTO acknowledged AS a (employee_id, employment_id, policy_id, version)
        VALUES (:employee_id, :employment_id, :policy_id, :version)
        ON CONFLICT (employee_id, employment_id, policy_id) DO UPDATE SET version = excluded.version
        WHERE a.version < excluded.version
        """,
        employee_id=employee_id,
        employment_id=employment_id,
        policy_id=policy_id,
        version=version,
    )
