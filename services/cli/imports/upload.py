"""Sends rows to the import doors of the services, and again those that refer to what a service has not heard of yet."""

import asyncio
import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from services.cli.imports.files import BadRow
from services.cli.imports.rows import ImportRow
from services.cli.system import System

SERVICE_OF = {
    "departments": "staff",
    "employees": "staff",
    "clients": "clients",
    "orders": "orders",
    **dict.fromkeys(("interactions", "feedback", "team", "contacts", "usage"), "clients"),
}

IDENTITY_FIELDS = {"team": ("client_id", "function"), "contacts": ("client_id", "id")}  # of the others the id alone
BATCH_ROWS = 5_000
BATCH_BYTES = 16_000_000  # half of what a door accepts
PATIENCE = 15  # seconds that rows wait for what they refer to
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0  # seconds between two tries
RETRIED_REASONS = frozenset(
    {"unknown_employee", "unknown_client", "unknown_department", "unknown_manager", "unknown_deputy", "unknown_head"}
)

"""Refusals that may pass: what a row refers to stands further down, or is on its way from another service."""

OWNER_REFUSALS = frozenset({"unknown_employee", "not_employed", "frozen"})

"""Refusals of an owner who does not work here; whoever has left is frozen too."""

RefusedRows = list[tuple[ImportRow, str]]

"""Rows whose refusal may pass, each with its reason."""

_encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True)
class Batch:
    """Rows as NDJSON."""

    count: int
    body: bytes

    def rows(self, lines: Container[int]) -> list[ImportRow]:
        """The rows of these lines."""
        found = (ImportRow(**json.loads(text)) for text in self.body.splitlines())
        return [row for row in found if row.line in lines]


@dataclass
class ImportReport:
    """What became of the rows: `created`, `updated`, `unchanged`, `refused`, each row in one of them.

    `orphans` were given to somebody else than their row says; the heads of `headless_department_ids` are not known yet.
    """

    counts: Counter[str] = field(default_factory=Counter)
    refused: list[BadRow] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    headless_department_ids: list[str] = field(default_factory=list)

    def refuse(self, line: int, reason: str) -> None:
        self.counts["refused"] += 1
        self.refused.append(BadRow(line, reason))


