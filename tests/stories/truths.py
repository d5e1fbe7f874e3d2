"""The six truths of product.md, looked at while a story is told: cheap ones in every step, all of them in every rest."""

import json
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from services.clients.journal.rules import grow_frontier
from services.clients.journal.store import LEAF_COLUMNS
from tests.stories.crash_points import CrashingHouse
from tests.support.house import House

IN_NO_HANDS = """
    SELECT client_id, a.employee_id, a.status, a.frozen FROM clients c
    LEFT JOIN people o ON o.employee_id = c.owner_id
    LEFT JOIN people a ON a.employee_id = coalesce(o.stand_in_id, c.owner_id)
    WHERE NOT coalesce(o.unowned, false)
      AND (a.employee_id IS NULL OR a.frozen OR a.status IS NULL OR a.status NOT IN ('active', 'resigned'))
"""
UNOWNED = "SELECT client_id FROM clients JOIN people ON employee_id = owner_id WHERE unowned ORDER BY 1"
WORKED_ON_BY_FROZEN = """
    SELECT s.order_id, s.name, s.employee_id FROM stages s JOIN people p USING (employee_id)
    WHERE s.open AND p.frozen AND s.status <> 'held' AND NOT EXISTS (
        SELECT 1 FROM passes JOIN orders o USING (client_id)
        WHERE passes.employee_id = s.employee_id AND o.order_id = s.order_id AND begun AND NOT ended)
"""
FROZEN = "SELECT employee_id FROM people WHERE frozen OR status = 'left' ORDER BY 1"
FORGOTTEN = """
    SELECT employee_id FROM people JOIN grounds USING (employee_id, employment_id) WHERE ended_at IS NULL AND NOT frozen
"""
# Who is free, though the newest word of `clients` on them in this employment says frozen.
TAKEN_BACK = """
    SELECT employee_id FROM people JOIN (
        SELECT DISTINCT ON (subject) type, CAST(body AS jsonb) AS told FROM outbox
        WHERE type IN ('access.frozen', 'access.unfrozen') ORDER BY subject, id DESC) newest
    ON told ->> 'employee_id' = employee_id AND told ->> 'employment_id' = employment_id
    WHERE type = 'access.frozen' AND NOT frozen
"""
PASSES = """
    SELECT employee_id, client_id FROM passes
    WHERE withdrawn_at IS NULL AND from_time <= :now AND until_time > :now
"""
# A chain: what a change moves from is what the one before moved to. A change that took effect twice breaks it.
BROKEN_CHAINS = """
    SELECT client_id, kind, from_id, to_id FROM (
        SELECT client_id, kind, from_id, to_id, id,
               lag(to_id) OVER (PARTITION BY client_id ORDER BY id) AS before,
               last_value(to_id) OVER (PARTITION BY client_id ORDER BY id
                   ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS newest, owner_id
        FROM history JOIN clients USING (client_id)) h
    WHERE from_id IS DISTINCT FROM before OR newest <> owner_id OR from_id = to_id
"""
OWNED_BY_NOBODYS_HISTORY = "SELECT client_id FROM clients EXCEPT SELECT client_id FROM history"
MISCOUNTED = """
    SELECT owner_id, p.clients, c.n FROM portfolios p
    FULL JOIN (SELECT owner_id, count(*) AS n FROM clients GROUP BY 1) c USING (owner_id)
    WHERE coalesce(p.clients, 0) <> coalesce(c.n, 0)
"""
ENTRIES = "SELECT CAST(body AS jsonb) ->> 'kind' AS kind, count(*) AS entries FROM outbox WHERE type = 'journal.entry' GROUP BY 1"
LEAVES = "SELECT kind, count(*) AS leaves FROM journal_entries GROUP BY 1"
HASHES = f"SELECT sha256('\\x00'::bytea || convert_to(leaf_text({LEAF_COLUMNS}), 'UTF8')) AS hash FROM journal ORDER BY index"
UNJOURNALED = "SELECT id FROM history WHERE leaf NOT IN (SELECT leaf FROM journal_entries)"
COMMANDS = "SELECT body FROM outbox WHERE topic LIKE '%.commands'"
ANSWERS = "SELECT body FROM outbox WHERE type = 'command.answered'"
TWICE_IN_A_CASE = """
    SELECT 'task ' || kind AS what, case_id, count(*) FROM tasks GROUP BY 1, 2 HAVING count(*) > 1
    UNION ALL SELECT 'introduction ' || client_id, case_id, count(*) FROM introductions
              WHERE status <> 'refused' GROUP BY 1, 2 HAVING count(*) > 1
    UNION ALL SELECT 'open visit ' || client_id, case_id, count(*) FROM visits
              WHERE status = 'open' GROUP BY 1, 2 HAVING count(*) > 1
"""
TOLD = """
    SELECT type, body FROM outbox WHERE type IN ('task.opened', 'task.due', 'task.overdue', 'visit.opened',
                                                 'offboarding.started', 'offboarding.cleared')
"""
UNCLOSED = """
    SELECT employee_id FROM cases JOIN people USING (employee_id, employment_id)
    WHERE cases.status IN ('open', 'needs_person') AND undo IN ('', 'refused')
"""
BOUND = """
    SELECT employee_id FROM people JOIN grounds USING (employee_id, employment_id)
    WHERE kind = 'departure' AND ended_at IS NULL AND (frozen OR status = 'left')
"""
STUCK = "SELECT topic, key, type, error FROM waiting_keys"
# What only grows: the rows by which service, none of which may change or go.
GROWS: Mapping[str, Mapping[str, str]] = {
    "staff": {
        "employments": "SELECT employment_id AS id, employee_id, hired_on FROM employments",
        "life_changes": "SELECT * FROM life_changes",
    },
    "clients": {
        "clients": "SELECT client_id AS id FROM clients",
        "history": """
            SELECT h.id, client_id, h.kind, from_id, to_id, h.at, h.by_id, case_id, h.reason,
                   CASE WHEN e.id IS NULL THEN leaf END AS leaf
            FROM history h LEFT JOIN erasures e ON e.kind = 'client' AND e.id = h.client_id""",
        "stand_ins": "SELECT * FROM stand_ins",
        "journal": f"SELECT id, {LEAF_COLUMNS} FROM journal_entries",
        "grounds": "SELECT employee_id || employment_id || kind || ref AS id, since FROM grounds",
    },
    "orders": {
        "orders": "SELECT order_id AS id, client_id FROM orders",
        "grounds": "SELECT employee_id || employment_id || kind || ref AS id, since FROM grounds",
    },
    "offboarding": {
        "cases": "SELECT id, employee_id, opened_at FROM cases",
        "timeline": "SELECT * FROM timeline",
        "plans": "SELECT case_id || '/' || version AS id, objective FROM plans",
        "tasks": "SELECT id, case_id, kind FROM tasks",
        "visits": "SELECT id, case_id, client_id FROM visits",
        "introductions": "SELECT id, case_id, client_id FROM introductions",
        "proofs": "SELECT id, proof FROM tasks WHERE status <> 'open'",
    },
}


