"""What an auditor does: takes checkpoints and proofs, exports the journal, and verifies it without us."""

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services.clients.journal.handlers import append_pending_entries
from services.clients.journal.rules import hash_leaf, verify_inclusion
from services.clients.proofs.handlers import create_checkpoint_if_grown, send_checkpoints
from services.clients.proofs.rules.checkpoints import Checkpoint, parse_checkpoint_if_signed_by, split_notes
from services.clients.proofs.rules.verification import verify_export
from services.clients.proofs.store import LEAF_DATA_SQL, PAGE_BYTES, list_page_of_leaves
from tests.services.clients.town import BASE, Town, town
from tests.support.merkle_verification import verify_consistency


async def ask(here: Town, path: str, status: int = 200, **params: Any) -> Any:
    answer = await here.house.call("auditor", "GET", f"{BASE}/journal/{path}", params=params)
    assert answer.status_code == status, answer.text
    return (
        answer.json()
        if "json" in answer.headers["content-type"] and "ndjson" not in answer.headers["content-type"]
        else answer.content
    )


async def work(here: Town, decisions: int = 3) -> list[str]:
    """Somebody's day; the ids of its decisions."""
    ids = []
    for _ in range(decisions):
        check = {"employee_id": "anna", "client_id": "c-1", "action": "read"}
        ids.append((await here.house.ok("service", "POST", f"{BASE}/access/check", json=check))["decision_id"])
    await here.house.settle()
    return ids


def verdict(exported: bytes, key: str, checkpoints: list[str] | None = None) -> Any:
    return verify_export(exported.splitlines(keepends=True), key, checkpoints or [])


def shown(found: Any) -> list[tuple[str, int | None, int | None]]:
    return [(fault.kind, fault.first, fault.last) for fault in found.faults]


async def administer(here: Town, *statements: str) -> None:
    """What somebody does who may write to the database."""
    async with here.house.runtime("clients").database.connect() as connection:
        for sql in statements:
            await connection.execute(sql)


async def test_a_checkpoint_is_signed_and_says_what_the_tree_is_now() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        await work(here)
        key = (await ask(here, "key"))["key"]
        found = await ask(here, "checkpoint")
        said = parse_checkpoint_if_signed_by(found["note"], key)
        assert said == Checkpoint("holdfast/journal", found["size"], b64decode(found["root"]))
        assert await ask(here, "checkpoint") == found
        await work(here)
        assert (await ask(here, "checkpoint"))["size"] == found["size"] + 3


async def test_a_decision_is_proven_to_be_in_the_journal() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        ids = await work(here, 20)
        key = (await ask(here, "key"))["key"]
        for decision_id in ids:
            found = await ask(here, "proofs/inclusion", decision_id=decision_id)
            leaf = hash_leaf(found["data"].encode())
            assert json.loads(found["data"])["leaf"] == decision_id.removesuffix(".0")
            assert b64decode(found["leaf_hash"]) == leaf
            proof, root = [b64decode(node) for node in found["proof"]], b64decode(found["root"])
            assert verify_inclusion(leaf, found["index"], found["size"], proof, root)
            said = parse_checkpoint_if_signed_by(found["checkpoint"], key)
            assert said is not None
            assert (said.size, said.root) == (found["size"], root)
        older = await ask(here, "proofs/inclusion", decision_id=ids[0], size=found["size"] - 5)
        assert older["size"] == found["size"] - 5