@dataclass(frozen=True)
class Upload:
    """One import of one kind of thing."""

    system: System
    kind: str
    dry_run: bool = False
    orphans_to: str | None = None
    report: ImportReport = field(default_factory=ImportReport)
    sent: Callable[[int], None] = lambda rows: None
    orphans: dict[int, str] = field(default_factory=dict)  # by line: clients that go to `orphans_to`
    workers: int = 1  # more than one where the order of the rows does not matter

    async def run(self, rows: Iterable[ImportRow | BadRow]) -> ImportReport:
        """Sends all rows. Raises CallRefused, httpx.TransportError, and what reading the rows raises."""
        return await self.run_batches(split_into_batches(self._select_rows(rows)))

    async def run_batches(self, found: Iterator[Batch]) -> ImportReport:
        """The same for rows that are put together already."""
        await self.system.settle()
        later = await self._resend_patiently(await self._send_all(found))
        if self.kind == "departments":
            later = await self._send_without_heads(later)
        if self.orphans_to is not None:
            later = await self._send_to_other_owner(later)
        for row, reason in later:
            self.report.refuse(row.line, reason)
        self.report.refused.sort(key=lambda refusal: refusal.line)
        return self.report

    async def _resend(self, rows: Iterable[ImportRow]) -> RefusedRows:
        return await self._send_all(split_into_batches(rows))

    async def _send_all(self, found: Iterator[Batch]) -> RefusedRows:
        """Sends batch after batch; returns the rows whose refusal may pass, with its reason."""
        later: RefusedRows = []
        reading = asyncio.Lock()

        async def work() -> None:
            while True:
                async with reading:
                    batch = await asyncio.to_thread(next, found, None)
                if batch is None:
                    return
                later.extend(await self._send(batch))

        await asyncio.gather(*(work() for _ in range(self.workers)))
        return later

    def _select_rows(self, rows: Iterable[ImportRow | BadRow]) -> Iterator[ImportRow]:
        """Each id once: if rows of one id took turns, every run of the file would change something."""
        seen: dict[tuple[Any, ...], bytes] = {}
        for row in rows:
            if isinstance(row, BadRow):
                self.report.refuse(row.line, row.reason)
                continue
            said = hashlib.blake2b(_encode_json(row.data).encode(), digest_size=16).digest()
            identity = tuple(row.data.get(name) for name in IDENTITY_FIELDS.get(self.kind, ("id",)))
            if None not in identity and seen.setdefault(identity, said) != said:
                self.report.refuse(row.line, "repeated_id")
            elif self.kind == "clients" and "owner_id" not in row.data:
                yield self._give_away(row)
            else:
                yield row

    def _give_away(self, row: ImportRow) -> ImportRow:
        self.orphans[row.line] = row.data["id"]
        return replace(row, data={**row.data, "owner_id": self.orphans_to})

    async def _resend_patiently(self, later: RefusedRows) -> RefusedRows:
        """Sends again while that helps; and where messages may still be on their way, until they should have come."""
        until, pause = time.monotonic() + PATIENCE, FIRST_PAUSE
        while later:
            await self.system.settle()
            still = await self._resend(row for row, _ in later)
            if len(still) == len(later):
                if self.system.embedded or self.dry_run or time.monotonic() > until:
                    return still
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            later = still
        return later

    async def _send_without_heads(self, later: RefusedRows) -> RefusedRows:
        """Departments come before the employees who head them: they wait for their head, not their head for them."""
        headed = [row for row, _ in later if "head_id" in row.data]
        still = await self._resend(replace(row, data={**row.data, "head_id": None}) for row in headed)
        lines = {row.line for row, _ in still}
        self.report.headless_department_ids += [row.data["id"] for row in headed if row.line not in lines]
        return still + [(row, reason) for row, reason in later if "head_id" not in row.data]

    async def _send_to_other_owner(self, later: RefusedRows) -> RefusedRows:
        still = await self._resend(self._give_away(row) for row, reason in later if reason in OWNER_REFUSALS)
        return still + [(row, reason) for row, reason in later if reason not in OWNER_REFUSALS]

    async def _send(self, batch: Batch) -> RefusedRows:
        """Sends one batch and notes its results; returns the rows whose refusal may pass, with its reason."""
        passing = RETRIED_REASONS | (OWNER_REFUSALS if self.orphans_to else frozenset())
        results = await send_batch(self.system, self.kind, batch.body, dry_run=self.dry_run)
        self.report.counts.update(result["outcome"] for result in results if result["outcome"] != "refused")
        waiting: dict[int, str] = {}
        for result in results:
            if result["outcome"] == "created" and result["line"] in self.orphans:
                self.report.orphans.append(self.orphans[result["line"]])
            elif result["outcome"] == "refused":
                reason = result["reason"] or "refused"
                if reason in passing:
                    waiting[result["line"]] = reason
                else:
                    self.report.refuse(result["line"], reason)
        self.sent(batch.count - len(waiting))
        return [(row, waiting[row.line]) for row in batch.rows(waiting)] if waiting else []


async def send_batch(system: System, kind: str, body: bytes, *, dry_run: bool = False) -> list[Mapping[str, Any]]:
    """One call of an import door: the result of each row. Raises CallRefused, httpx.TransportError."""
    answer = await system.call(
        "POST",
        f"/{SERVICE_OF[kind]}/v1/imports",
        "hr",
        "service",
        sub="import",
        params={"kind": kind, "dry_run": dry_run},
        content=body,
        headers={"Content-Type": "application/x-ndjson"},
    )
    results: list[Mapping[str, Any]] = json.loads(b"[" + answer.content.strip().replace(b"\n", b",") + b"]")
    return results


def split_into_batches(rows: Iterable[ImportRow]) -> Iterator[Batch]:
    """The rows in order, each batch within what a door accepts."""
    lines: list[bytes] = []
    size = 0
    for row in rows:
        line = _encode_json({"line": row.line, "data": row.data}).encode() + b"\n"
        if lines and (len(lines) == BATCH_ROWS or size + len(line) > BATCH_BYTES):
            yield Batch(len(lines), b"".join(lines))
            lines, size = [], 0
        lines.append(line)
        size += len(line)
    if lines:
        yield Batch(len(lines), b"".join(lines))
