"""What a database does wrong pauses a consumer for a while, and never counts against a message."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs

from shared import bus
from shared.database import get_sqlstate, is_transient, open_database
from shared.outbox.retries import MAX_ATTEMPTS
from shared.service import Runtime
from tests.support import postgres
from tests.support.lab import (
    TEMPLATE,
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
from tests.support.postgres import create_database
from tests.support.probe import FIRST_LOCK, SECOND_LOCK, ProbeReplica, make_probe_service


@pytest.mark.parametrize("whose", ["receiver", "sender"])
async def test_a_database_outage_parks_nothing_and_loses_nothing(lab: Lab, whose: str) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    writing = await lab.connect(make_probe_service(lab.sender))
    await make_things_happen(writing, *"ab")
    await wait_for_effects(receiver, {"a": [1], "b": [1]})

    await make_things_happen(writing, *("ab" * 20))
    await send_command(writing, lab.receiver, 1)
    with capture_logs() as logs:
        async with lab.outage(receiver if whose == "receiver" else sender):
            await wait_for_pause(logs)
            if whose == "receiver":
                await make_things_happen(writing, *("ab" * 20))
    if whose == "sender":
        await write_when_back(writing, "ab" * 20)

    await wait_for_effects(receiver, {"a": range(1, 42), "b": range(1, 42), "case": [1]})
    assert not await fetch_rows(receiver, "SELECT 1 FROM waiting_keys")
    assert await fetch_value(receiver, "SELECT count(*) FROM outbox WHERE type = 'command.answered'") == 1


async def write_when_back(runtime: Runtime, keys: str) -> None:
    """The first connection of the pool may still be one that broke."""

    async def back() -> bool:
        try:
            return bool(await fetch_value(runtime, "SELECT true"))
        except Exception:
            return False

    await wait_until(back, "a database that answers")
    await make_things_happen(runtime, *keys)


async def test_a_connection_that_breaks_in_the_middle_of_a_handler_parks_nothing(lab: Lab) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    await plant_fault(receiver, "a", "slow")
    await plant_fault(receiver, "case", "slow")
    await make_things_happen(sender, *"aaaa")
    for n in (1, 2, 3):
        await send_command(sender, lab.receiver, n)

    async def broken() -> bool:
        return bool(
            await fetch_value(
                sender,
                """
                SELECT count(pg_terminate_backend(pid)) > 0 FROM pg_stat_activity
                WHERE datname = :database AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()
                """,
                database=make_url(receiver.database.url).database,
            )
        )

    for _ in range(3):
        await wait_until(broken, "a handler whose connection can be broken")

    await wait_for_effects(receiver, {"a": [1, 2, 3, 4], "case": [1, 2, 3]})
    assert not await fetch_rows(receiver, "SELECT 1 FROM waiting_keys")


# -- what is never poison ----------------------------------------------------------------------------------------------


@asynccontextmanager
async def _a_row_that_is_locked(receiver: ProbeReplica) -> AsyncIterator[None]:
    connection = await asyncpg.connect(receiver.database.url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT 1 FROM faults WHERE kind = 'locked' FOR UPDATE")
            yield
    finally:
        await connection.close()


@asynccontextmanager
async def _work_that_is_too_slow(receiver: ProbeReplica) -> AsyncIterator[None]:
    yield
    await remove_faults(receiver)


@asynccontextmanager
async def _somebody_who_locks_in_the_opposite_order(receiver: ProbeReplica) -> AsyncIterator[None]:
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


Cause = Callable[[ProbeReplica], AbstractAsyncContextManager[None]]
CAUSES: dict[str, tuple[str, Cause]] = {
    "locked": ("55P03", _a_row_that_is_locked),
    "too slow": ("57014", _work_that_is_too_slow),
    "deadlock": ("40P01", _somebody_who_locks_in_the_opposite_order),
}


async def _handed_back(receiver: ProbeReplica, state: str, times: int) -> bool:
    """Whether the bus was given the error that often; fails at once where it is taken for a fault of the message."""
    assert not await fetch_rows(receiver, "SELECT error FROM waiting_keys")
    return [get_sqlstate(error) for error in receiver.raised].count(state) >= times


@pytest.mark.parametrize("kind", CAUSES)
async def test_lock_timeouts_statement_timeouts_and_deadlocks_pause_their_consumer_and_are_never_poison(
    lab: Lab, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus, "RETRY_PAUSES", (0.05,))  # it is how often that counts, and the test should end soon
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    await plant_fault(receiver, "a", kind, 2)
    state, cause = CAUSES[kind]

    async with cause(receiver):
        await make_things_happen(sender, *"aaa")
        await wait_until(lambda: _handed_back(receiver, state, 1), f"a consumer that pauses for {state}")
        await make_things_happen(sender, *"bb")
        await send_command(sender, lab.receiver, 1)
        await wait_for_empty_outbox(sender)
        await wait_until(
            lambda: _handed_back(receiver, state, MAX_ATTEMPTS + 1), f"{state} more often than poison is tried"
        )

        # What came later to the same topic waits, its key whatever; what came to another topic does not.
        assert await list_effects(receiver) == {"a": [1], "case": [1]}

    await wait_for_effects(receiver, {"a": [1, 2, 3], "b": [1, 2], "case": [1]})
    assert not await fetch_rows(receiver, "SELECT 1 FROM waiting_keys")


async def test_an_error_of_the_database_does_not_count_when_a_waiting_key_is_tried_again(lab: Lab) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    await plant_fault(receiver, "a", "poison", 1)
    await make_things_happen(sender, *"aa")

    async def waits() -> bool:
        return bool(await fetch_value(receiver, "SELECT EXISTS (SELECT 1 FROM waiting_keys)"))

    await wait_until(waits, "a key that waits")
    with capture_logs() as logs:
        await execute_in_service(receiver, "UPDATE faults SET kind = 'too slow'")
        lab.ahead += lab.hour
        await wait_until(lambda: _timed_out(logs, 1), "a statement timeout")
        before = await fetch_value(receiver, "SELECT attempts FROM waiting_keys")
        await wait_until(lambda: _timed_out(logs, MAX_ATTEMPTS), f"{MAX_ATTEMPTS} statement timeouts")
    assert await fetch_value(receiver, "SELECT attempts FROM waiting_keys") == before

    await remove_faults(receiver)
    await wait_for_effects(receiver, {"a": [1, 2]})
    await wait_for_no_waiting_key(receiver)


async def _timed_out(logs: Sequence[Any], times: int) -> bool:
    return [entry.get("error") for entry in logs].count("QueryCanceledError") >= times


async def test_who_idles_in_a_transaction_for_over_5_s_loses_its_locks_and_a_freeze_goes_on(template: None) -> None:
    url = await create_database("idle", TEMPLATE)
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
