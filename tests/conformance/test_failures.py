"""What goes wrong stops only what it must: a message that fails its key, a lost database its consumer, for a while."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import asyncpg
import pytest
from prometheus_client import REGISTRY
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs

from shared import bus
from shared.database import is_transient, open_database, sqlstate, transact
from shared.http.app import not_ready
from shared.messages import Record, encode, events_topic
from shared.outbox import waiting
from shared.outbox.waiting import PARKED_LIMIT, TRIES, count_parked
from shared.service import Runtime
from tests.support import postgres
from tests.support.lab import (
    TEMPLATE,
    Lab,
    all_sent,
    command,
    cure,
    effects,
    execute,
    plant,
    rows,
    scalar,
    settled,
    until,
    write,
)
from tests.support.probe import FIRST_LOCK, SECOND_LOCK, Happened, Replica, probe


async def parked(lab: Lab, runtime: Runtime) -> uuid.UUID:
    """The one key that waits for a person, once it does; time flies meanwhile."""

    async def found() -> Any:
        lab.ahead += lab.hour
        return await scalar(runtime, "SELECT id FROM waiting_keys WHERE parked_at IS NOT NULL")

    key: uuid.UUID = await until(found, "a parked key")
    return key


async def no_key_waits(runtime: Runtime) -> None:
    async def none() -> bool:
        return not await scalar(runtime, "SELECT EXISTS (SELECT 1 FROM waiting_keys)")

    await until(none, "no waiting key")


async def journaled(runtime: Runtime) -> list[str]:
    found = await rows(
        runtime, "SELECT CAST(body AS jsonb) AS body FROM outbox WHERE type = 'journal.entry' ORDER BY id"
    )
    return [row["body"]["kind"] for row in found]


async def test_poison_parks_its_key_while_others_go_on_and_is_replayed_in_order(lab: Lab) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    await plant(receiver, "a", "poison", 3)

    await write(sender, *"aaaaa", *"bbb")
    await settled(receiver, {"a": [1, 2], "b": [1, 2, 3]})
    key = await parked(lab, receiver)

    assert await scalar(receiver, "SELECT attempts FROM waiting_keys") == TRIES
    await write(sender, *"ab")
    await settled(receiver, {"a": [1, 2], "b": [1, 2, 3, 4]})
    await cure(receiver)
    await transact(receiver, waiting.replay, key)

    await settled(receiver, {"a": [1, 2, 3, 4, 5, 6], "b": [1, 2, 3, 4]})
    await no_key_waits(receiver)
    assert await journaled(receiver) == ["parked.replayed"]
    await write(sender, "a")
    await settled(receiver, {"a": [1, 2, 3, 4, 5, 6, 7], "b": [1, 2, 3, 4]})


async def test_what_fails_fewer_times_than_five_heals_by_itself(lab: Lab) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    await plant(receiver, "a", "poison", 1)
    await write(sender, *"aab")

    async def tried_again() -> bool:
        lab.ahead += lab.hour
        return bool(await scalar(receiver, "SELECT attempts >= 2 FROM waiting_keys"))

    await until(tried_again, "a second try")
    await cure(receiver)
    lab.ahead += lab.hour

    await settled(receiver, {"a": [1, 2], "b": [1]})
    await no_key_waits(receiver)


async def test_a_skipped_message_stays_skipped_though_the_bus_hands_it_in_again(lab: Lab) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    await plant(receiver, "a", "poison", 2)
    await write(sender, *"aaa")
    key = await parked(lab, receiver)
    await execute(sender, "UPDATE outbox SET published_at = NULL")
    await all_sent(sender)

    await cure(receiver)
    await transact(receiver, waiting.skip, key)

    await settled(receiver, {"a": [1, 3]})
    await no_key_waits(receiver)
    assert await journaled(receiver) == ["parked.skipped"]
    await execute(sender, "UPDATE outbox SET published_at = NULL")
    await write(sender, "a")
    await settled(receiver, {"a": [1, 3, 4]})


async def test_a_skipped_command_is_answered_so_that_its_case_goes_on(lab: Lab) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    await plant(receiver, "case", "poison", 1)
    await command(sender, lab.receiver, 1)
    await command(sender, lab.receiver, 2)

    await transact(receiver, waiting.skip, await parked(lab, receiver))

    await settled(receiver, {"case": [2]})
    found = await rows(
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
            Record(events_topic(lab.sender), "probe/c", {}, b"says nothing of itself"),
        ]
    )
    await write(sender, *"abcd")

    await settled(receiver, {"d": [1]})

    async def three() -> bool:
        lab.ahead += lab.hour
        return bool(await scalar(receiver, "SELECT count(*) = 3 FROM waiting_keys WHERE parked_at IS NOT NULL"))

    await until(three, "three parked keys")
    for found in await rows(receiver, "SELECT id FROM waiting_keys"):
        await transact(receiver, waiting.skip, found["id"])
    await no_key_waits(receiver)
    taken = await effects(receiver)
    assert taken == {"a": [1], "b": [1], "c": [1], "d": [1]}


def _record(lab: Lab, key: str, body: bytes) -> Record:
    row: dict[str, Any] = {
        "event_id": uuid.uuid4(),
        "topic": events_topic(lab.sender),
        "subject": f"probe/{key}",
        "type": Happened.type,
        "source": f"/holdfast/{lab.sender}",
        "sequence": 1,
        "time": lab.clock(),
        "cause": None,
        "traceparent": None,
        "body": "{}",
    }
    record = encode(row)
    return Record(record.topic, record.key, record.headers, body)


async def test_a_database_that_is_used_wrongly_is_poison_and_not_an_outage(lab: Lab) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    await plant(receiver, "a", "wrong use", 1)

    await write(sender, *"ab")

    await settled(receiver, {"b": [1]})
    assert await parked(lab, receiver)


@pytest.mark.parametrize("whose", ["receiver", "sender"])
async def test_a_database_outage_parks_nothing_and_loses_nothing(lab: Lab, whose: str) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    writing = await lab.connect(probe(lab.sender))
    await write(writing, *"ab")
    await settled(receiver, {"a": [1], "b": [1]})

    await write(writing, *("ab" * 20))
    await command(writing, lab.receiver, 1)
    with capture_logs() as logs:
        async with lab.outage(receiver if whose == "receiver" else sender):
            await _paused(logs)
            if whose == "receiver":
                await write(writing, *("ab" * 20))
    if whose == "sender":
        await write_when_back(writing, "ab" * 20)

    await settled(receiver, {"a": range(1, 42), "b": range(1, 42), "case": [1]})
    assert not await rows(receiver, "SELECT 1 FROM waiting_keys")
    assert await scalar(receiver, "SELECT count(*) FROM outbox WHERE type = 'command.answered'") == 1


async def _paused(logs: Sequence[Any]) -> None:
    async def seen() -> bool:
        return any(entry["event"] in ("consumer.paused", "relay.paused") for entry in logs)

    await until(seen, "somebody who noticed the outage")


async def write_when_back(runtime: Runtime, keys: str) -> None:
    """The first connection of the pool may still be one that broke."""

    async def back() -> bool:
        try:
            return bool(await scalar(runtime, "SELECT true"))
        except Exception:
            return False

    await until(back, "a database that answers")
    await write(runtime, *keys)


async def test_a_connection_that_breaks_in_the_middle_of_a_handler_parks_nothing(lab: Lab) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    await plant(receiver, "a", "slow")
    await plant(receiver, "case", "slow")
    await write(sender, *"aaaa")
    for n in (1, 2, 3):
        await command(sender, lab.receiver, n)

    async def broken() -> bool:
        return bool(
            await scalar(
                sender,
                """
                SELECT count(pg_terminate_backend(pid)) > 0 FROM pg_stat_activity
                WHERE datname = :database AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()
                """,
                database=make_url(receiver.database.url).database,
            )
        )

    for _ in range(3):
        await until(broken, "a handler whose connection can be broken")

    await settled(receiver, {"a": [1, 2, 3, 4], "case": [1, 2, 3]})
    assert not await rows(receiver, "SELECT 1 FROM waiting_keys")


# -- what is never poison ----------------------------------------------------------------------------------------------


@asynccontextmanager
async def _a_row_that_is_locked(receiver: Replica) -> AsyncIterator[None]:
    connection = await asyncpg.connect(receiver.database.url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT 1 FROM faults WHERE kind = 'locked' FOR UPDATE")
            yield
    finally:
        await connection.close()


@asynccontextmanager
async def _work_that_is_too_slow(receiver: Replica) -> AsyncIterator[None]:
    yield
    await cure(receiver)


@asynccontextmanager
async def _somebody_who_locks_in_the_opposite_order(receiver: Replica) -> AsyncIterator[None]:
    connection = await asyncpg.connect(receiver.database.url)

    async def lock() -> None:
        await connection.execute("SELECT pg_advisory_lock($1)", SECOND_LOCK)
        while True:  # each time that the receiver has let go of the first, it will come back for it
            with suppress(asyncpg.DeadlockDetectedError):  # on a laden machine it may be this one that is given up
                async with connection.transaction():
                    await connection.execute("SELECT pg_advisory_xact_lock($1)", FIRST_LOCK)
            await connection.execute("SELECT pg_sleep(0.01)")

    locking = asyncio.create_task(lock())
    try:
        yield
    finally:
        locking.cancel()
        await asyncio.wait([locking])
        connection.terminate()


Cause = Callable[[Replica], AbstractAsyncContextManager[None]]
CAUSES: dict[str, tuple[str, Cause]] = {
    "locked": ("55P03", _a_row_that_is_locked),
    "too slow": ("57014", _work_that_is_too_slow),
    "deadlock": ("40P01", _somebody_who_locks_in_the_opposite_order),
}


async def _handed_back(receiver: Replica, state: str, times: int) -> bool:
    """Whether the bus was given the error that often; fails at once where it is taken for a fault of the message."""
    assert not await rows(receiver, "SELECT error FROM waiting_keys")
    return [sqlstate(error) for error in receiver.raised].count(state) >= times


@pytest.mark.parametrize("kind", CAUSES)
async def test_lock_timeouts_statement_timeouts_and_deadlocks_pause_their_consumer_and_are_never_poison(
    lab: Lab, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus, "PAUSES", (0.05,))  # it is how often that counts, and the test should end soon
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    await plant(receiver, "a", kind, 2)
    state, cause = CAUSES[kind]

    async with cause(receiver):
        await write(sender, *"aaa")
        await until(lambda: _handed_back(receiver, state, 1), f"a consumer that pauses for {state}")
        await write(sender, *"bb")
        await command(sender, lab.receiver, 1)
        await all_sent(sender)
        await until(lambda: _handed_back(receiver, state, TRIES + 1), f"{state} more often than poison is tried")

        # What came later to the same topic waits, its key whatever; what came to another topic does not.
        assert await effects(receiver) == {"a": [1], "case": [1]}

    await settled(receiver, {"a": [1, 2, 3], "b": [1, 2], "case": [1]})
    assert not await rows(receiver, "SELECT 1 FROM waiting_keys")


async def test_an_error_of_the_database_does_not_count_when_a_waiting_key_is_tried_again(lab: Lab) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    await plant(receiver, "a", "poison", 1)
    await write(sender, *"aa")

    async def waits() -> bool:
        return bool(await scalar(receiver, "SELECT EXISTS (SELECT 1 FROM waiting_keys)"))

    await until(waits, "a key that waits")
    with capture_logs() as logs:
        await execute(receiver, "UPDATE faults SET kind = 'too slow'")
        lab.ahead += lab.hour
        await until(lambda: _timed_out(logs, 1), "a statement timeout")
        before = await scalar(receiver, "SELECT attempts FROM waiting_keys")
        await until(lambda: _timed_out(logs, TRIES), f"{TRIES} statement timeouts")
    assert await scalar(receiver, "SELECT attempts FROM waiting_keys") == before

    await cure(receiver)
    await settled(receiver, {"a": [1, 2]})
    await no_key_waits(receiver)


async def _timed_out(logs: Sequence[Any], times: int) -> bool:
    return [entry.get("error") for entry in logs].count("QueryCanceledError") >= times


async def test_who_idles_in_a_transaction_for_over_5_s_loses_its_locks_and_a_freeze_goes_on(template: None) -> None:
    url = await postgres.fresh_database("idle", TEMPLATE)
    ours, freeze = open_database(url), await asyncpg.connect(url)
    await freeze.execute("INSERT INTO aggregates VALUES ('a', 1)")

    async def idle() -> None:
        async with ours.connect() as connection, connection.transaction():
            await connection.execute("UPDATE aggregates SET n = 2")
            async with asyncio.timeout(20):  # after 5 s, later only where the machine is laden
                await freeze.execute("UPDATE aggregates SET n = n + 10")
            await connection.execute("SELECT 1")

    try:
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)) as lost:
            await idle()
        assert is_transient(lost.value)  # a handler to which it happens is tried again
        assert await freeze.fetchval("SELECT n FROM aggregates") == 11
        async with ours.connect() as another:
            assert await another.fetchval("SELECT n FROM aggregates") == 11
    finally:
        await freeze.close()
        await ours.close()
        await postgres.drop_database(url)


async def test_too_many_parked_keys_stop_the_consumers_and_the_service_is_not_ready(lab: Lab) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    await execute(
        receiver,
        """
        INSERT INTO waiting_keys (id, topic, key, attempts, next_try_at, parked_at, error)
        SELECT gen_random_uuid(), 'none', CAST(n AS text), 5, now(), now(), 'planted'
        FROM generate_series(1, :count) AS n
        """,
        count=PARKED_LIMIT + 1,
    )
    await count_parked(receiver)
    assert any(fault.startswith("parked:") for fault in await not_ready(receiver))

    with capture_logs() as logs:
        await write(sender, "a")
        await _paused(logs)
    assert await effects(receiver) == {}

    await execute(receiver, "DELETE FROM waiting_keys WHERE key = '1'")
    await count_parked(receiver)
    assert not any(fault.startswith("parked:") for fault in await not_ready(receiver))
    await settled(receiver, {"a": [1]})


async def test_a_departure_behind_a_parked_message_of_another_kind_raises_the_alarm(lab: Lab) -> None:
    receiver = await lab.start_receiver()
    await execute(
        receiver,
        """
        WITH key AS (
            INSERT INTO waiting_keys (id, topic, key, attempts, next_try_at, parked_at, type, error)
            VALUES (gen_random_uuid(), 'none', 'employee/1', 5, now(), now(), 'employee.changed', 'planted')
            RETURNING id
        )
        INSERT INTO waiting_messages (key_id, headers, body)
        SELECT id, jsonb_build_object('ce_type', type), '' FROM key, unnest(ARRAY['employee.changed', 'employee.left']) AS type
        """,
    )
    await asyncio.gather(count_parked(receiver), count_parked(receiver))
    assert REGISTRY.get_sample_value("holdfast_alarm", {"service": lab.receiver, "kind": "parked_departure"}) == 1
