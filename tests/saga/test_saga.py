"""The saga as scripts: what comes back, and what is asked for then."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from services.offboarding.checklist.rules import RESERVED_TASK_KINDS
from services.offboarding.saga import (
    Case,
    CaseItem,
    ChecklistTask,
    Outcome,
    Reply,
    advance,
    answer,
    list_steps_just_over,
)

CHECKLIST = (
    ChecklistTask("successful_actions"),
    ChecklistTask("undertaking"),
    ChecklistTask("training", after_transfer=True),
)


class Script:
    """Plays a case: `asked` are the names of the items asked for by the last reply."""

    def __init__(self, wanted: tuple[ChecklistTask, ...] = CHECKLIST, **changed: object) -> None:
        self.case, items = advance(replace(Case("k", checklist_tasks=wanted), **changed))  # type: ignore[arg-type]
        self.asked = names(items)

    def hears(
        self, name: str, outcome: Outcome = "done", reason: str | None = None, facts: Mapping[str, int] | None = None
    ) -> list[str]:
        self.case, items = answer(self.case, Reply(f"k/{name}", outcome, reason, facts or {}))
        self.asked = names(items)
        return self.asked

    def statuses(self) -> dict[str, str]:
        order = ("freeze", "assess", "plan", "transfer", "hand_over", "clear", "follow_up")
        return {step: self.case.get_step_status(step) for step in order}

    def to_plan(self) -> "Script":
        for name in ("freeze/access", "freeze/stages", "assess/ranking"):
            self.hears(name)
        return self

    def to_transfer(self, **facts: int) -> "Script":
        self.to_plan()
        self.hears("plan/draft-1", facts={"approval": 1})
        self.hears("plan/approval-1", facts={"clients": 1, **facts})
        return self

    def to_end(self) -> "Script":
        self.to_transfer()
        for name in ("clients-1-1",):
            self.hears(f"transfer/{name}")
        for name in ("successful_actions", "undertaking", "training", "introductions"):
            self.hears(f"hand_over/{name}")
        return self

    def to_cleared(self) -> "Script":
        self.to_end()
        self.hears("last_day")
        self.hears("clear/remainder")
        return self


def names(items: list[CaseItem]) -> list[str]:
    return [f"{item.step}/{item.name}" for item in items]


def test_a_case_begins_with_the_freeze_in_both_services() -> None:
    script = Script()
    assert script.asked == ["freeze/access", "freeze/stages"]
    assert script.statuses()["freeze"] == "running"
    assert script.case.status == "open"


def test_the_freeze_is_over_only_when_each_service_has_acknowledged_it() -> None:
    script = Script()
    assert script.hears("freeze/access") == []
    assert script.hears("freeze/stages") == ["assess/ranking", "hand_over/successful_actions", "hand_over/undertaking"]


def test_what_needs_no_successor_opens_with_the_freeze_and_the_rest_after_the_transfer() -> None:
    script = Script().to_transfer()
    assert script.asked == ["transfer/clients-1-1"]
    assert script.hears("transfer/clients-1-1") == ["hand_over/training", "hand_over/introductions"]


def test_a_plan_waits_for_approval_and_the_case_stays_open() -> None:
    script = Script().to_plan()
    assert script.hears("plan/draft-1", facts={"approval": 1}) == ["plan/approval-1"]
    assert script.statuses()["plan"] == "waiting"
    assert script.case.status == "open"
    assert script.case.step == "plan"


def test_a_plan_that_approves_itself_is_carried_out_at_once() -> None:
    script = Script().to_plan()
    asked = script.hears("plan/draft-1", facts={"clients": 1, "stages": 1})
    assert asked == ["transfer/clients-1-1", "transfer/stages-1-1"]


def test_nothing_to_transfer_skips_the_step() -> None:
    script = Script().to_plan()
    assert script.hears("plan/draft-1") == ["hand_over/training", "hand_over/introductions"]
    assert script.statuses()["transfer"] == "skipped"


def test_at_most_two_chunks_per_service_are_under_way() -> None:
    script = Script().to_transfer(clients=5, stages=3)
    assert script.asked == [
        "transfer/clients-1-1",
        "transfer/clients-1-2",
        "transfer/stages-1-1",
        "transfer/stages-1-2",
    ]
    assert script.hears("transfer/clients-1-2") == ["transfer/clients-1-3"]
    assert script.hears("transfer/stages-1-1") == ["transfer/stages-1-3"]
    assert script.hears("transfer/stages-1-2") == []


@pytest.mark.parametrize(
    "missing", ["transfer/clients-1-1", "hand_over/training", "hand_over/introductions", "last_day"]
)
def test_clear_waits_for_the_transfer_every_item_and_the_last_day(missing: str) -> None:
    script = Script().to_transfer()
    events = ["transfer/clients-1-1", "hand_over/successful_actions", "hand_over/undertaking", "hand_over/training"]
    for name in [*events, "hand_over/introductions", "last_day"]:
        if name != missing:
            script.hears(name)
    assert script.statuses()["clear"] == "pending"
    for name in (missing, "hand_over/training", "hand_over/introductions"):
        script.hears(name)
    assert script.statuses()["clear"] == "running"


def test_the_last_day_does_not_stop_plan_and_transfer() -> None:
    script = Script().to_plan()
    script.hears("last_day")
    script.hears("plan/draft-1", facts={"approval": 1})
    assert script.hears("plan/approval-1", facts={"clients": 1}) == ["transfer/clients-1-1"]


def test_a_last_day_that_was_moved_is_waited_for_again() -> None:
    script = Script().to_transfer()
    script.hears("last_day")
    script.hears("last_day", "moved")
    script.hears("transfer/clients-1-1")
    for name in ("successful_actions", "undertaking", "training", "introductions"):
        script.hears(f"hand_over/{name}")
    assert script.statuses()["clear"] == "pending"
    assert script.hears("last_day") == ["clear/remainder"]


def test_what_is_left_is_written_through_before_the_case_is_cleared() -> None:
    script = Script().to_end()
    script.hears("last_day")
    assert script.hears("clear/remainder", facts={"left_clients": 1}) == ["clear/left_clients-1-1"]
    assert script.case.status == "open"
    assert script.hears("clear/left_clients-1-1") == ["follow_up/figures"]
    assert script.case.status == "cleared"


def test_a_cleared_case_stays_cleared_where_its_follow_up_fails() -> None:
    script = Script().to_cleared()
    script.hears("follow_up/figures", "failed")
    assert script.case.status == "cleared"
    assert script.hears("follow_up/figures", "retry") == ["follow_up/figures"]


def test_cleared_is_reached_while_the_follow_up_runs() -> None:
    script = Script().to_cleared()
    assert script.asked == ["follow_up/figures"]
    assert script.case.status == "cleared"
    assert script.statuses()["follow_up"] == "running"


def test_a_waived_task_is_settled_whether_it_was_asked_or_not() -> None:
    script = Script().to_transfer()
    script.hears("hand_over/training", "waived", "no successor to train")
    script.hears("hand_over/undertaking", "waived", "signed on paper")
    assert {item.name: item.status for item in script.case.list_items("hand_over")} == {
        "successful_actions": "asked",
        "undertaking": "waived",
        "training": "waived",
        "introductions": "pending",
    }


@pytest.mark.parametrize("name", ["freeze/access", "transfer/clients-1-1", "assess/ranking"])
def test_only_what_people_do_can_be_waived(name: str) -> None:
    script = Script()
    before = script.case
    script.hears(name, "waived")
    assert script.case is before


# -- what it does not wait for ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "item", ["k/freeze/nothing", "other/freeze/access", "k/plan/draft-1", "freeze/access", "k", ""]
)
def test_a_foreign_or_early_reply_changes_nothing(item: str) -> None:
    case, _ = advance(Case("k"))
    assert answer(case, Reply(item)) == (case, [])


def test_a_duplicate_reply_changes_nothing() -> None:
    script = Script()
    script.hears("freeze/access")
    before = script.case
    assert script.hears("freeze/access", "failed") == []
    assert script.case is before


def test_a_reply_from_a_round_that_is_over_changes_nothing() -> None:
    script = Script().to_transfer()
    script.hears("transfer/clients-1-1", "failed", "partly_refused")
    script.hears("transfer/clients-1-1", "retry")
    before = script.case
    assert script.hears("transfer/clients-1-1") == []
    assert script.case is before


# -- failure goes forward to a person ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["freeze/access", "freeze/stages"])
def test_a_refused_freeze_needs_a_person_and_is_tried_again_when_they_say_so(name: str) -> None:
    script = Script()
    script.hears(name, "failed", "not_employed")
    assert script.case.status == "needs_person"
    assert script.statuses()["freeze"] in ("running", "waiting")
    assert script.hears(name, "retry") == [name]
    assert script.case.status == "open"


def test_a_failed_chunk_does_not_hold_up_the_others() -> None:
    script = Script().to_transfer(clients=3)
    assert script.hears("transfer/clients-1-1", "failed", "partly_refused") == ["transfer/clients-1-3"]
    assert script.case.status == "needs_person"
    assert script.hears("transfer/clients-1-2") == []


def test_a_failed_transfer_is_planned_anew_in_the_next_round() -> None:
    script = Script().to_transfer(clients=2)
    script.hears("transfer/clients-1-1", "failed", "partly_refused")
    script.hears("transfer/clients-1-2")
    assert script.hears("transfer/clients-1-1", "retry") == ["plan/draft-2"]
    assert script.case.status == "open"
    assert script.hears("plan/draft-2", facts={"approval": 1}) == ["plan/approval-2"]
    assert script.hears("plan/approval-2", facts={"clients": 1}) == ["transfer/clients-2-1"]
    assert script.hears("transfer/clients-2-1") == ["hand_over/training", "hand_over/introductions"]


def test_a_plan_that_awaits_approval_can_be_made_anew() -> None:
    script = Script().to_plan()
    script.hears("plan/draft-1", facts={"approval": 1})
    assert script.hears("plan/approval-1", "retry") == ["plan/draft-2"]
    assert script.hears("plan/approval-1", facts={"clients": 1}) == []


def test_a_failed_transfer_can_be_skipped_with_a_reason() -> None:
    script = Script().to_transfer()
    script.hears("transfer/clients-1-1", "failed", "partly_refused")
    assert script.hears("transfer/clients-1-1", "skipped", "stays with otto") == [
        "hand_over/training",
        "hand_over/introductions",
    ]
    assert script.case.status == "open"


def test_a_stale_answer_is_a_failure_where_nothing_is_being_undone() -> None:
    script = Script()
    script.hears("freeze/access", "stale")
    assert script.case.status == "needs_person"


# -- a withdrawn resignation -------------------------------------------------------------------------------------------


def test_a_withdrawal_raises_the_epoch_and_waits_for_every_outstanding_answer() -> None:
    script = Script().to_transfer(clients=3)
    assert script.hears("undo") == []
    assert script.case.epoch == 2
    assert script.hears("transfer/clients-1-1") == []
    assert script.hears("transfer/clients-1-2") == ["transfer/undo-clients-1-1", "transfer/undo-clients-1-2"]


def test_it_undoes_in_reverse_and_unfreezes_last() -> None:
    script = Script().to_transfer()
    script.hears("transfer/clients-1-1")
    assert script.hears("undo") == ["transfer/undo-clients-1-1"]
    assert script.hears("transfer/undo-clients-1-1") == ["freeze/undo-access", "freeze/undo-stages"]
    assert script.statuses()["transfer"] == "undone"
    assert script.case.status == "open"
    script.hears("freeze/undo-access")
    assert script.case.status == "open"
    script.hears("freeze/undo-stages")
    assert script.case.status == "cancelled"
    assert script.statuses()["freeze"] == "undone"


def test_what_was_never_asked_is_not_undone() -> None:
    script = Script().to_transfer(clients=4)
    script.hears("undo")
    script.hears("transfer/clients-1-1", "stale")
    asked = script.hears("transfer/clients-1-2", "stale")
    assert asked == ["transfer/undo-clients-1-1", "transfer/undo-clients-1-2"]


def test_a_withdrawal_during_the_freeze_waits_for_it_and_lifts_it() -> None:
    script = Script()
    assert script.hears("undo") == []
    assert script.hears("freeze/access") == []
    assert script.hears("freeze/stages", "stale") == ["freeze/undo-access", "freeze/undo-stages"]


def test_tasks_and_jobs_are_let_go_of_and_late_replies_to_them_do_nothing() -> None:
    script = Script().to_plan()
    script.hears("undo")
    before = script.case
    assert script.hears("plan/draft-1", facts={"approval": 1}) == []
    assert script.hears("hand_over/undertaking") == []
    assert script.case is before


def test_a_second_withdrawal_changes_nothing() -> None:
    script = Script().to_plan()
    script.hears("undo")
    before = script.case
    assert script.hears("undo") == []
    assert script.case is before


def test_an_undo_that_is_refused_by_a_service_needs_a_person() -> None:
    script = Script().to_plan()
    script.hears("undo")
    script.hears("freeze/undo-access", "failed", "unknown_employee")
    assert script.case.status == "needs_person"
    assert script.hears("freeze/undo-access", "retry") == ["freeze/undo-access"]
    script.hears("freeze/undo-access")
    script.hears("freeze/undo-stages")
    assert script.case.status == "cancelled"


def test_past_clear_an_undo_is_refused_and_needs_a_person() -> None:
    script = Script().to_cleared()
    assert script.hears("undo") == []
    assert script.case.status == "needs_person"
    assert script.case.epoch == 1


def test_a_case_that_is_cleared_after_an_undo_was_refused_says_so() -> None:
    script = Script().to_end()
    script.hears("last_day")
    script.hears("clear/remainder", facts={"left_clients": 1})
    script.hears("undo")
    before = script.case
    script.hears("clear/left_clients-1-1")
    assert list_steps_just_over(before, script.case) == ["clear"]


def test_a_step_that_an_undo_lets_go_of_is_not_said_to_be_over() -> None:
    script = Script().to_plan()
    before = script.case
    script.hears("undo")
    assert script.case.is_over("hand_over") or script.case.is_over("plan")
    assert list_steps_just_over(before, script.case) == []


def test_each_step_is_said_to_be_over_once() -> None:
    script = Script()
    script.hears("freeze/access")
    before = script.case
    script.hears("freeze/stages")
    assert list_steps_just_over(before, script.case) == ["freeze"]
    assert list_steps_just_over(script.case, script.case) == []


def test_the_companys_tasks_cannot_be_taken_for_those_of_the_saga() -> None:
    asked = {item.asks_for for item in Script(wanted=()).to_transfer().case.items if item.kind == "task"}
    asked |= {item.asks_for for item in Script(wanted=()).to_transfer().case.list_items("hand_over")}
    assert asked <= set(RESERVED_TASK_KINDS)
    assert "approval" in asked


def test_a_person_may_lift_the_freeze_of_a_cleared_case_which_restores_nothing() -> None:
    script = Script().to_cleared()
    script.hears("undo")
    assert script.hears("undo", "forced") == ["freeze/undo-access", "freeze/undo-stages"]
    script.hears("freeze/undo-access")
    script.hears("freeze/undo-stages")
    assert script.case.status == "cleared"
    assert script.statuses()["transfer"] == "done"
    assert script.statuses()["follow_up"] == "running"


def test_or_leave_it() -> None:
    script = Script().to_cleared()
    script.hears("undo")
    script.hears("undo", "skipped")
    assert script.case.status == "cleared"


def test_a_case_is_cancelled_once_and_for_all() -> None:
    script = Script()
    script.hears("undo")
    for name in ("freeze/access", "freeze/stages", "freeze/undo-access", "freeze/undo-stages"):
        script.hears(name)
    before = script.case
    for name in ("last_day", "undo", "freeze/access", "assess/ranking"):
        assert script.hears(name) == []
    assert replace(script.case, last_day_over=before.last_day_over) == before
