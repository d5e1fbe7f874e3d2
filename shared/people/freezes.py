"""The freeze: a ground is added or ends, and the stand-in comes and goes with it."""

from collections.abc import Sequence
from dataclasses import replace

from shared.contracts.clients import Ground, GroundKind
from shared.database import UnitOfWork
from shared.people.rules import FreezeOutcome, choose_caretaker
from shared.people.store import get_freeze_state, lock_people


async def freeze_employee(
    work: UnitOfWork,
    employee_id: str,
    employment_id: str | None,
    ground: Ground,
    caretakers: Sequence[str],
    case_id: str | None = None,
    reason: str | None = None,
) -> FreezeOutcome:
    """Adds a ground. With the first one everything of this person is in the stand-in's hands, as one row.

    Idempotent: the same ground again, or one that has ended, adds nothing; a `case_id` binds the ground to the case.
    Whoever had this person as stand-in gets this person's stand-in.
    """
    people = await lock_people(work, for_update=[employee_id, *caretakers])
    before = people[employee_id]
    employment = employment_id or before.employment_id or ""
    if before.employment_id is None:
        await work.execute(
            "UPDATE people SET employment_id = :employment WHERE employee_id = :id",
            id=employee_id,
            employment=employment,
        )
    added = await work.fetch_value(
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
    )
    if added and (before.employment_id or employment) == employment:
        stand_in = before.stand_in_id or choose_caretaker(people, caretakers, employee_id, work.today)
        await work.execute(
            """
            UPDATE people SET stand_in_id = :stand_in, unowned = CAST(:stand_in AS text) IS NULL,
                frozen = frozen OR employee_id = :id,
                frozen_at = CASE WHEN employee_id = :id AND NOT frozen THEN :now ELSE frozen_at END
            WHERE employee_id = :id OR stand_in_id = :id
            """,
            id=employee_id,
            stand_in=stand_in,
        )
    return await get_freeze_state(work, employee_id, changed=bool(added))


async def end_freeze_ground(
    work: UnitOfWork, employee_id: str, employment_id: str, ground_kind: GroundKind, ground_ref: str | None
) -> FreezeOutcome:
    """Ends a ground (all of this kind if `ground_ref` is None). With the last one go the freeze and the stand-in.

    The stand-in of a rehired person stays until everything of before is written through.
    """
    before = (await lock_people(work, for_update=[employee_id]))[employee_id]
    ended = await work.execute(
        """
        UPDATE grounds SET ended_at = :now
        WHERE employee_id = :id AND employment_id = :employment AND kind = :kind AND ended_at IS NULL
              AND (CAST(:ref AS text) IS NULL OR ref = :ref)
        """,
        id=employee_id,
        employment=employment_id,
        kind=ground_kind,
        ref=ground_ref,
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
    state = await get_freeze_state(work, employee_id, changed=ended > 0)
    if before.frozen and not state.frozen:
        return replace(state, stand_in_id=before.stand_in_id, frozen_at=before.frozen_at)
    return state
