"""What happens at the same time comes out as if it had happened one after the other."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from itertools import count, cycle
from typing import Any

import asyncpg

from shared.contracts.clients import ClientMove, TransferClients
from tests.services.clients.town import BASE, Town, town
from tests.support.lab import WITHIN, wait_until

WITHOUT_OWNER = """
    SELECT c.client_id FROM clients c JOIN people o ON o.employee_id = c.owner_id
    LEFT JOIN people h ON h.employee_id = coalesce(o.stand_in_id, c.owner_id)
    WHERE h.frozen OR h.status NOT IN ('active', 'resigned') OR h.employee_id IS NULL
"""
BROKEN_CHAINS = """
    SELECT h.client_id FROM (
        SELECT client_id, from_id, lag(to_id) OVER (PARTITION BY client_id ORDER BY id) AS before FROM history
    ) h WHERE h.from_id IS DISTINCT FROM h.before
"""
WRONG_COUNTS = """
    SELECT owner_id FROM portfolios p
    WHERE clients <> (SELECT count(*) FROM clients c WHERE c.owner_id = p.owner_id)
"""
WRONG_OWNERS = """
    SELECT c.client_id FROM clients c
    WHERE owner_id <> (SELECT to_id FROM history h WHERE h.client_id = c.client_id ORDER BY id DESC LIMIT 1)
    OR version <> (SELECT count(*) FROM history h WHERE h.client_id = c.client_id)
