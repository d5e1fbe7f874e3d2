"""What goes wrong with a message stops its key and nothing else, until a person looks at it."""

import asyncio
import uuid
from typing import Any

from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from shared.http.app import list_readiness_faults
from shared.messages import Record, encode_record, get_events_topic
from shared.outbox.retries import MAX_ATTEMPTS
from shared.outbox.waiting import PARKED_LIMIT, measure_waiting_keys, schedule_replay_of_key, skip_first_message
from shared.service import Runtime
from tests.support.lab import (
    Lab,
    execute_in_service,
    fetch_rows,
    fetch_value,
    list_effects,
    make_things_happen,
    plant_fault,
    remove_faults,
    send_command,
    wait_for_effects,
    wait_for_empty_outbox,
    wait_for_no_waiting_key,
    wait_for_pause,
    wait_until,
)
from tests.support.probe import Happened


async def parked(lab: Lab, runtime: Runtime) -> uuid.UUID:
    """The one key that waits for a person, once it does; time flies meanwhile."""

    async def found() -> Any:
        lab.ahead += lab.hour
        return await fetch_value(runtime, "SELECT id FROM waiting_keys WHERE parked_at IS NOT NULL")

    key: uuid.UUID = await wait_until(found, "a parked key")
    return key


async def journaled(runtime: Runtime) -> list[str]:
    found = await fetch_rows(
        runtime, "SELECT CAST(body AS jsonb) AS body FROM outbox WHERE type = 'journal.entry' ORDER BY id"
    )
    return [row["body"]["kind"] for row in found]


async def test_poison_parks_its_key_while_others_go_on_and_is_replayed_in_order(lab: Lab) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    await plant_fault(receiver, "a", "poison", 3)

    await make_things_happen(sender, *"aaaaa", *"bbb")
    await wait_for_effects(receiver, {"a": [1, 2], "b": [1, 2, 3]})
    key = await parked(lab, receiver)

    assert await fetch_value(receiver, "SELECT attempts FROM waiting_keys") == MAX_ATTEMPTS
    await make_things_happen(sender, *"ab")
    await wait_for_effects(receiver, {"a": [1, 2], "b": [1, 2, 3, 4]})
    await remove_faults(receiver)
    await receiver.transact(schedule_replay_of_key, key)

    await wait_for_effects(receiver, {"a": [1, 2, 3, 4, 5, 6], "b": [1, 2, 3, 4]})
    await wait_for_no_waiting_key(receiver)
    assert await journaled(receiver) == ["parked.replayed"]
    await make_things_happen(sender, "a")
    await wait_for_effects(receiver, {"a": [1, 2, 3, 4, 5, 6, 7], "b": [1, 2, 3, 4]})


async def test_what_fails_fewer_times_than_five_heals_by_itself(lab: Lab) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    await plant_fault(receiver, "a", "poison", 1)
    await make_things_happen(sender, *"aab")

    async def tried_again() -> bool:
        lab.ahead += lab.hour
        return bool(await fetch_value(receiver, "SELECT attempts >= 2 FROM waiting_keys"))

    await wait_until(tried_again, "a second try")
    await remove_faults(receiver)
    lab.ahead += lab.hour

    await wait_for_effects(receiver, {"a": [1, 2], "b": [1]})
    await wait_for_no_waiting_key(receiver)


async def test_a_skipped_message_stays_skipped_though_the_bus_hands_it_in_again(lab: Lab) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    await plant_fault(receiver, "a", "poison", 2)
    await make_things_happen(sender, *"aaa")
    key = await parked(lab, receiver)
    await execute_in_service(sender, "UPDATE outbox SET published_at = NULL")
    await wait_for_empty_outbox(sender)

    await remove_faults(receiver)
    await receiver.transact(skip_first_message, key)

    await wait_for_effects(receiver, {"a": [1, 3]})
    await wait_for_no_waiting_key(receiver)
    assert await journaled(receiver) == ["parked.skipped"]
    await execute_in_service(sender, "UPDATE outbox SET published_at = NULL")
    await make_things_happen(sender, "a")
    await wait_for_effects(receiver, {"a": [1, 3, 4]})


