"""Versions of policies, which never change, and their acknowledgements."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from shared.database import UnitOfWork
from shared.paging import Paging

SELECT_VERSION = """
    SELECT v.policy_id AS id, v.version, v.title, v.texts, v.published_on, v.effective_on, v.grace_days,
           v.required_for_access, v.applies_to, v.by_id, encode(v.body_hash, 'hex') AS body_hash
    FROM policy_versions v
"""

VERSION_IN_FORCE = """(SELECT max(c.version) FROM policy_versions c
    WHERE c.policy_id = v.policy_id AND c.effective_on <= CAST(:today AS date))"""


async def lock_policy(work: UnitOfWork, policy_id: str) -> None:
    """Versions of a policy come one after another."""
    await work.execute("SELECT pg_advisory_xact_lock(hashtextextended('policy ' || :id, 0))", id=policy_id)


async def insert_policy_version(work: UnitOfWork, policy_id: str, version: int, row: Mapping[str, Any]) -> None:
    await work.execute(
        """
        INSERT INTO policy_versions (policy_id, version, title, texts, published_on, effective_on, grace_days,
                                     required_for_access, applies_to, by_id, body_hash)
        VALUES (:policy_id, :version, :title, CAST(:texts AS jsonb), :published_on, :effective_on, :grace_days,
                :required_for_access, CAST(:applies_to AS jsonb), :by, :body_hash)
        """,
        policy_id=policy_id,
        version=version,
        by=work.actor,
        **{**row, "texts": json.dumps(row["texts"]), "applies_to": json.dumps(row["applies_to"])},
    )


async def get_policy_version(work: UnitOfWork, policy_id: str, number: int) -> Mapping[str, Any] | None:
    return await work.fetch_row(
        f"{SELECT_VERSION} WHERE v.policy_id = :id AND v.version = :number", id=policy_id, number=number
    )


async def get_newest_policy_version(work: UnitOfWork, policy_id: str) -> Mapping[str, Any] | None:
    return await work.fetch_row(
        f"{SELECT_VERSION} WHERE v.policy_id = :id ORDER BY v.version DESC LIMIT 1", id=policy_id
    )


async def list_policies(work: UnitOfWork, paging: Paging, today: date) -> Sequence[Mapping[str, Any]]:
    """Policies by id, each as its newest version has it, with the number of the version in force."""
    return await work.fetch_rows(
        f"""
        SELECT DISTINCT ON (v.policy_id) v.policy_id AS id, v.title, v.version AS newest, {VERSION_IN_FORCE} AS in_force
        FROM policy_versions v WHERE v.policy_id > :after ORDER BY v.policy_id, v.version DESC LIMIT :limit
        """,
        after=paging.after[0] if paging.after else "",
        today=today,
        limit=paging.fetch,
    )


async def list_all_policy_versions(work: UnitOfWork) -> Sequence[Mapping[str, Any]]:
    return await work.fetch_rows(f"{SELECT_VERSION} ORDER BY v.policy_id, v.version")


# -- acknowledgements --------------------------------------------------------------------------------------------------


async def get_acknowledgement(
    work: UnitOfWork, policy_id: str, number: int, employee_id: str
) -> Mapping[str, Any] | None:
    """Of the present employment."""
    return await work.fetch_row(
        """
        SELECT a.policy_id, a.version, a.employee_id, a.employment_id, a.state, a.at, a.by_id, a.evidence, a.reason
        FROM acknowledgements a JOIN employees e ON e.id = a.employee_id AND e.employment_id = a.employment_id
        WHERE a.policy_id = :policy_id AND a.version = :number AND a.employee_id = :employee_id
        """,
        policy_id=policy_id,
        number=number,
        employee_id=employee_id,
    )


async def upsert_acknowledgement(work: UnitOfWork, row: Mapping[str, Any]) -> None:
    await work.execute(
        """
        INSERT INTO acknowledgements (policy_id, version, employee_id, employment_id, state, at, by_id, evidence, reason)
        VALUES (:policy_id, :version, :employee_id, :employment_id, :state, :now, :by, :evidence, :reason)
        ON CONFLICT (policy_id, version, employee_id, employment_id) DO UPDATE SET state = excluded.state,
            at = excluded.at, by_id = excluded.by_id, evidence = excluded.evidence, reason = excluded.reason
        """,
        now=work.now,
        by=work.actor,
        **row,
    )


async def list_newest_acknowledgements(
    work: UnitOfWork, after: tuple[str, str], limit: int
) -> Sequence[Mapping[str, Any]]:
    """The newest that each person acknowledged of each policy in the present employment, by employee and policy."""
    return await work.fetch_rows(
        """
        SELECT a.employee_id, a.employment_id, a.policy_id, max(a.version) AS version
        FROM acknowledgements a JOIN employees e ON e.id = a.employee_id AND e.employment_id = a.employment_id
        WHERE a.state = 'acknowledged' AND (a.employee_id, a.policy_id) > (:employee_id, :policy_id)
        GROUP BY a.employee_id, a.employment_id, a.policy_id ORDER BY a.employee_id, a.policy_id LIMIT :limit
        """,
        employee_id=after[0],
        policy_id=after[1],
        limit=limit,
    )


def _version_applies(version: str) -> str:
    """Whether this version is for the department of `e`."""
    return f"""({version}.applies_to = '[]' OR EXISTS (SELECT 1 FROM within w
        WHERE (w.version, w.department_id) = ({version}.version, e.department_id)))"""


def _version_is_acknowledged(version: str) -> str:
    """Whether `e` has acknowledged this version or a newer one."""
    return f"""EXISTS (SELECT 1 FROM acknowledgements n WHERE n.policy_id = :id AND n.version >= {version}.version
        AND n.employee_id = e.id AND n.employment_id = e.employment_id AND n.state = 'acknowledged')"""


# What an older version asked of them, and they never did, is due since then.
LIST_OUTSTANDING_EMPLOYEES = f"""
    WITH RECURSIVE versions AS (
        SELECT * FROM policy_versions WHERE policy_id = :id AND version <= :number
    ), within (version, department_id) AS (
        SELECT version, jsonb_array_elements_text(applies_to) FROM versions
        UNION SELECT w.version, d.id FROM within w JOIN departments d ON d.parent_id = w.department_id
    )
    SELECT e.id AS employee_id, v.version, coalesce(a.state, 'missing') AS state, a.reason, (
        SELECT min(CASE WHEN e.hired_on >= o.published_on THEN greatest(o.effective_on, e.hired_on)
                        ELSE greatest(o.effective_on, o.published_on) + o.grace_days END)
        FROM versions o WHERE o.version = v.version OR (
            v.required_for_access AND o.required_for_access AND {_version_applies("o")}
            AND NOT {_version_is_acknowledged("o")})) AS due_on
    FROM employees e JOIN versions v ON v.version = :number AND {_version_applies("v")} AND NOT {_version_is_acknowledged("v")}
    LEFT JOIN acknowledgements a ON a.policy_id = v.policy_id AND a.version = v.version AND a.employee_id = e.id
                                AND a.employment_id = e.employment_id
    WHERE e.status <> 'left' AND e.id > :after ORDER BY e.id LIMIT :limit
"""


async def list_outstanding_employees(
    work: UnitOfWork, policy_id: str, number: int, paging: Paging
) -> Sequence[Mapping[str, Any]]:
    """To whom this version applies and who has acknowledged neither it nor a newer one, by id."""
    return await work.fetch_rows(
        LIST_OUTSTANDING_EMPLOYEES,
        id=policy_id,
        number=number,
        after=paging.after[0] if paging.after else "",
        limit=paging.fetch,
    )