"""


async def consistent(here: Town) -> None:
    for sql in (BROKEN_CHAINS, WRONG_COUNTS, WRONG_OWNERS):
        assert await here.house.rows("clients", sql) == []


async def test_a_client_created_in_the_instant_of_the_freeze_has_an_owner_who_may_act() -> None:
    leavers = [f"e-{number}" for number in range(8)]
    async with town("ben", *leavers) as here:

        async def create(owner: str, number: int) -> int:
            body = {"id": f"{owner}.{number}", "name": "C", "owner_id": owner}
            return (await here.house.call("service", "POST", f"{BASE}/clients", json=body)).status_code

        for leaver in leavers:
            statuses = await asyncio.gather(
                create(leaver, 1), create(leaver, 2), here.resign(leaver, "ben"), create(leaver, 3), create(leaver, 4)
            )
            assert {status for status in statuses if isinstance(status, int)} <= {201, 409}
            assert await create(leaver, 5) == 409
        assert await here.house.rows("clients", WITHOUT_OWNER) == []
        for event in await here.house.sent("clients", "access.frozen"):
            assert event.data.clients == await here.house.scalar(
                "clients", "SELECT count(*) FROM clients WHERE owner_id = :id", id=event.data.employee_id
            )
        await consistent(here)


async def test_of_conflicting_transfers_each_client_ends_with_exactly_one_owner() -> None:
    heirs = [f"e-{number}" for number in range(6)]
    async with town("anna", *heirs) as here:
        lines = "\n".join(f'{{"id":"c-{number}","name":"C","owner_id":"anna"}}' for number in range(60))
        await here.house.call("service", "POST", f"{BASE}/imports?kind=clients", content=lines.encode())
        clients = [f"c-{number}" for number in range(60)]
        outcomes = await asyncio.gather(
            *(
                here.transfer(*[(client, "anna", heir) for client in (clients if number % 2 else clients[::-1])])
                for number, heir in enumerate(heirs)
            )
        )
        for index, client in enumerate(clients):
            places = [index if number % 2 else 59 - index for number in range(len(heirs))]
            won = [heir for heir, result, place in zip(heirs, outcomes, places, strict=True) if result[place] == "done"]
            assert len(won) == 1
            assert await here.owner(client) == won[0]
        await consistent(here)


async def test_a_transfer_to_somebody_in_the_instant_of_their_freeze_leaves_nothing_without_an_owner() -> None:
    leavers = [f"e-{number}" for number in range(6)]
    async with town("anna", "ben", *leavers) as here:
        for number in range(12):
            await here.client(f"c-{number}", "anna")
        for number, leaver in enumerate(leavers):
            moves = [(f"c-{place}", "anna", leaver) for place in (2 * number, 2 * number + 1)]
            await asyncio.gather(here.transfer(*moves), here.resign(leaver, "ben"))
        assert await here.house.rows("clients", WITHOUT_OWNER) == []
        await consistent(here)


async def test_a_case_and_a_hand_that_move_the_same_clients_do_not_break_the_history() -> None:
    async with town("anna", "ben", "carl") as here:
        clients = [f"c-{number}" for number in range(20)]
        for client in clients:
            await here.client(client, "anna")
        command = TransferClients(
            command_id="case-1/transfer/1",
            case_id="case-1",
            epoch=1,
            employee_id="anna",
            items=[ClientMove(client_id=client, from_id="anna", to_id="ben") for client in clients],
        )
        await asyncio.gather(
            here.deliver(command, source="offboarding"),
            *(here.transfer(*[(client, "anna", "carl") for client in clients[start::2]]) for start in (0, 1)),
        )
        await consistent(here)


async def test_two_leavers_who_are_each_others_deputies_freeze_at_the_same_time() -> None:
    pairs = [(f"a-{number}", f"b-{number}") for number in range(4)]
    async with town("carl", *(person for pair in pairs for person in pair)) as here:
        for one, other in pairs:
            await here.client(f"c-{one}", one)
            await here.client(f"c-{other}", other)
            await asyncio.gather(here.resign(one, other, "carl"), here.resign(other, one, "carl"))
            assert [await here.owner(f"c-{person}") for person in (one, other)] == ["carl", "carl"]


async def test_once_a_freeze_is_acknowledged_no_check_admits() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        seen: list[tuple[bool, str]] = []
        asked, frozen = asyncio.Event(), asyncio.Event()

        async def keep_asking() -> None:
            after = 0
            while after < 10:
                acknowledged = frozen.is_set()  # before the check begins
                seen.append((acknowledged, await here.check("anna", "c-1")))
                asked.set()
                after += acknowledged

        async def freeze() -> None:
            await asked.wait()
            await here.resign("anna", "ben")
            frozen.set()

        await asyncio.gather(freeze(), *(keep_asking() for _ in range(4)))
        assert {reason for acknowledged, reason in seen if acknowledged} == {"frozen"}
        assert "owner" in {reason for acknowledged, reason in seen if not acknowledged} <= {"owner", "frozen"}


# What this person did or tried to do to clients, and their freeze, in the order in which it happened.
JOURNALED = """
    SELECT j.kind, j.reason FROM journal_entries j JOIN surrogates s ON s.kind = 'employee' AND s.id = :id
    WHERE (j.actor = s.surrogate OR j.kind = 'access.frozen' AND j.employee = s.surrogate)
    AND j.kind IN ('client.accessed', 'team.placed', 'client.transferred', 'access.frozen') ORDER BY j.id
