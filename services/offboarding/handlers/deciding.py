"""What a person decides when a case needs one: try again, go on without, lift the freeze; and the company's checklist."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from services.offboarding.domain.checklist import Entry, to_rows
from services.offboarding.handlers import moving
from services.offboarding.handlers.ending import decided
from services.offboarding.handlers.planning import approve
from services.offboarding.saga import UNDO, Case, Item, Outcome, Reply
from services.offboarding.store import cases
from services.offboarding.store.seeing import Viewer, hold, leaver_of, must_lead
from shared.database import UnitOfWork
from shared.errors import Refused

Row = Mapping[str, Any]


class NothingFailed(Refused, code="nothing_failed"):
    """Nothing in this case has failed. `retry` with `step` `plan` makes a plan that awaits approval anew."""


async def retry(work: UnitOfWork, viewer: Viewer, case_id: str, step: str | None) -> None:
    """Tries again what has failed (of `step`, if given). Failed transfers are planned anew; a refused undo lifts the freeze."""
    await _decide(work, viewer, case_id, step, "retry", None)


async def skip(work: UnitOfWork, viewer: Viewer, case_id: str, step: str | None, reason: str) -> None:
    """Goes on without what has failed: it stays with the caretaker, and stands in the certificate with the reason."""
    await _decide(work, viewer, case_id, step, "skipped", reason)


async def _decide(
    work: UnitOfWork, viewer: Viewer, case_id: str, step: str | None, outcome: Outcome, reason: str | None
) -> None:
    await must_lead(work, viewer, case_id)
    await hold(work, await leaver_of(work, case_id))
    row, case = await moving.locked(work, case_id)
    replies = [Reply(case.id_of(item), outcome, reason) for item in _failed(case, step, outcome)]
    if case.undo == "refused" and step in (None, "freeze"):
        replies.append(Reply(f"{case.id}/{UNDO}", "forced" if outcome == "retry" else "skipped"))
    if not replies:
        raise NothingFailed
    word: Literal["retried", "skipped"] = "retried" if outcome == "retry" else "skipped"
    decided(work, row, f"case_{word}", step=step)
    await cases.note(work, case_id, word, step)
    await moving.reply(work, row, case, *replies)


def _failed(case: Case, step: str | None, outcome: Outcome) -> Sequence[Item]:
    def meant(item: Item) -> bool:
        asked_anew = outcome == "retry" and step == "plan" and item.what == "approval" and item.status == "asked"
        return (item.status == "failed" and step in (None, item.step)) or asked_anew

    return [item for item in case.items if meant(item)]


async def approve_plan(
    work: UnitOfWork, viewer: Viewer, case_id: str, version: int, edits: Sequence[Mapping[str, Any]]
) -> int:
    """Approves a plan as its head of sales; returns its version. Raises as `planning.approve` does, and `Forbidden`."""
    await must_lead(work, viewer, case_id)
    await hold(work, await leaver_of(work, case_id), [edit["to_id"] for edit in edits])
    return int((await approve(work, case_id, version, edits))["version"])


async def put_checklist(work: UnitOfWork, version: int, entries: Sequence[Entry]) -> None:
    """The checklist for cases that begin from now on; those under way keep theirs."""
    await work.execute(
        "INSERT INTO checklist (version, entries, by_id, at) VALUES (:version, CAST(:entries AS jsonb), :by, :now)",
        version=version,
        entries=json.dumps(to_rows(entries)),
        by=work.actor,
        now=work.now,
    )
