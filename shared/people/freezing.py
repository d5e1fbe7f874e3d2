"""The freeze: grounds, the stand-in, and the locks that everything else of a transaction comes after."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.contracts.clients import Ground, GroundKind
from shared.database import UnitOfWork
from shared.people.standing import UnknownEmployee, first_eligible, today


@dataclass(frozen=True)
class FreezeState:
    """How a person stands after a freeze or unfreeze. `changed` says whether this call did it.

    Of a freeze that has just ended, `stand_in_id` and `frozen_at` are what they were.
    """

    employee_id: str
    employment_id: str | None
    frozen: bool
    stand_in_id: str | None
    unowned: bool
    grounds: tuple[Ground, ...]
    case_id: str | None
    frozen_at: datetime | None
    changed: bool


# PostgreSQL lets a new FOR SHARE join the holders of a row although a FOR UPDATE waits for it, so a freeze could starve
# behind transfers that overlap. The queue of advisory locks is fair: whoever comes after a waiting freeze waits behind it.
FENCE = 7285
LOCK = f"""
    WITH fence AS MATERIALIZED (
        SELECT pg_advisory_xact_lock{{shared}}({FENCE}, place)
        FROM (SELECT DISTINCT hashtext(id) & 63 AS place FROM unnest(CAST(:ids AS text[])) AS wanted (id) ORDER BY 1) places
    )
    SELECT people.* FROM (SELECT count(*) FROM fence) passed, people
    WHERE employee_id = ANY(:ids) ORDER BY employee_id FOR {{mode}} OF people
"""
LOCK_CHANGING = LOCK.format(shared="", mode="UPDATE")
LOCK_HOLDING = LOCK.format(shared="_shared", mode="SHARE")


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
    locking = LOCK_CHANGING if change else LOCK_HOLDING
    rows = await work.rows(locking, ids=ids)
    if not {row["employee_id"] for row in rows}.issuperset(change):
        await work.execute(
            "INSERT INTO people (employee_id) SELECT unnest(CAST(:ids AS text[])) ON CONFLICT DO NOTHING", ids=change
        )
        rows = await work.rows(locking, ids=ids)
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
    if before["employment_id"] is None:
        await work.execute(
            "UPDATE people SET employment_id = :employment WHERE employee_id = :id",
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
            UPDATE people SET stand_in_id = :stand_in, unowned = CAST(:stand_in AS text) IS NULL,
                frozen = frozen OR employee_id = :id,
                frozen_at = CASE WHEN employee_id = :id AND NOT frozen THEN :now ELSE frozen_at END
            WHERE employee_id = :id OR stand_in_id = :id
            """,
            id=employee_id,
            stand_in=stand_in,
            now=work.now,
        )
    return await freeze_state(work, employee_id, changed=bool(added))


async def unfreeze(
    work: UnitOfWork, employee_id: str, employment_id: str, kind: GroundKind, ref: str | None
) -> FreezeState:
    """Ends a ground (all of this kind if `ref` is None). With the last one go the freeze and the stand-in.

    The stand-in of a rehired person stays until everything of before is written through.
    """
    before = (await lock(work, changing=[employee_id]))[employee_id]
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
        UPDATE people SET frozen = false, frozen_at = NULL, stand_in_id = CASE WHEN settling THEN stand_in_id END,
                          unowned = settling AND unowned
        WHERE employee_id = :id AND frozen AND NOT EXISTS (
            SELECT 1 FROM grounds g WHERE g.employee_id = :id AND g.ended_at IS NULL
            AND g.employment_id = people.employment_id)
        """,
        id=employee_id,
    )
    state = await freeze_state(work, employee_id, changed=ended > 0)
    if before["frozen"] and not state.frozen:
        return replace(state, stand_in_id=before["stand_in_id"], frozen_at=before["frozen_at"])
    return state


async def freeze_state(work: UnitOfWork, employee_id: str, changed: bool = False) -> FreezeState:
    person = await work.row(
        """
        SELECT employment_id, frozen, stand_in_id, unowned, frozen_at, (
            SELECT coalesce(json_agg(json_build_object('kind', kind, 'ref', ref, 'case_id', case_id)
                                     ORDER BY since, kind, ref), '[]')
            FROM grounds g
            WHERE g.employee_id = p.employee_id AND g.employment_id = p.employment_id AND g.ended_at IS NULL) AS grounds
        FROM people p WHERE employee_id = :id
        """,
        id=employee_id,
    )
    if person is None:
        raise UnknownEmployee
    grounds = person["grounds"]
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