"""


async def test_an_effect_of_the_leaver_commits_before_the_freeze_or_not_at_all() -> None:
    async with town("ben") as here:
        await here.department("north", head="anna")
        await here.hire("anna", "carl", "dora", department_id="north")
        for number in range(9):
            await here.client(f"c-{number}", "dora" if number >= 6 else "anna")
        house, anna = here.house, (["employee", "sales_head"], "anna")
        done: Counter[str] = Counter()
        refusals: dict[str, set[tuple[int, str]]] = {"patch": set(), "place": set(), "transfer": set()}
        acknowledged: list[str] = []
        all_did = asyncio.Event()

        async def until_refused(kind: str, method: str, path: str, bodies: Iterator[Any]) -> None:
            while (answer := await house.call(anna, method, f"{BASE}/{path}", json=next(bodies))).is_success:
                assert kind != "transfer" or answer.json()["done"] == 1
                done[kind] += 1
                if len(done) == len(refusals):
                    all_did.set()
            refusals[kind].add((answer.status_code, answer.json()["reason"]))

        async def freeze() -> None:
            await all_did.wait()
            await here.resign("anna", "ben")
            acknowledged.extend(await effects())

        async def effects() -> list[str]:
            journaled = await house.rows("clients", JOURNALED, id="anna")
            return [row["kind"] for row in journaled if row["reason"] != "frozen"]

        def to_and_fro(client: str) -> Iterator[Any]:
            for one, other in cycle([("dora", "carl"), ("carl", "dora")]):
                yield {"items": [{"client_id": client, "from_id": one, "to_id": other}], "reason": "x"}

        two = [{"employee_id": "ben"}, {"employee_id": "carl"}]
        await asyncio.wait_for(
            asyncio.gather(
                freeze(),
                *(
                    until_refused("patch", "PATCH", f"clients/c-{n}", ({"name": f"{i}"} for i in count()))
                    for n in range(3)
                ),
                *(until_refused("place", "PUT", f"clients/c-{n}/team/sales", cycle(two)) for n in range(3, 6)),
                *(until_refused("transfer", "POST", "transfers", to_and_fro(f"c-{n}")) for n in range(6, 9)),
            ),
            WITHIN,
        )
        assert acknowledged == await effects()  # none was still on its way
        assert acknowledged[-1] == "access.frozen"
        assert Counter(acknowledged[:-1]) == {
            "client.accessed": done["patch"] + done["place"],
            "team.placed": done["place"],
            "client.transferred": done["transfer"],
        }
        tried = await house.rows("clients", JOURNALED, id="anna")
        assert [row["reason"] for row in tried[len(acknowledged) :]] == [
            "frozen"
        ] * 6  # of each client patched or placed
        assert refusals["patch"] == refusals["place"] == {(403, "frozen")}
        assert refusals["transfer"] <= {(403, "frozen")}
        assert await house.rows("clients", BROKEN_CHAINS) == await house.rows("clients", WITHOUT_OWNER) == []


async def test_a_deadlock_is_retried_and_the_caller_hears_nothing_of_it() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        house = here.house
        never_the_victim = {"deadlock_timeout": "60s"}
        hand = await asyncpg.connect(house.urls["clients"], server_settings=never_the_victim)
        waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        try:
            async with hand.transaction():  # the client before the person: the other way round than everybody else
                await hand.execute("SELECT FROM clients WHERE client_id = 'c-1' FOR UPDATE")
                change = asyncio.create_task(
                    house.call(("employee", "anna"), "PATCH", f"{BASE}/clients/c-1", json={"name": "New"})
                )
                await wait_until(partial(house.scalar, "clients", waits), "a change that waits for the client")
                await hand.execute("SELECT FROM people WHERE employee_id = 'anna' FOR UPDATE")
                assert not change.done()
            answer = await change
            await wait_until(partial(hand.fetchval, deadlocks), "the deadlock in the figures of the server")
        finally:
            await hand.close()
        assert (answer.status_code, answer.json()["name"]) == (200, "New")
        assert len(await house.sent("clients", "client.changed")) == 1
        assert [row["kind"] for row in await house.rows("clients", JOURNALED, id="anna")] == ["client.accessed"]


async def test_the_same_registration_at_the_same_time_makes_one_client() -> None:
    async with town("anna") as here:
        answers = await asyncio.gather(*(here.client("c-1", "anna") for _ in range(5)))
        assert all(answer == answers[0] for answer in answers)
        await consistent(here)


async def test_a_pass_counts_to_the_second_by_the_one_clock() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        await here.resign("anna", "ben")
        now = here.house.clock()
        body = {
            "employee_id": "anna",
            "client_id": "c-1",
            "from": now.isoformat(),
            "until": (now + timedelta(hours=1)).isoformat(),
            "purpose": "introduction",
        }
        await here.house.ok("hr", "POST", f"{BASE}/access/passes", json=body)
        assert await here.check("anna", "c-1") == "pass"
        here.house.clock.move(hours=1)
        assert await here.check("anna", "c-1") == "frozen"