async def test_what_cannot_be_proven_is_refused_with_the_reason() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        ids = await work(here, 2)
        await ask(here, "proofs/inclusion", 404, decision_id="0198c0de-0000-7000-8000-000000000000.0")
        for wrong in ("", "c-1", "0198c0de.0", ids[0] + "x"):
            await ask(here, "proofs/inclusion", 422, decision_id=wrong)
        assert (await ask(here, "proofs/inclusion", 422, decision_id=ids[1], size=1))["reason"] == "not_in_that_tree"
        assert (await ask(here, "proofs/inclusion", 422, decision_id=ids[1], size=10**6))["reason"] == "no_such_tree"
        assert (await ask(here, "proofs/consistency", 422, **{"from": 3, "to": 2}))["reason"] == "no_such_tree"
        check = {"employee_id": "anna", "client_id": "c-1", "action": "read"}
        waiting = (await here.house.ok("service", "POST", f"{BASE}/access/check", json=check))["decision_id"]
        assert (await ask(here, "proofs/inclusion", 409, decision_id=waiting))["reason"] == "not_yet_appended"


async def test_a_later_journal_is_proven_to_begin_with_every_earlier_one() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        kept = []
        for _ in range(4):
            await work(here, 3)
            kept.append(await ask(here, "checkpoint"))
        for older in kept:
            for newer in kept:
                if older["size"] <= newer["size"]:
                    found = await ask(here, "proofs/consistency", **{"from": older["size"], "to": newer["size"]})
                    assert (found["from_root"], found["to_root"]) == (older["root"], newer["root"])
                    proof = [b64decode(node) for node in found["proof"]]
                    roots = b64decode(older["root"]), b64decode(newer["root"])
                    assert verify_consistency(older["size"], newer["size"], *roots, proof)


async def test_the_whole_journal_is_exported_and_verified_offline() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        outside = []
        for _ in range(3):
            await work(here, 5)
            outside.append((await ask(here, "checkpoint"))["note"])
        key, exported = (await ask(here, "key"))["key"], await ask(here, "export")
        found = verdict(exported, key, outside)
        assert found.good
        assert found.checkpoints >= 3
        part = await ask(here, "export", **{"from": 4, "to": 11})
        assert verify_export(part.splitlines(keepends=True), key, outside, is_part=True).good
        assert [fault[0] for fault in shown(verdict(part, key, outside))] == ["shorter"]
        assert sum(line.startswith(b'{"leaf":') for line in part.splitlines()) == 7


async def test_entries_that_name_very_many_are_exported_a_few_at_a_time() -> None:
    """Each of these takes 4 MB as it is hashed."""
    async with town("anna") as here:
        await here.client("c-1", "anna")
        await work(here)
        await administer(
            here,
            f"""INSERT INTO journal_pending (leaf, at, kind, actor, employee, action, clients)
            SELECT gen_random_uuid(), '{here.house.clock().isoformat()}', 'access.listed', surrogate, surrogate, 'read',
                   (SELECT array_agg(gen_random_uuid()) FROM generate_series(1, 100000) WHERE n > 0)
            FROM generate_series(1, 12) n, surrogates WHERE id = 'anna'""",
        )
        await here.house.settle()
        outside = await ask(here, "checkpoint")
        page = await here.house.runtime("clients").transact(list_page_of_leaves, 0, outside["size"])
        assert 0 < max(page) < outside["size"] - 1
        assert sum(map(len, page.values())) < 4 * PAGE_BYTES
        key = (await ask(here, "key"))["key"]
        assert verdict(await ask(here, "export"), key, [outside["note"]]).good
        about = await ask(here, "export", employee_id="anna")
        assert verdict(about, key).good
        assert about.count(b"access.listed") == 12


async def test_an_export_of_a_time_holds_all_of_it() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        await work(here, 2)
        here.house.clock.move(hours=1)
        since = here.house.clock().isoformat()
        ids = await work(here, 3)
        here.house.clock.move(hours=1)
        until = here.house.clock().isoformat()
        await work(here, 2)
        exported = await ask(here, "export", since=since, until=until)
        leaves = [json.loads(line)["leaf"] for line in exported.splitlines() if line.startswith(b'{"leaf":')]
        assert leaves == [decision_id.removesuffix(".0") for decision_id in ids]
        assert verdict(exported, (await ask(here, "key"))["key"]).good


