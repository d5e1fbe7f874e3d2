"""When it is computed what hangs on one person alone: for whoever looks, nightly, or on demand, and in nobody's way."""

import asyncio

from services.clients.risks.handlers import recompute_single_threaded_clients, recompute_single_threaded_clients_nightly
from services.clients.risks.store import SMALL_COMPANY_ROWS
from shared.contracts.orders import OrderPlaced, OrderState
from tests.services.clients.test_knowing import meet
from tests.services.clients.test_risks import at_risk, employee, page, recompute
from tests.services.clients.town import BASE, Town, town


async def fill(here: Town) -> None:
    """So much that nobody waits for all of it to be computed."""
    async with here.house.runtime("clients").database.connect() as connection:
        await connection.execute(
            """INSERT INTO interactions (interaction_id, client_id, employee_id, kind, at, by_id)
            SELECT 'i-' || n, 'c-' || n, 'nobody', 'mail', $2, 'crm' FROM generate_series(1, $1) n""",
            SMALL_COMPANY_ROWS + 1,
            here.house.clock(),
        )


async def test_in_a_small_company_whoever_looks_sees_what_is_so_now() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna", value="10")
        assert await at_risk(here) == ["c-1"]
        assert (await employee(here, "anna"))["alone_value"] == "10.00"
        for name in ("anna", "ben"):
            await meet(here, "c-1", name)
        assert (await employee(here, "anna"))["alone_value"] == "0.00"
        assert await at_risk(here) == []


async def test_in_a_large_one_it_is_as_of_the_last_time_that_it_was_computed() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna", value="10")
        assert await at_risk(here) == ["c-1"]
        await here.client("c-2", "anna", value="20")
        await fill(here)
        assert await at_risk(here) == ["c-1"]
        await recompute(here)
        assert await at_risk(here) == ["c-2", "c-1"]


async def test_a_sum_may_have_more_digits_than_each_of_its_parts() -> None:
    most = "9999999999999999.99"
    async with town("anna") as here:
        for client in ("c-1", "c-2"):
            await here.client(client, "anna", value=most)
        await here.client("c-3", "anna")
        for number in range(2):
            state = {"order_id": f"o-{number}", "client_id": "c-3", "flow_id": "f", "value": most, "origin": "own"}
            state |= {"status": "open", "placed_on": here.today, "sequence": 1}
            await here.deliver(OrderPlaced(order=OrderState.model_validate(state)), source="orders")
        found = await page(here, limit=1)
        assert [one["value"] for one in found["items"]] == ["19999999999999999.98"]
        assert (await page(here, limit=1, cursor=found["next_cursor"]))["items"][0]["value"] == most
        assert (await employee(here, "anna"))["alone_value"] == "39999999999999999.96"
        assert (await here.house.ok("director", "GET", f"{BASE}/clients/c-3"))["value"] == "19999999999999999.98"
        assert (await here.house.call("director", "GET", f"{BASE}/export")).status_code == 200


async def test_before_anything_was_computed_nothing_is_claimed() -> None:
    async with town("anna") as here:
        await fill(here)
        assert await page(here) == {"items": [], "next_cursor": None, "computed_at": None}
        found = await employee(here, "anna")
        assert (found["clients"], found["share_of_own"], found["share_of_company"], found["computed_at"]) == (
            0,
            None,
            None,
            None,
        )


async def test_it_is_computed_once_for_each_day_of_the_company() -> None:
    async with town("anna", timezone="Pacific/Auckland") as here:
        runtime = here.house.runtime("clients")
        await here.client("c-1", "anna")
        when = "SELECT at FROM risks_computed"
        await recompute_single_threaded_clients_nightly(runtime)
        first = await here.house.scalar("clients", when)
        await recompute_single_threaded_clients_nightly(runtime)
        assert await here.house.scalar("clients", when) == first
        here.house.clock.move(days=1)
        await recompute_single_threaded_clients_nightly(runtime)
        assert await here.house.scalar("clients", when) > first


async def test_two_do_not_compute_at_once() -> None:
    async with town("anna") as here:
        runtime = here.house.runtime("clients")
        async with runtime.unit_of_work("ops") as work:
            await recompute_single_threaded_clients(work)
            answer = await here.house.call("ops", "POST", f"{BASE}/risk/recompute")
            assert answer.status_code == 409
            await asyncio.wait_for(recompute_single_threaded_clients_nightly(runtime), 5)  # does not wait for the other
        assert (await recompute(here))["changed"] == 0
        for role in ("director", "service", "hr", "sales_head"):
            assert (await here.house.call(role, "POST", f"{BASE}/risk/recompute")).status_code == 403


async def test_computing_holds_up_no_freeze_no_transfer_and_no_reader() -> None:
    async with town("anna", "ben", "carl") as here:
        await here.client("c-1", "anna", value="1")
        await here.client("c-2", "ben", value="1")
        await recompute(here)
        async with here.house.runtime("clients").unit_of_work("ops") as work:
            await meet(here, "c-1", "ben")
            await recompute_single_threaded_clients(work)
            async with asyncio.timeout(3):  # less than anybody waits for a lock
                assert await here.transfer(("c-2", "ben", "carl")) == ["done"]
                await here.resign("anna", "ben")
                assert await at_risk(here) == ["c-1", "c-2"]
