"""Versions of policies, which never change, and their acknowledgements."""

import json
from dataclasses import fields

from services.staff.policies import rules
from shared.advisory_locks import AdvisoryLock
from shared.database import UnitOfWork
from shared.paging import Paging
from shared.people.policies import policy_applies_sql, policy_due_day_sql

SELECT_VERSION = """
    SELECT policy_id AS id, version, title, texts, published_on, effective_on, grace_days, required_for_access,
           applies_to, by_id
    FROM policy_versions
"""
ACKNOWLEDGEMENT_COLUMNS = [field.name for field in fields(rules.Acknowledgement)]


async def lock_policy(work: UnitOfWork, policy_id: str) -> None:
    """Versions of a policy come one after another."""
    await work.execute(f"SELECT pg_advisory_xact_lock({AdvisoryLock.POLICY:d}, hashtext(:id))", id=policy_id)


async def insert_policy_version(work: UnitOfWork, version: rules.PolicyVersion, body_hash: bytes) -> None:
    await work.execute(
        """
        INSERT INTO policy_versions (policy_id, version, title, texts, published_on, effective_on, grace_days,
                                     required_for_access, applies_to, by_id, body_hash)
        VALUES (:id, :version, :title, CAST(:texts AS jsonb), :published_on, :effective_on, :grace_days,
                :required_for_access, CAST(:applies_to AS jsonb), :by_id, :body_hash)
        """,
        **{**vars(version), "texts": json.dumps(version.texts), "applies_to": json.dumps(version.applies_to)},
        body_hash=body_hash,
    )


async def get_policy_version(work: UnitOfWork, policy_id: str, number: int | None) -> rules.PolicyVersion | None:
    """This version, or the newest."""
    return await work.fetch_one(
        rules.PolicyVersion,
        f"""
        {SELECT_VERSION} WHERE policy_id = :id AND (CAST(:number AS integer) IS NULL OR version = :number)
        ORDER BY version DESC LIMIT 1
        """,
        id=policy_id,
        number=number,
    )


async def get_body_hash(work: UnitOfWork, policy_id: str) -> bytes | None:
    """Of the body by which the policy was created."""
    body_hash: bytes | None = await work.fetch_value(
        "SELECT body_hash FROM policy_versions WHERE policy_id = :id AND version = 1", id=policy_id
    )
    return body_hash


async def list_policies(work: UnitOfWork, paging: Paging) -> list[rules.Policy]:
    """By id, each as its newest version has it."""
    return await work.fetch_all(
        rules.Policy,
        """
        SELECT DISTINCT ON (v.policy_id) v.policy_id AS id, v.title, v.version AS newest, (
            SELECT max(c.version) FROM policy_versions c WHERE c.policy_id = v.policy_id AND c.effective_on <= :today
        ) AS in_force
        FROM policy_versions v WHERE v.policy_id > :after ORDER BY v.policy_id, v.version DESC LIMIT :fetch
        """,
        **paging.bounds,
    )


async def list_all_policy_versions(work: UnitOfWork) -> list[rules.PolicyVersion]:
    return await work.fetch_all(rules.PolicyVersion, f"{SELECT_VERSION} ORDER BY policy_id, version")


# -- acknowledgements --------------------------------------------------------------------------------------------------


async def get_acknowledgement(
    work: UnitOfWork, policy_id: str, number: int, employee_id: str
) -> rules.Acknowledgement | None:
    """Of the present employment."""
    return await work.fetch_one(
        rules.Acknowledgement,
        f"""
        SELECT {", ".join(f"a.{name}" for name in ACKNOWLEDGEMENT_COLUMNS)}
        FROM acknowledgements a JOIN employees e ON e.id = a.employee_id AND e.employment_id = a.employment_id
        WHERE a.policy_id = :policy_id AND a.version = :number AND a.employee_id = :employee_id
        """,
        policy_id=policy_id,
        number=number,
        employee_id=employee_id,
    )