async def test_what_concerns_one_employee_or_client_is_exported_each_entry_with_its_proof() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        await here.client("c-2", "ben")
        await work(here, 4)
        await here.check("ben", "c-2")
        await here.house.settle()
        key = (await ask(here, "key"))["key"]
        for named, count in (({"employee_id": "anna"}, 5), ({"client_id": "c-2"}, 2), ({"employee_id": "nobody"}, 0)):
            exported = await ask(here, "export", **named)
            assert verdict(exported, key).good
            assert len(exported.splitlines()) == count + 2
            assert json.loads(exported.splitlines()[-1]) == {"end": count}


async def test_the_entries_of_a_client_are_exported_by_what_another_system_calls_it() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna", external_ids={"crm": "7"})
        await work(here, 4)
        exported = await ask(here, "export", client_id="crm~7")
        assert exported.splitlines()[1:] == (await ask(here, "export", client_id="c-1")).splitlines()[1:]
        assert len(exported.splitlines()) == 7


async def test_looking_at_the_journal_is_in_the_journal() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        await ask(here, "export")
        await ask(here, "export", employee_id="anna")
        entries = (await here.house.ok("auditor", "GET", f"{BASE}/journal"))["items"]
        assert [(entry["kind"], entry["employee_id"]) for entry in entries[:2]] == [
            ("journal.exported", "anna"),
            ("journal.exported", None),
        ]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ("UPDATE journal SET reason = 'frozen' WHERE index = 2", "changed"),
        ("UPDATE journal SET at = at + interval '1 second' WHERE index = 2", "changed"),
        ("DELETE FROM journal WHERE index = 2", "missing"),
        ("UPDATE journal SET employee = gen_random_uuid() WHERE index = 2", "changed"),
    ],
)
async def test_a_change_in_the_database_shows_at_its_place(change: str, kind: str) -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        await work(here, 5)
        key, note = (await ask(here, "key"))["key"], (await ask(here, "checkpoint"))["note"]
        await administer(here, change)
        assert shown(verdict(await ask(here, "export"), key, [note])) == [(kind, 2, 2)]


async def test_a_change_together_with_its_kept_hash_shows_by_the_checkpoint() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        await work(here, 5)
        key, note = (await ask(here, "key"))["key"], (await ask(here, "checkpoint"))["note"]
        await administer(here, "UPDATE journal SET reason = 'frozen' WHERE index = 2")
        (changed,) = await here.house.rows("clients", f"SELECT {LEAF_DATA_SQL} FROM journal WHERE index = 2")
        hash = hash_leaf(changed["data"]).hex()
        await administer(here, f"UPDATE journal_tiles SET hashes = overlay(hashes PLACING '\\x{hash}' FROM 65)")
        found = shown(verdict(await ask(here, "export"), key, [note]))
        assert {kind for kind, _, _ in found} == {"disagrees", "contradicts"}


async def test_a_history_that_was_hashed_anew_shows_by_a_checkpoint_from_outside() -> None:
    """The administrator changes an entry and lets the service build the tree again from what is there."""
    async with town("anna") as here:
        await here.client("c-1", "anna")
        await work(here, 5)
        key, outside = (await ask(here, "key"))["key"], (await ask(here, "checkpoint"))["note"]
        columns = "id, leaf, at, kind, actor, employee, client, action, reason, system, employees, clients, details"
        await administer(
            here,
            "UPDATE journal SET reason = 'frozen' WHERE index = 3",
            f"INSERT INTO journal_pending ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM journal ORDER BY index",
            "DELETE FROM journal",
            "DELETE FROM journal_tiles",
            "DELETE FROM checkpoints",
            "UPDATE journal_months SET next = first",
            "UPDATE journal_tree SET size = 0, frontier = ''",
        )
        await here.house.settle()
        exported = await ask(here, "export")
        assert verdict(exported, key).good
        found = verdict(exported, key, [outside])
        assert not found.good
        assert found.faults