class TruthChecker:
    """Remembers what was, to see that it still is."""

    def __init__(self) -> None:
        self.past: dict[tuple[str, str], dict[Any, Any]] = {}

    async def look(self, house: House) -> None:
        """Truth 1, and what nobody frozen works on; in every step."""
        assert not await house.rows("clients", IN_NO_HANDS), "truth 1: a client without an owner who works here"
        assert not await house.rows("orders", WORKED_ON_BY_FROZEN), "truth 2: a frozen person has work in hand"

    async def examine(self, house: CrashingHouse) -> None:
        """All six, when the house has come to rest."""
        await self.look(house)
        async with house.aside():
            await _no_client_is_lost(house)
            await _the_frozen_are_refused(house)
        await self.read(house)

    async def read(self, house: House) -> None:
        """What the rows of the four databases say, wherever they are, when nothing is under way."""
        await self.look(house)
        for service in house.names:
            stuck = await house.rows(service, STUCK)
            assert not stuck, f"truth 3: a message failed in {service}: {stuck}"
        for service in ("clients", "orders"):
            assert not await house.rows(service, FORGOTTEN), f"truth 2: {service} has forgotten a freeze"
        assert not await house.rows("clients", TAKEN_BACK), "truth 2: an acknowledged freeze ended without a word"
        await _everything_once(house)
        await _changes_are_journaled(house)
        await _the_tree_is_of_the_leaves(house)
        await _no_failure_unfreezes(house)
        await self._history_only_grows(house)

    async def _history_only_grows(self, house: House) -> None:
        """But for free text, which an erasure empties, and what leads from an erased client into the journal."""
        acts = [await house.rows(service, "SELECT 1 FROM erasures") for service in ("staff", "clients")]
        emptied = ("reason", "proof", "leaf") if any(acts) else ()
        for service, tables in GROWS.items():
            for table, sql in tables.items():
                present = {row["id"]: row for row in await house.rows(service, sql)}
                past = self.past.get((service, table), {})
                changed = [id for id, row in past.items() if not _is_still(present.get(id), row, emptied)]
                truth = 4 if table == "journal" else 6
                assert not changed, f"truth {truth}: {service}.{table} lost or changed {len(changed)} rows"
                self.past[service, table] = present


def _is_still(present: Mapping[str, Any] | None, past: Mapping[str, Any], emptied: Collection[str]) -> bool:
    return present is not None and all(
        present[name] == value or (name in emptied and present[name] is None) for name, value in past.items()
    )


async def _no_client_is_lost(house: House) -> None:
    unowned = [row["client_id"] for row in await house.rows("clients", UNOWNED)]
    listed = (
        await house.ok(("director", "dora"), "GET", "/clients/v1/clients?unowned=true") if unowned else {"items": []}
    )
    assert [client["id"] for client in listed["items"]] == unowned, "truth 1: an unowned client is not listed"


