"""Import brings status, ids of other systems and contacts, and takes nothing that is another's."""

from tests.services.clients.test_importing import imported, row
from tests.services.clients.town import BASE, town


async def test_an_imported_row_brings_status_expected_value_and_ids_of_other_systems() -> None:
    async with town("anna") as here:
        whole = row("c-1", status="prospect", expected_value="7", external_ids={"crm": "1"}, contacts=[{"name": "E"}])
        assert await imported(here, whole) == [("created", None)]
        shown = await here.house.ok("service", "GET", f"{BASE}/clients/crm~1")
        assert (shown["status"], shown["expected_value"]) == ("prospect", "7.00")
        changed = {**whole, "name": "Changed", "external_ids": {"crm": "2"}, "status": "closed"}
        assert await imported(here, changed) == [("updated", None)]
        now = await here.house.ok("service", "GET", f"{BASE}/clients/crm~2")
        assert (now["status"], now["contacts"]) == ("closed", shown["contacts"])
        assert (await here.house.call("service", "GET", f"{BASE}/clients/crm~1")).status_code == 404


async def test_an_id_of_another_system_that_is_taken_refuses_the_row_and_no_other() -> None:
    async with town("anna") as here:
        rows = [
            row("c-1", external_ids={"crm": "1"}),
            row("c-2", external_ids={"crm": "1", "erp": "2"}),
            row("c-3", external_ids={"erp": "2"}),
        ]
        first = [("created", None), ("refused", "external_id_taken"), ("created", None)]
        assert await imported(here, rows[0]) == first[:1]
        assert await imported(here, *rows[1:]) == [("refused", "external_id_taken"), ("refused", "external_id_taken")]
        assert await imported(here, rows[2]) == [("created", None)]
        assert await imported(here, row("c-1", name="B", external_ids={"erp": "2"})) == [
            ("refused", "external_id_taken")
        ]
        assert (await here.house.ok("service", "GET", f"{BASE}/clients/c-1"))["external_ids"] == {"crm": "1"}


async def test_what_other_systems_say_meanwhile_is_kept_by_an_import() -> None:
    async with town("anna") as here:
        await imported(here, row("c-1", external_ids={"crm": "1"}))
        await here.house.ok("service", "PATCH", f"{BASE}/clients/c-1", json={"external_ids": {"erp": "9"}})
        assert await imported(here, row("c-1", name="B", external_ids={"crm": "1"})) == [("updated", None)]
        assert (await here.house.ok("service", "GET", f"{BASE}/clients/c-1"))["external_ids"] == {
            "crm": "1",
            "erp": "9",
        }
