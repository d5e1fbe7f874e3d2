"""Whatever order replies come in, and however often, a case ends the same."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from services.offboarding.saga import Case, CaseItem, ChecklistTask, Reply, advance, answer

WANTED = (ChecklistTask("undertaking"), ChecklistTask("training", after_transfer=True))
FACTS = {
    "draft-1": {"approval": 1},
    "approval-1": {"clients": 5, "stages": 3, "team": 1},
    "remainder": {"left_clients": 2},
}


def play(data: st.DataObject, withdrawn_after: int | None = None) -> Case:
    """Replies to what is open in an order that is drawn, some of it twice, some of it late again."""
    case, asked = advance(Case("k", checklist_tasks=WANTED))
    waiting = [*map(case.get_item_id, asked), "k/last_day"]
    items = {case.get_item_id(item): item for item in asked}
    heard: list[Reply] = []
    count = 0
    while waiting or (withdrawn_after is not None and count <= withdrawn_after):
        if withdrawn_after == count or not waiting:
            reply, withdrawn_after = Reply("k/undo"), None
        elif heard and data.draw(st.booleans(), label="again"):
            reply = data.draw(st.sampled_from(heard), label="late")
        else:
            name = waiting.pop(data.draw(st.integers(0, len(waiting) - 1), label="next"))
            item = items.get(name)
            reply = Reply(name, facts=FACTS.get(item.name, {}) if item else {})
            heard.append(reply)
            count += 1
        case, asked = answer(case, reply)
        no_more_than_two_under_way(case)
        never_asked_twice(items, case, asked)
        waiting += [case.get_item_id(one) for one in asked]
        items.update({case.get_item_id(one): one for one in asked})
    return case


def no_more_than_two_under_way(case: Case) -> None:
    for service in ("clients", "orders"):
        under_way = [item for item in case.items if item.kind == "command" and item.receiver == service]
        assert sum(item.status == "asked" for item in under_way) <= 2


def never_asked_twice(known: dict[str, CaseItem], case: Case, asked: list[CaseItem]) -> None:
    assert not {case.get_item_id(item) for item in asked} & set(known)


@settings(deadline=None)
@given(st.data())
def test_any_order_and_duplication_of_replies_ends_in_the_same_state(data: st.DataObject) -> None:
    case = play(data)
    expected, asked = advance(Case("k", checklist_tasks=WANTED))
    waiting = list(asked)
    while waiting:
        item = waiting.pop(0)
        expected, asked = answer(expected, Reply(expected.get_item_id(item), facts=FACTS.get(item.name, {})))
        waiting += asked
    expected, asked = answer(expected, Reply("k/last_day"))
    waiting = list(asked)
    while waiting:
        item = waiting.pop(0)
        expected, asked = answer(expected, Reply(expected.get_item_id(item), facts=FACTS.get(item.name, {})))
        waiting += asked
    assert case == expected
    assert case.status == "cleared"


@settings(deadline=None)
@given(st.data(), st.integers(0, 25))
def test_a_withdrawal_at_any_moment_ends_cancelled_or_is_refused_past_clear(data: st.DataObject, after: int) -> None:
    case = play(data, withdrawn_after=after)
    if "clear" in case.begun_steps:
        assert case.undo == "refused"
        assert case.status == "needs_person"
        return
    assert case.status == "cancelled"
    assert all(case.get_step_status(step) == "undone" for step in case.begun_steps)
    moved = {item.name for item in case.list_items("transfer") if not item.is_undo and item.status == "done"}
    returned = {item.name.removeprefix("undo-") for item in case.list_items("transfer") if item.is_undo}
    assert moved <= returned
    assert replace(case, items=()).epoch == 2
