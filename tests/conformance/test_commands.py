"""Every command is answered by exactly one `command.answered`."""

from typing import Any

from shared.service import Runtime
from tests.support.lab import (
    Lab,
    execute_in_service,
    fetch_rows,
    list_effects,
    make_things_happen,
    plant_fault,
    send_command,
    wait_for_effects,
    wait_for_empty_outbox,
    wait_until,
)


async def answers(runtime: Runtime, count: int) -> list[dict[str, Any]]:
    """The answers given, once there are `count` of them; more are a fault."""

    async def given() -> list[dict[str, Any]] | None:
        found = await fetch_rows(
            runtime,
            "SELECT cause, CAST(body AS jsonb) AS body FROM outbox WHERE type = 'command.answered' ORDER BY id",
        )
        return [{**row["body"], "cause": row["cause"]} for row in found] if len(found) >= count else None

    found = await wait_until(given, f"{count} answers")
    assert len(found or []) == count
    return found or []


async def test_every_command_is_answered_once_however_often_it_arrives(lab: Lab) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    for n in range(1, 21):
        await send_command(sender, lab.receiver, n, case=f"case-{n % 3}")
    await answers(receiver, 20)

    await execute_in_service(sender, "UPDATE outbox SET published_at = NULL")
    await wait_for_empty_outbox(sender)
    await send_command(sender, lab.receiver, 21, case="case-0")

    found = await answers(receiver, 21)
    sent = await fetch_rows(sender, "SELECT CAST(event_id AS text) AS id, CAST(body AS jsonb) AS body FROM outbox")
    assert {answer["command_id"]: answer["cause"] for answer in found} == {
        row["body"]["command_id"]: row["id"] for row in sent
    }
    assert {answer["outcome"] for answer in found} == {"done"}
    assert {result["id"] for answer in found for result in answer["results"]} == {str(n) for n in range(1, 22)}


async def test_a_refusal_by_a_rule_is_an_answer_and_leaves_nothing_behind(lab: Lab) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    await plant_fault(receiver, "case", "refused", 2)
    for n in (1, 2, 3):
        await send_command(sender, lab.receiver, n)

    found = await answers(receiver, 3)

    assert [(answer["outcome"], answer["reason"]) for answer in found] == [
        ("done", None),
        ("refused", "unwilling"),
        ("done", None),
    ]
    await wait_for_effects(receiver, {"case": [1, 3]})
    assert await fetch_rows(receiver, "SELECT 1 FROM outbox WHERE type <> 'command.answered'") == []
    assert await fetch_rows(receiver, "SELECT 1 FROM waiting_keys") == []


async def test_a_command_of_an_older_epoch_is_answered_stale(lab: Lab) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    for n, epoch in ((1, 1), (2, 3), (3, 2), (4, 3)):
        await send_command(sender, lab.receiver, n, epoch=epoch)
    await send_command(sender, lab.receiver, 5, case="another", epoch=1)

    found = await answers(receiver, 5)

    outcomes = {answer["command_id"]: answer["outcome"] for answer in found}
    assert outcomes == {
        "case/poke/1": "done",
        "case/poke/2": "done",
        "case/poke/3": "stale",
        "case/poke/4": "done",
        "another/poke/5": "done",
    }
    await wait_for_effects(receiver, {"case": [1, 2, 4], "another": [5]})


async def test_commands_are_not_delayed_by_a_backlog_of_events(lab: Lab) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    await plant_fault(receiver, "a", "slow")
    await make_things_happen(sender, *("a" * 100))
    await wait_for_empty_outbox(sender)

    await send_command(sender, lab.receiver, 1)
    await answers(receiver, 1)

    assert len((await list_effects(receiver)).get("a", [])) < 100