async def test_checkpoints_go_outside_by_themselves_once_each(tmp_path: Path) -> None:
    file = tmp_path / "checkpoints.txt"
    async with town("anna", checkpoint_file=file) as here:
        await here.client("c-1", "anna")
        await work(here)
        await work(here)
        await here.house.settle()
        sent = split_notes(file.read_text())
        key = (await ask(here, "key"))["key"]
        sizes = [said.size for note in sent if (said := parse_checkpoint_if_signed_by(note, key))]
        assert len(sizes) == len(sent) >= 1
        assert sizes == sorted(set(sizes))
        assert verdict(await ask(here, "export"), key, sent).good


async def test_a_hash_that_was_changed_in_the_database_shows() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        await work(here, 5)
        key, note = (await ask(here, "key"))["key"], (await ask(here, "checkpoint"))["note"]
        await administer(here, "UPDATE journal_tiles SET hashes = overlay(hashes PLACING '\\x0000' FROM 65)")
        assert ("changed", 2, 2) in shown(verdict(await ask(here, "export"), key, [note]))


@pytest.mark.parametrize(
    "change", ["DELETE FROM journal_tiles", "UPDATE journal_tiles SET hashes = substr(hashes, 1, 40)"]
)
async def test_hashes_that_were_taken_from_the_database_are_missed(change: str) -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        ids = await work(here, 5)
        await administer(here, change)
        for path, query in (
            ("export", {}),
            ("proofs/inclusion", {"decision_id": ids[0]}),
            ("proofs/consistency", {"from": 2, "to": 5}),
        ):
            assert (await ask(here, path, 409, **query))["reason"] == "hashes_missing"


async def test_a_checkpoint_that_could_not_be_sent_is_sent_later(tmp_path: Path) -> None:
    file = tmp_path / "there" / "checkpoints.txt"
    async with town("anna", checkpoint_file=file) as here:
        await here.client("c-1", "anna")
        runtime = here.house.runtime("clients")
        await append_pending_entries(runtime)
        await create_checkpoint_if_grown(runtime)
        alarm = runtime.metrics.alarm.labels("clients", "checkpoint_file")
        assert not await send_checkpoints(runtime)
        assert alarm._value.get() == 1
        file.parent.mkdir()
        assert await send_checkpoints(runtime)
        assert alarm._value.get() == 0
        assert not await send_checkpoints(runtime)
        assert len(split_notes(file.read_text())) == 1


@asynccontextmanager
async def witness(status: int = 204) -> AsyncIterator[tuple[str, list[str]]]:
    """A web server that keeps what is posted to it: its address, and what it got."""
    got: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        got.append((await reader.readexactly(length)).decode())
        writer.write(f"HTTP/1.1 {status} Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/checkpoints", got


async def test_checkpoints_are_posted_to_a_witness() -> None:
    async with witness() as (address, got), town("anna", checkpoint_webhook=address) as here:
        await here.client("c-1", "anna")
        await work(here)
        runtime = here.house.runtime("clients")
        await create_checkpoint_if_grown(runtime)
        await send_checkpoints(runtime)
        assert not await send_checkpoints(runtime)
        sent = [note for text in got for note in split_notes(text)]
        assert len(sent) >= 1
        assert verdict(await ask(here, "export"), (await ask(here, "key"))["key"], sent).given_agree == len(sent)


async def test_one_place_that_is_down_keeps_nothing_from_the_other(tmp_path: Path) -> None:
    file = tmp_path / "checkpoints.txt"
    async with (
        witness(status=503) as (address, got),
        town("anna", checkpoint_file=file, checkpoint_webhook=address) as here,
    ):
        await here.client("c-1", "anna")
        runtime = here.house.runtime("clients")
        await append_pending_entries(runtime)
        await create_checkpoint_if_grown(runtime)
        assert await send_checkpoints(runtime)
        assert not await send_checkpoints(runtime)
        assert len(got) == 2
        assert len(split_notes(file.read_text())) == 1
        alarm = runtime.metrics.alarm.labels("clients", "checkpoint_webhook")
        assert alarm._value.get() == 1
        alarm.set(0)
