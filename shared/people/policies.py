"""From which day on somebody who has not acknowledged the policies that are required is refused access to clients.

The day stands in `people.unacknowledged_from`, so that a decision compares two days and looks up nothing. The service whose
doors ask it keeps the copies `policy_versions` and `acknowledged`.
"""

from shared.advisory_locks import AdvisoryLock
from shared.database import UnitOfWork


def policy_due_day_sql(version: str, hired_on: str) -> str:
    """The day on which somebody hired on this day must have acknowledged the version.

    Whoever was hired before a version was published has days of grace; whoever came later has none.
    """
    return f"""CASE WHEN {hired_on} >= {version}.published_on THEN greatest({version}.effective_on, {hired_on})
        ELSE greatest({version}.effective_on, {version}.published_on) + {version}.grace_days END"""


def policy_applies_sql(version: str, department_id: str) -> str:
    """Whether this version is for the department, or for one above it, as `within` has it."""
    return f"""({version}.applies_to = '[]' OR EXISTS (SELECT 1 FROM within w
        WHERE (w.policy_id, w.version, w.department_id) = ({version}.policy_id, {version}.version, {department_id})))"""


# Of each policy the version in force and those to come bind, until a version at least as new is acknowledged; so do those
# that were in force before, for whom the one in force is too: a new version readmits nobody who has acknowledged none.
UPDATE_POLICY_DEADLINES = f"""
    WITH RECURSIVE within (policy_id, version, department_id) AS (
        SELECT policy_id, version, jsonb_array_elements_text(applies_to) FROM policy_versions WHERE required
        UNION
        SELECT w.policy_id, w.version, d.department_id FROM within w JOIN departments d ON d.parent_id = w.department_id
    ), in_force AS (
        SELECT DISTINCT ON (policy_id) * FROM policy_versions WHERE effective_on <= CAST(:today AS date)
        ORDER BY policy_id, version DESC
    ), due AS (
        SELECT p.employee_id, min({policy_due_day_sql("b", "p.hired_on")}) AS from_day
        FROM policy_versions b LEFT JOIN in_force f ON f.policy_id = b.policy_id AND f.version > b.version
        JOIN people p ON {policy_applies_sql("b", "p.department_id")}
            AND (f.version IS NULL OR f.required AND {policy_applies_sql("f", "p.department_id")})
        WHERE b.required AND :required AND p.status IS NOT NULL AND NOT EXISTS (
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

    Whoever updates everybody waits for those who update one person, and they for them: each statement then sees what the
    other did.
    """
    shared, whom = ("", "") if employee_id is None else ("_shared", "AND p.employee_id = :employee_id")
    await work.execute(f"SELECT pg_advisory_xact_lock{shared}({AdvisoryLock.POLICY_DEADLINES:d})")
    return await work.execute(
        UPDATE_POLICY_DEADLINES.format(whom=whom),
        required=work.settings.policy_required,
        employee_id=employee_id,
    )