async def upsert_acknowledgement(work: UnitOfWork, acknowledgement: rules.Acknowledgement) -> None:
    await work.execute(
        """
        INSERT INTO acknowledgements (policy_id, version, employee_id, employment_id, state, at, by_id, evidence, reason)
        VALUES (:policy_id, :version, :employee_id, :employment_id, :state, :at, :by_id, :evidence, :reason)
        ON CONFLICT (policy_id, version, employee_id, employment_id) DO UPDATE SET state = excluded.state,
            at = excluded.at, by_id = excluded.by_id, evidence = excluded.evidence, reason = excluded.reason
        """,
        **vars(acknowledgement),
    )


async def erase_acknowledgement_texts(work: UnitOfWork, employee_id: str) -> int:
    """Of how many acknowledgements evidence or reason was emptied."""
    return await work.execute(
        """
        UPDATE acknowledgements SET evidence = NULL, reason = NULL
        WHERE employee_id = :id AND (evidence IS NOT NULL OR reason IS NOT NULL)
        """,
        id=employee_id,
    )


async def list_acknowledged_versions_after(
    work: UnitOfWork, after_employee_id: str, after_policy_id: str, limit: int
) -> list[rules.AcknowledgedVersion]:
    """By employee and policy, whoever they are: those after this employee and policy, in that order."""
    return await work.fetch_all(
        rules.AcknowledgedVersion,
        """
        SELECT a.employee_id, a.employment_id, a.policy_id, max(a.version) AS version
        FROM acknowledgements a JOIN employees e ON e.id = a.employee_id AND e.employment_id = a.employment_id
        WHERE a.state = 'acknowledged' AND (a.employee_id, a.policy_id) > (:employee_id, :policy_id)
        GROUP BY a.employee_id, a.employment_id, a.policy_id ORDER BY a.employee_id, a.policy_id LIMIT :limit
        """,
        employee_id=after_employee_id,
        policy_id=after_policy_id,
        limit=limit,
    )


def _version_is_acknowledged(version: str) -> str:
    """Whether `e` has acknowledged this version or a newer one."""
    return f"""EXISTS (SELECT 1 FROM acknowledgements n WHERE n.policy_id = :id AND n.version >= {version}.version
        AND n.employee_id = e.id AND n.employment_id = e.employment_id AND n.state = 'acknowledged')"""


# What an older version asked of them, and they never did, is due since then.
LIST_OUTSTANDING_EMPLOYEES = f"""
    WITH RECURSIVE versions AS (
        SELECT * FROM policy_versions WHERE policy_id = :id AND version <= :number
    ), within (policy_id, version, department_id) AS (
        SELECT policy_id, version, jsonb_array_elements_text(applies_to) FROM versions
        UNION SELECT w.policy_id, w.version, d.id FROM within w JOIN departments d ON d.parent_id = w.department_id
    )
    SELECT e.id AS employee_id, v.version, coalesce(a.state, 'missing') AS state, a.reason, (
        SELECT min({policy_due_day_sql("o", "e.hired_on")})
        FROM versions o WHERE o.version = v.version OR (
            v.required_for_access AND o.required_for_access AND {policy_applies_sql("o", "e.department_id")}
            AND NOT {_version_is_acknowledged("o")})) AS due_on
    FROM employees e JOIN versions v ON v.version = :number
        AND {policy_applies_sql("v", "e.department_id")} AND NOT {_version_is_acknowledged("v")}
    LEFT JOIN acknowledgements a ON a.policy_id = v.policy_id AND a.version = v.version AND a.employee_id = e.id
                                AND a.employment_id = e.employment_id
    WHERE e.status <> 'left' AND e.id > :after ORDER BY e.id LIMIT :fetch
"""


async def list_outstanding_employees(
    work: UnitOfWork, policy_id: str, number: int, paging: Paging
) -> list[rules.OutstandingEmployee]:
    """To whom this version applies and who has acknowledged neither it nor a newer one, by id."""
    return await work.fetch_all(
        rules.OutstandingEmployee, LIST_OUTSTANDING_EMPLOYEES, id=policy_id, number=number, **paging.bounds
    )