async def _the_frozen_are_refused(house: House) -> None:
    """Each of them, each client, each action; but for what a pass allows."""
    frozen = [row["employee_id"] for row in await house.rows("clients", FROZEN)]
    passes = {(row["employee_id"], row["client_id"]) for row in await house.rows("clients", PASSES, now=house.clock())}
    clients = [row["client_id"] for row in await house.rows("clients", "SELECT client_id FROM clients")]
    asked = [
        {"employee_id": employee, "client_id": client, "action": action}
        for employee in frozen
        for client in clients
        for action in ("read", "list", "export", "contact", "edit")
        if (employee, client) not in passes
    ]
    for first in range(0, len(asked), 1000):
        part = asked[first : first + 1000]
        answer = await house.ok("service", "POST", "/clients/v1/access/checks", json={"checks": part})
        admitted = [check for check, result in zip(part, answer["results"], strict=True) if result["allowed"]]
        assert not admitted, f"truth 2: {len(admitted)} times admitted, first {admitted[:1]}"


async def _everything_once(house: House) -> None:
    assert not await house.rows("clients", BROKEN_CHAINS), "truth 3: a change of owner took effect twice, or not at all"
    assert not await house.rows("clients", OWNED_BY_NOBODYS_HISTORY), "truth 3: an owner without a history"
    assert not await house.rows("clients", MISCOUNTED), "truth 3: a portfolio is counted wrongly"
    asked = [json.loads(row["body"])["command_id"] for row in await house.rows("offboarding", COMMANDS)]
    answers = [
        json.loads(row["body"])["command_id"]
        for service in ("clients", "orders")
        for row in await house.rows(service, ANSWERS)
    ]
    assert len(set(asked)) == len(asked), "truth 3: a command was sent twice"
    assert len(set(answers)) == len(answers), "truth 3: a command was answered twice"
    if not house.down:
        assert set(asked) == set(answers), "truth 3: a command without an answer"
    twice = await house.rows("offboarding", TWICE_IN_A_CASE)
    assert not twice, f"truth 3: done twice in a case: {twice}"
    told = [(row["type"], _subject(row["body"])) for row in await house.rows("offboarding", TOLD)]
    assert len(set(told)) == len(told), f"truth 3: told twice: {Counter(told).most_common(1)}"


def _subject(body: str) -> str:
    data = json.loads(body)
    what = data.get("task_id") or data.get("visit_id") or data["case_id"]
    return f"{what} {data.get('assignee_id')} {data.get('due_on')}"  # of whom and of when is told anew where it changed


async def _changes_are_journaled(house: House) -> None:
    assert not await house.rows("clients", UNJOURNALED), "truth 4: a change of owner is not in the journal"
    journaled = {
        row["id"]
        for row in await house.rows(
            "clients",
            "SELECT DISTINCT s.id FROM journal_entries j JOIN surrogates s ON s.kind = 'employee' AND s.surrogate = j.employee"
            " WHERE j.kind LIKE 'access.%'",
        )
    }
    still_named = "SELECT DISTINCT employee_id FROM grounds EXCEPT SELECT id FROM erasures WHERE kind = 'employee'"
    frozen = {row["employee_id"] for row in await house.rows("clients", still_named)}
    assert frozen <= journaled, "truth 4: a freeze is not in the journal"
    leaves = {row["kind"]: row["leaves"] for row in await house.rows("clients", LEAVES)}
    for service in house.names:
        for row in await house.rows(service, ENTRIES):
            leaves[row["kind"]] = leaves.get(row["kind"], 0) - row["entries"]
    assert min(leaves.values()) >= 0, f"truth 4: not in the journal as often as sent to it: {leaves}"
    unsent = await house.scalar("orders", "SELECT count(*) FROM outbox WHERE published_at IS NULL")
    assert not unsent, "truth 4: something was not sent on"


async def _the_tree_is_of_the_leaves(house: House) -> None:
    leaves = [row["hash"] for row in await house.rows("clients", HASHES)]
    (kept,) = await house.rows("clients", "SELECT size, frontier FROM journal_tree")
    assert kept["size"] == len(leaves), "truth 4: a leaf has gone from the journal, or come in beside the tree"
    assert kept["frontier"] == b"".join(grow_frontier((), 0, leaves)), "truth 4: the journal was changed"


async def _no_failure_unfreezes(house: House) -> None:
    """Whatever failed in an open case: its leaver is frozen everywhere, and not on another ground alone."""
    leavers = {row["employee_id"] for row in await house.rows("offboarding", UNCLOSED)}
    for service in ("clients", "orders"):
        bound = {row["employee_id"] for row in await house.rows(service, BOUND)}
        assert leavers <= bound, f"truth 5: in {service} somebody is free whose case is open"