async def test_a_skipped_command_is_answered_so_that_its_case_goes_on(lab: Lab) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    await plant_fault(receiver, "case", "poison", 1)
    await send_command(sender, lab.receiver, 1)
    await send_command(sender, lab.receiver, 2)

    await receiver.transact(skip_first_message, await parked(lab, receiver))

    await wait_for_effects(receiver, {"case": [2]})
    found = await fetch_rows(
        receiver, "SELECT CAST(body AS jsonb) AS body FROM outbox WHERE type = 'command.answered' ORDER BY id"
    )
    assert [(row["body"]["command_id"], row["body"]["outcome"], row["body"]["reason"]) for row in found] == [
        ("case/poke/1", "refused", "skipped"),
        ("case/poke/2", "done", None),
    ]


async def test_what_cannot_be_read_parks_its_key_only(lab: Lab) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()

    await sender.bus.publish(
        [
            _record(lab, "a", b'{"key": "a", "n": "many"}'),
            _record(lab, "b", b"\xff not JSON"),
            Record(get_events_topic(lab.sender), "probe/c", {}, b"says nothing of itself"),
        ]
    )
    await make_things_happen(sender, *"abcd")

    await wait_for_effects(receiver, {"d": [1]})

    async def three() -> bool:
        lab.ahead += lab.hour
        return bool(await fetch_value(receiver, "SELECT count(*) = 3 FROM waiting_keys WHERE parked_at IS NOT NULL"))

    await wait_until(three, "three parked keys")
    for found in await fetch_rows(receiver, "SELECT id FROM waiting_keys"):
        await receiver.transact(skip_first_message, found["id"])
    await wait_for_no_waiting_key(receiver)
    taken = await list_effects(receiver)
    assert taken == {"a": [1], "b": [1], "c": [1], "d": [1]}


def _record(lab: Lab, key: str, body: bytes) -> Record:
    row: dict[str, Any] = {
        "event_id": uuid.uuid4(),
        "topic": get_events_topic(lab.sender),
        "subject": f"probe/{key}",
        "type": Happened.type,
        "source": f"/holdfast/{lab.sender}",
        "sequence": 1,
        "time": lab.clock(),
        "cause": None,
        "traceparent": None,
        "body": "{}",
    }
    record = encode_record(row)
    return Record(record.topic, record.key, record.headers, body)


async def test_a_database_that_is_used_wrongly_is_poison_and_not_an_outage(lab: Lab) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    await plant_fault(receiver, "a", "wrong use", 1)

    await make_things_happen(sender, *"ab")

    await wait_for_effects(receiver, {"b": [1]})
    assert await parked(lab, receiver)


async def test_too_many_parked_keys_stop_the_consumers_and_the_service_is_not_ready(lab: Lab) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    await execute_in_service(
        receiver,
        """
        INSERT INTO waiting_keys (id, topic, key, attempts, next_try_at, parked_at, error)
        SELECT gen_random_uuid(), 'none', CAST(n AS text), 5, :now, :now, 'planted'
        FROM generate_series(1, :count) AS n
        """,
        count=PARKED_LIMIT + 1,
        now=lab.clock(),
    )
    await measure_waiting_keys(receiver)
    assert any(fault.startswith("parked:") for fault in await list_readiness_faults(receiver))

    with capture_logs() as logs:
        await make_things_happen(sender, "a")
        await wait_for_pause(logs)
    assert await list_effects(receiver) == {}

    await execute_in_service(receiver, "DELETE FROM waiting_keys WHERE key = '1'")
    await measure_waiting_keys(receiver)
    assert not any(fault.startswith("parked:") for fault in await list_readiness_faults(receiver))
    await wait_for_effects(receiver, {"a": [1]})


async def test_a_departure_behind_a_parked_message_of_another_kind_raises_the_alarm(lab: Lab) -> None:
    receiver = await lab.start_receiver()
    await execute_in_service(
        receiver,
        """
        WITH key AS (
            INSERT INTO waiting_keys (id, topic, key, attempts, next_try_at, parked_at, type, error)
            VALUES (gen_random_uuid(), 'none', 'employee/1', 5, :now, :now, 'employee.changed', 'planted')
            RETURNING id
        )
        INSERT INTO waiting_messages (key_id, headers, body)
        SELECT id, jsonb_build_object('ce_type', type), '' FROM key, unnest(ARRAY['employee.changed', 'employee.left']) AS type
        """,
        now=lab.clock(),
    )
    await asyncio.gather(measure_waiting_keys(receiver), measure_waiting_keys(receiver))
    assert REGISTRY.get_sample_value("holdfast_alarm", {"service": lab.receiver, "kind": "parked_departure"}) == 1
