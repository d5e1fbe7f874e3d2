"""What was really used, as CRM, mail and telephony report it: each item once, the wrong ones named, kept for a time."""

import asyncio
import json
from datetime import UTC, timedelta
from typing import Any

from services.clients.usage import store
from services.clients.usage.handlers import delete_expired_usage
from tests.services.clients.town import BASE, Town, town

KEPT = "SELECT employee_id, client_id, action, rows, system FROM usage ORDER BY at, client_id"


def used(here: Town, employee: str = "anna", client: str = "c-1", action: str = "read", **said: Any) -> dict[str, Any]:
    """An item of a report; `ago` says how long ago it was, in hours."""
    at = here.house.clock() - timedelta(hours=said.pop("ago", 1))
    return {
        "employee_id": employee,
        "client_id": client,
        "action": action,
        "at": at.isoformat(),
        "system": "crm",
        **said,
    }


async def report(here: Town, *items: dict[str, Any], **request: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await here.house.ok(
        ("service", "crm"), "POST", f"{BASE}/usage", json={"items": list(items)}, **request
    )
    return answer


async def test_a_report_is_kept_and_what_is_wrong_in_it_is_named() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        answer = await report(
            here,
            used(here, action="export", rows=250),
            used(here, "nobody"),
            used(here, client="c-9"),
            used(here, "ben", ago=-1),
            used(here, "ben", ago=401 * 24),
            used(here, "ben", ago=399 * 24, system="mail"),
        )
        assert answer == {
            "recorded": 2,
            "repeated": 0,
            "refused": [
                {"item": 1, "reason": "unknown_employee"},
                {"item": 2, "reason": "unknown_client"},
                {"item": 3, "reason": "in_the_future"},
                {"item": 4, "reason": "too_old"},
            ],
        }
        kept = await here.house.rows("clients", KEPT)
        assert [tuple(row.values()) for row in kept] == [
            ("ben", "c-1", "read", 1, "mail"),
            ("anna", "c-1", "export", 250, "crm"),
        ]


async def test_a_clock_that_is_a_little_ahead_is_no_reason_to_refuse() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        assert (await report(here, used(here, ago=-4 / 60)))["recorded"] == 1
        assert (await report(here, used(here, ago=-6 / 60)))["refused"] == [{"item": 0, "reason": "in_the_future"}]


async def test_the_same_item_twice_counts_once_by_its_id_or_by_all_of_it() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        plain, named = used(here), used(here, id="42", action="export")
        assert (await report(here, plain, plain, named))["repeated"] == 1
        elsewhere = plain | {"at": plain["at"].replace("+00:00", "Z")}
        later = named | {"at": used(here, ago=0)["at"]}  # the same item of the CRM, whatever else is said of it now
        assert await report(here, elsewhere, later) == {"recorded": 0, "repeated": 2, "refused": []}
        assert (await report(here, named | {"system": "mail"}, plain | {"rows": 2}))["recorded"] == 2
        assert await here.house.scalar("clients", "SELECT count(*) FROM usage") == 4


async def test_what_was_reported_before_two_clients_became_one_counts_once_when_it_is_reported_again() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna", external_ids={"crm": "7"})
        await here.client("c-2", "anna")
        plain, named, other = used(here), used(here, ago=2, id="u-1"), used(here, client="crm~7", ago=3)
        await report(here, plain, named, other)
        await here.house.ok("director", "POST", f"{BASE}/clients/c-1/merge", json={"into_id": "c-2"})
        assert await report(here, plain, named, other) == {"recorded": 0, "repeated": 3, "refused": []}
        assert await report(here, used(here, ago=4)) == {"recorded": 1, "repeated": 0, "refused": []}


async def test_two_who_report_the_same_at_the_same_time_are_one() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        items = [used(here, ago=number) for number in range(1, 201)]
        answers = await asyncio.gather(*(report(here, *part) for part in (items, items[::-1], items)))
        assert sum(answer["recorded"] for answer in answers) == 200
        assert await here.house.scalar("clients", "SELECT count(*) FROM usage") == 200


async def test_the_same_key_gives_the_same_answer_again() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        items, key = [used(here), used(here, "nobody")], {"headers": {"Idempotency-Key": "k-1"}}
        first = await report(here, *items, **key)
        assert first["recorded"] == 1
        assert await report(here, *items, **key) == first


async def test_each_system_is_kept_with_its_first_and_its_last_report() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        for ago in (5, 50, 20):
            await report(here, used(here, ago=ago), used(here, "nobody", ago=ago, system="mail"))
        (row,) = await here.house.rows("clients", "SELECT * FROM usage_systems")
        hours = [(here.house.clock() - row[name]) / timedelta(hours=1) for name in ("since", "last")]
        assert (row["system"], [round(number) for number in hours]) == ("crm", [50, 5])


async def test_only_services_report() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        body = {"items": [used(here)]}
        for role in ("employee", "hr", "sales_head", "director", "ops", "auditor"):
            assert (await here.house.call((role, "anna"), "POST", f"{BASE}/usage", json=body)).status_code == 403
        assert await here.house.scalar("clients", "SELECT count(*) FROM usage") == 0


async def test_a_report_of_others_is_never_in_the_journal() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        before = await here.house.scalar("clients", "SELECT count(*) FROM journal_entries")
        await report(here, used(here))
        assert await here.house.scalar("clients", "SELECT count(*) FROM journal_entries") == before


async def test_what_is_old_is_forgotten_and_the_journal_says_how_much() -> None:
    async with town("anna", usage_keep=30) as here:
        await here.client("c-1", "anna")
        await report(here, *(used(here, ago=24 * days) for days in (1, 10, 20, 29)))
        runtime = here.house.runtime("clients")
        assert not await delete_expired_usage(runtime)
        here.house.clock.move(days=15)
        assert not await delete_expired_usage(runtime)
        kept = await here.house.rows("clients", "SELECT at FROM usage ORDER BY at DESC")
        assert [(here.house.clock() - row["at"].astimezone(UTC)).days for row in kept] == [16, 25]
        told = await here.house.ok("auditor", "GET", f"{BASE}/journal")
        (leaf,) = [entry for entry in told["items"] if entry["kind"] == "usage.forgotten"]
        assert leaf["details"] == {"rows": 2, "days": 30}
        assert not await delete_expired_usage(runtime)
        assert len((await here.house.ok("auditor", "GET", f"{BASE}/journal"))["items"]) == len(told["items"])


async def test_much_that_is_old_is_forgotten_in_batches(monkeypatch: Any) -> None:
    monkeypatch.setattr(store, "DELETE_BATCH_SIZE", 2)
    async with town("anna") as here:
        await here.client("c-1", "anna")
        await report(here, *(used(here, ago=number) for number in range(5)))
        here.house.clock.move(days=401)
        await here.house.settle()
        assert await here.house.scalar("clients", "SELECT count(*) FROM usage") == 0
        leaves = await here.house.rows(
            "clients", "SELECT details FROM journal_entries WHERE kind = 'usage.forgotten' ORDER BY id"
        )
        assert [leaf["details"]["rows"] for leaf in leaves] == [2, 2, 1]


async def test_two_replicas_that_forget_at_the_same_time_tell_of_each_row_once() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        await report(here, *(used(here, ago=number / 10) for number in range(500)))
        here.house.clock.move(days=403)
        runtime = here.house.runtime("clients")
        await asyncio.gather(*(delete_expired_usage(runtime) for _ in range(4)))
        assert await here.house.scalar("clients", "SELECT count(*) FROM usage") == 0
        told = "SELECT sum(CAST(details->>'rows' AS int)) FROM journal_entries WHERE kind = 'usage.forgotten'"
        assert await here.house.scalar("clients", told) == 500


async def test_an_import_names_clients_as_other_systems_do() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna", external_ids={"crm": "7"})
        item = used(here)
        rows = [item | {"client_id": name} for name in ("crm~7", "c-1", "crm~8")]
        body = "\n".join(json.dumps(row) for row in rows).encode()
        answer = await here.house.call("ops", "POST", f"{BASE}/imports?kind=usage", content=body)
        said = [json.loads(line) for line in answer.text.splitlines()]
        assert [(one["outcome"], one["reason"]) for one in said] == [
            ("created", None),
            ("unchanged", None),
            ("refused", "unknown_client"),
        ]
        assert await here.house.scalar("clients", "SELECT client_id FROM usage") == "c-1"


async def test_an_import_says_of_each_line_what_became_of_it() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        item = used(here)
        rows = [item, {"line": 70, "data": item | {"id": "1"}}, item, used(here, "nobody"), item | {"rows": -1}, 7]
        body = "\n".join(json.dumps(row) for row in rows).encode()

        async def imported(**params: Any) -> list[tuple[int, str, str | None]]:
            request = {"params": {"kind": "usage", **params}, "content": body}
            answer = await here.house.call("ops", "POST", f"{BASE}/imports", **request)
            assert answer.status_code == 200, answer.text
            return [tuple(json.loads(line).values()) for line in answer.text.splitlines()]

        refused = [(4, "refused", "unknown_employee"), (5, "refused", "invalid: rows")]
        refused += [(6, "refused", "invalid: unknown fields")]
        first = [(1, "created", None), (3, "unchanged", None), *refused, (70, "created", None)]
        assert [outcome for _, outcome, _ in await imported(dry_run=True)].count("created") >= 2
        assert await here.house.scalar("clients", "SELECT count(*) FROM usage") == 0
        assert await imported() == first
        assert [outcome for _, outcome, _ in await imported()] == ["unchanged"] * 2 + ["refused"] * 3 + ["unchanged"]
