"""Policies that are required for access: from which day on somebody who has not acknowledged them is refused.

The day stands in `people.unacknowledged_from`, so that a decision compares two days and looks up nothing.
"""

import json
from datetime import date
from typing import Any

from shared.database import UnitOfWork

BINDING = 7285  # the lock of `bind`


def _applies(version: str) -> str:
    """Whether this version is for the department of `p`."""
    return f"""({version}.applies_to = '[]' OR EXISTS (SELECT 1 FROM within w
        WHERE (w.policy_id, w.version, w.department_id) = ({version}.policy_id, {version}.version, p.department_id)))"""


# Of each policy the version in force and those to come bind, until a version at least as new is acknowledged; so do those
# that were in force before, for whom the one in force is too: a new version readmits nobody who has acknowledged none.
# Whoever was hired before a version was published has days of grace; whoever came later has none.
DUE = f"""
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
        JOIN people p ON {_applies("b")} AND (f.version IS NULL OR f.required AND {_applies("f")})
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


async def bind(work: UnitOfWork, employee_id: str | None = None) -> int:
    """Writes anew from which day on this person, or everybody, must have acknowledged; for how many that changed.

    Who binds everybody waits for those who bind one person, and they for it: each statement then sees what the other did.
    """
    named = {"today": work.today, "bind": work.settings.policy_required}
    if employee_id is None:
        await work.execute(f"SELECT pg_advisory_xact_lock({BINDING})")
        return await work.execute(DUE.format(whom=""), **named)
    await work.execute(f"SELECT pg_advisory_xact_lock_shared({BINDING})")
    return await work.execute(DUE.format(whom="AND p.employee_id = :employee_id"), employee_id=employee_id, **named)


async def keep(work: UnitOfWork, version: Any) -> None:
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


async def acknowledge(work: UnitOfWork, employee_id: str, employment_id: str, policy_id: str, version: int) -> None:
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


async def must_acknowledge(work: UnitOfWork) -> bool:
    """Whether the caller has yet to acknowledge a policy that is required for access."""
    since: date | None = await work.fetch_value(
        "SELECT unacknowledged_from FROM people WHERE employee_id = :id", id=work.actor
    )
    return since is not None and since <= work.today
