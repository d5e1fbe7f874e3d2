"""The handover of one leaver: a table of steps and two functions, `advance` and `answer`. Pure.

A step asks for items: commands (to services), tasks (to people), jobs (to be computed). The case waits on their ids,
`<case>/<step>/<name>`, so late, duplicate and foreign replies do nothing. An id is compared and never read: what an item is
about stands in its fields. Failure goes forward to a person, never back; an undo serves a withdrawn resignation, in reverse,
and is refused past a step without one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

ItemKind = Literal["command", "task", "job"]
ItemStatus = Literal["pending", "asked", "failed", "done", "waived", "skipped", "cancelled"]
Outcome = Literal["done", "failed", "stale", "waived", "skipped", "retry", "moved", "forced"]
StepStatus = Literal["pending", "running", "waiting", "done", "skipped", "undone"]
CaseStatus = Literal["open", "needs_person", "cleared", "cancelled"]

OPEN_CASE_STATUSES: tuple[CaseStatus, ...] = ("open", "needs_person")
SETTLED_ITEM_STATUSES: tuple[ItemStatus, ...] = ("done", "waived", "skipped", "cancelled")

LAST_DAY = "last_day"  # the clock that `clear` waits for beside the steps; also the name of its reply
UNDO = "undo"  # the name of the reply that the resignation was withdrawn
MAX_CHUNKS_UNDER_WAY = 2  # chunks per case and service that are asked and not yet answered


@dataclass(frozen=True)
class CaseItem:
    """What a step asks for. Its `asks_for` names the command, task or job; `receiver` is the service;
    `after_step` must be over first.

    A command that moves clients, team places or stages stands for a chunk of `moves`: of this `move_kind`, in this `round`.
    """

    step: str
    name: str
    kind: ItemKind
    asks_for: str
    receiver: str = ""
    after_step: str = ""
    status: ItemStatus = "pending"
    is_undo: bool = False
    reason: str | None = None
    move_kind: str = ""
    round: int = 0
    chunk: int = 0

    @property
    def is_settled(self) -> bool:
        return self.status in SETTLED_ITEM_STATUSES


@dataclass(frozen=True)
class ChecklistTask:
    """A human task that the checklist asks of every case; `after_transfer` where it needs a successor."""

    kind: str
    after_transfer: bool = False


@dataclass(frozen=True)
class Case:
    """One leaver's handover. `facts`: numbers that jobs and people found. `clients`, `stages`, `team`,
    `left_clients` and `left_stages` are how many chunks of them there are to move; `round` is the version of the plan.

    `undo`: empty, `asked` (under way), `refused` (past the point of no return), `forced` (a person lifts the freeze
    all the same), `over`.
    """

    id: str
    checklist_tasks: tuple[ChecklistTask, ...] = ()
    table_version: int = 1
    epoch: int = 1
    last_day_over: bool = False
    undo: str = ""
    begun_steps: tuple[str, ...] = ()
    undone_steps: tuple[str, ...] = ()
    items: tuple[CaseItem, ...] = ()
    facts: Mapping[str, int] = field(default_factory=dict)

    def list_items(self, step: str) -> tuple[CaseItem, ...]:
        return tuple(item for item in self.items if item.step == step)

    def is_over(self, step: str) -> bool:
        if step == LAST_DAY:
            return self.last_day_over
        # A transfer that failed is planned anew: it is not over before the plan is, once more.
        before = next(one.after_steps for one in get_step_table(self) if one.name == step)
        settled = all(item.is_settled for item in self.list_items(step) if not item.is_undo)
        return step in self.begun_steps and settled and all(self.is_over(name) for name in before)

    @property
    def round(self) -> int:
        return self.facts.get("round", 1)

    def get_item_id(self, item: CaseItem) -> str:
        return f"{self.id}/{item.step}/{item.name}"

    def get_task_item_id(self, kind: str) -> str:
        """The item of a human task of this kind, or of `introductions`."""
        return f"{self.id}/hand_over/{kind}"

    @property
    def last_day_id(self) -> str:
        """Not an item, but replied to like one: the last day is over, or was moved."""
        return f"{self.id}/{LAST_DAY}"

    @property
    def undo_id(self) -> str:
        """Likewise: the resignation was withdrawn."""
        return f"{self.id}/{UNDO}"

    @property
    def status(self) -> CaseStatus:
        if self.undo == "over" and not self.is_over("clear"):
            return "cancelled"
        if self.undo == "refused" or any(item.status == "failed" and item.step != "follow_up" for item in self.items):
            return "needs_person"
        return "cleared" if self.is_over("clear") else "open"

    @property
    def step(self) -> str:
        """Where the case stands: the first step that is not over; while it is undone, the last not yet undone."""
        if self.undo in ("asked", "over") and self.status != "cleared":
            left = [name for name in self.begun_steps if name not in self.undone_steps]
            return max(left, key=STEP_NAMES.index, default="freeze")
        return next((step.name for step in get_step_table(self) if not self.is_over(step.name)), "follow_up")

    def get_step_status(self, step: str) -> StepStatus:
        items = [item for item in self.list_items(step) if not item.is_undo]
        if step not in self.begun_steps:
            return "pending"
        if step in self.undone_steps:
            return "undone"
        if self.is_over(step):
            return "done" if any(item.status != "skipped" for item in items) else "skipped"
        works = any(item.status == "asked" and item.kind != "task" for item in items)
        return "running" if works or not any(item.status in ("asked", "failed") for item in items) else "waiting"


@dataclass(frozen=True)
class Reply:
    """What came back about the item with this id, about the last day or the undo. `facts` go into the case."""

    item_id: str
    outcome: Outcome = "done"
    reason: str | None = None
    facts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """`make_items` is called again whenever something changed; an item that it names for the first time is
    new. Nothing skips the step."""

    name: str
    after_steps: tuple[str, ...]
    make_items: Callable[[Case], list[CaseItem]]
    make_undo_items: Callable[[Case], list[CaseItem]] | None = None  # None: no way back from here


def list_steps_just_over(before: Case, after: Case) -> list[str]:
    """The steps that have come to their end between these two; what an undo lets go of has not, but clear goes on in spite
    of an undo that was refused."""
    counts = not after.undo or "clear" in after.begun_steps
    return [step for step in after.begun_steps if counts and after.is_over(step) and not before.is_over(step)]


# -- what each step asks for -------------------------------------------------------------------------------------------


def _freeze(case: Case) -> list[CaseItem]:
    return [
        CaseItem("freeze", "access", "command", "freeze_access", "clients"),
        CaseItem("freeze", "stages", "command", "freeze_stages", "orders"),
    ]


def _unfreeze(case: Case) -> list[CaseItem]:
    return [
        CaseItem("freeze", "undo-access", "command", "unfreeze_access", "clients", is_undo=True),
        CaseItem("freeze", "undo-stages", "command", "unfreeze_stages", "orders", is_undo=True),
    ]


def _plan(case: Case) -> list[CaseItem]:
    items = [CaseItem("plan", f"draft-{case.round}", "job", "draft", round=case.round)]
    if case.facts.get("approval"):
        items.append(CaseItem("plan", f"approval-{case.round}", "task", "approval", round=case.round))
    return items


def _ask_chunks(case: Case, step: str, fact: str, move_kind: str, asks_for: str, receiver: str) -> list[CaseItem]:
    return [
        CaseItem(
            step,
            f"{fact}-{case.round}-{chunk}",
            "command",
            asks_for,
            receiver,
            move_kind=move_kind,
            round=case.round,
            chunk=chunk,
        )
        for chunk in range(1, case.facts.get(fact, 0) + 1)
    ]


def _transfer(case: Case) -> list[CaseItem]:
    return [
        *_ask_chunks(case, "transfer", "clients", "client", "transfer_clients", "clients"),
        *_ask_chunks(case, "transfer", "team", "team", "place_team", "clients"),
        *_ask_chunks(case, "transfer", "stages", "stage", "transfer_stages", "orders"),
    ]


def _transfer_back(case: Case) -> list[CaseItem]:
    return [
        replace(item, name=f"undo-{item.name}", status="pending", is_undo=True, reason=None)
        for item in case.list_items("transfer")
        if not item.is_undo and item.reason != "never_asked"
    ]


def _hand_over(case: Case) -> list[CaseItem]:
    tasks = [
        CaseItem("hand_over", task.kind, "task", task.kind, after_step="transfer" if task.after_transfer else "")
        for task in case.checklist_tasks
    ]
    return [*tasks, CaseItem("hand_over", "introductions", "task", "introductions", after_step="transfer")]


def _clear(case: Case) -> list[CaseItem]:
    return [
        CaseItem("clear", "remainder", "job", "remainder"),
        *_ask_chunks(case, "clear", "left_clients", "left_client", "transfer_clients", "clients"),
        *_ask_chunks(case, "clear", "left_stages", "left_stage", "transfer_stages", "orders"),
    ]


# Two clocks: `hand_over` begins with the freeze, and only its items that need a successor wait for the transfer.
STEPS = (
    Step("freeze", (), _freeze, _unfreeze),
    Step("assess", ("freeze",), lambda case: [CaseItem("assess", "ranking", "job", "ranking")], lambda case: []),
    Step("plan", ("assess",), _plan, lambda case: []),
    Step("transfer", ("plan",), _transfer, _transfer_back),
    Step("hand_over", ("freeze",), _hand_over, lambda case: []),
    Step("clear", ("transfer", "hand_over", LAST_DAY), _clear),
    Step("follow_up", ("clear",), lambda case: [CaseItem("follow_up", "figures", "job", "figures")]),
)
TABLES: Mapping[int, tuple[Step, ...]] = {1: STEPS}  # a case runs on the table that it began with
NEWEST_TABLE_VERSION = max(TABLES)
STEP_NAMES = tuple(step.name for step in STEPS)


def get_step_table(case: Case) -> tuple[Step, ...]:
    return TABLES[case.table_version]


# -- the two functions -------------------------------------------------------------------------------------------------


def advance(case: Case) -> tuple[Case, list[CaseItem]]:
    """The case as far as it can go by itself, and what is to be asked for now."""
    if case.undo in ("asked", "forced"):
        case = _undo_last_step(case)
    elif case.undo != "over":
        case = _ask_next_steps(case)
    asked: list[CaseItem] = []
    items = list(case.items)
    for place, item in enumerate(items):
        if item.status != "pending" or (item.after_step and not case.is_over(item.after_step)):
            continue
        under_way = sum(
            other.status == "asked" for other in items if other.kind == "command" and other.receiver == item.receiver
        )
        if item.kind == "command" and under_way >= MAX_CHUNKS_UNDER_WAY:
            continue
        items[place] = replace(item, status="asked")
        asked.append(items[place])
    return replace(case, items=tuple(items)), asked


def answer(case: Case, reply: Reply) -> tuple[Case, list[CaseItem]]:
    """The case after this reply, and what is to be asked for now. What it does not wait for changes nothing."""
    after = _apply_reply(case, reply)
    return (case, []) if after is case else advance(after)


def _ask_next_steps(case: Case) -> Case:
    for step in get_step_table(case):
        if all(case.is_over(name) for name in step.after_steps):
            known = {item.name for item in case.list_items(step.name)}
            new = [item for item in step.make_items(case) if item.name not in known]
            begun = case.begun_steps if step.name in case.begun_steps else (*case.begun_steps, step.name)
            if new or begun is not case.begun_steps:
                case = replace(case, items=(*case.items, *new), begun_steps=begun)
    return case


def _undo_last_step(case: Case) -> Case:
    """Adds what undoes the last step not yet undone, once every outstanding answer is there."""
    if any(item.status == "asked" and item.kind == "command" and not item.is_undo for item in case.items):
        return case
    for step in reversed(get_step_table(case)):
        if (
            step.make_undo_items is None
            or step.name not in case.begun_steps
            or (case.undo == "forced" and step.name != "freeze")
        ):
            continue
        if not any(item.is_undo for item in case.list_items(step.name)):
            case = replace(case, items=(*case.items, *step.make_undo_items(case)))
        if not all(item.is_settled for item in case.list_items(step.name) if item.is_undo):
            return case
        if case.undo == "asked" and step.name not in case.undone_steps:
            case = replace(case, undone_steps=(*case.undone_steps, step.name))
    return replace(case, undo="over")


def _apply_reply(case: Case, reply: Reply) -> Case:
    if reply.item_id == case.last_day_id:
        over = reply.outcome != "moved"
        return case if over == case.last_day_over or "clear" in case.begun_steps else replace(case, last_day_over=over)
    if reply.item_id == case.undo_id:
        return _apply_withdrawal(case, reply)
    item = next((item for item in case.items if case.get_item_id(item) == reply.item_id), None)
    if item is None:
        return case
    if reply.outcome == "retry":
        return _retry(case, item)
    if reply.outcome == "skipped" and item.status == "failed":
        return _replace_item(case, replace(item, status="skipped", reason=reply.reason))
    waived = reply.outcome == "waived" and item.kind == "task" and item.status in ("pending", "asked")
    if not waived and (item.status != "asked" or reply.outcome == "waived"):
        return case
    match reply.outcome:
        case "done" | "waived":
            after = replace(item, status=reply.outcome, reason=reply.reason)
        case "failed" | "stale" if case.undo in ("asked", "forced") and not item.is_undo:
            # Some of its moves may have been made: it is taken back like one that succeeded.
            after = replace(item, status="cancelled", reason=reply.reason)
        case "failed" | "stale":
            after = replace(item, status="failed", reason=reply.reason or reply.outcome)
        case _:
            return case
    return replace(_replace_item(case, after), facts={**case.facts, **reply.facts})


def _apply_withdrawal(case: Case, reply: Reply) -> Case:
    if case.undo == "refused" and reply.outcome == "skipped":
        return replace(case, undo="")
    past = any(step.make_undo_items is None and step.name in case.begun_steps for step in get_step_table(case))
    wanted = reply.outcome == "done" and not case.undo
    if wanted and past:
        return replace(case, undo="refused")
    if not wanted and not (case.undo == "refused" and reply.outcome == "forced"):
        return case
    # What a cleared case has given away stays given; only its follow-up goes on.
    items = tuple(item if past and item.step == "follow_up" else _cancel_unless_under_way(item) for item in case.items)
    return replace(case, undo="forced" if past else "asked", epoch=case.epoch + 1, items=items)


def _cancel_unless_under_way(item: CaseItem) -> CaseItem:
    """Who has not begun need not; a command under way is waited for, for its effect must be known to be undone."""
    if item.is_settled or (item.status == "asked" and item.kind == "command"):
        return item
    reason = {"pending": "never_asked", "asked": "withdrawn"}.get(item.status, item.reason)
    return replace(item, status="cancelled", reason=reason)


def _retry(case: Case, item: CaseItem) -> Case:
    """A person says: try again. A plan or a transfer is planned anew, in the next round, for what is still there."""
    if not _can_be_retried(item):
        return case
    if item.step not in ("plan", "transfer") or item.is_undo:
        return _replace_item(case, replace(item, status="pending", reason=None))
    items = tuple(
        replace(old, status="skipped", reason="planned_again")
        if old.step in ("plan", "transfer") and _can_be_retried(old)
        else old
        for old in case.items
    )
    facts = {**case.facts, "round": case.round + 1, "approval": 0, "clients": 0, "stages": 0, "team": 0}
    return replace(case, items=items, facts=facts)


def _can_be_retried(item: CaseItem) -> bool:
    return item.status == "failed" or (item.asks_for == "approval" and item.status == "asked")


def _replace_item(case: Case, item: CaseItem) -> Case:
    same = (item.step, item.name)
    return replace(case, items=tuple(item if (old.step, old.name) == same else old for old in case.items))
