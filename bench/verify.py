"""Verifying an exported journal of 1,000,000 entries from its file, against nothing but hashing the same lines once."""

import tempfile
import time
import tracemalloc
from hashlib import sha256
from pathlib import Path
from statistics import median

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.figures import FigureRow
from services.cli.journal import read_lines
from services.clients.journal.rules import TILE_SIZE, compute_root, grow_frontier, hash_leaf
from services.clients.proofs.rules.checkpoints import format_verifier_key, sign_checkpoint
from services.clients.proofs.rules.export_format import format_range_footer, format_range_header, format_tile
from services.clients.proofs.rules.verdict import Verdict
from services.clients.proofs.rules.verification import verify_export

ENTRIES, RUNS = 1_000_000, 5
KEPT_EVERY = 10_000  # entries between two checkpoints: five minutes at 33 decisions a second
ORIGIN = "holdfast/bench"


def make_leaf(i: int) -> bytes:
    """A decision as it stands in the journal, about 280 bytes."""
    return (
        b'{"leaf":"0199c0de-0000-7000-8000-%012x","at":"2026-11-26T08:00:00.%06dZ","kind":"access.decided",'
        b'"actor":"1b2c3d4e-5f60-4718-9a0b-%012x","employee":"1b2c3d4e-5f60-4718-9a0b-%012x",'
        b'"client":"9a8b7c6d-5e4f-4a3b-8c2d-%012x","action":"read","reason":"owner"}'
    ) % (i, i % 1_000_000, i * 7 % 9973, i * 7 % 9973, i * 31 % 99_991)


def write_journal(path: Path, entries: int) -> str:
    """Writes an exported journal; returns its verifier key."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    verifier = format_verifier_key(ORIGIN, key.public_key())
    frontier: tuple[bytes, ...] = ()
    kept = 0
    with path.open("wb") as file:
        file.write(format_range_header(ORIGIN, verifier, 0, entries, ()))
        for start in range(0, entries, TILE_SIZE):
            leaves = [make_leaf(i) for i in range(start, min(start + TILE_SIZE, entries))]
            hashes = [hash_leaf(data) for data in leaves]
            due = (start // KEPT_EVERY + 1) * KEPT_EVERY
            found = {}
            if start < due <= start + len(leaves):
                then = compute_root(grow_frontier(frontier, start, hashes[: due - start]))
                found = {due: sign_checkpoint(ORIGIN, due, then, key)}
            kept += len(found)
            frontier = grow_frontier(frontier, start, hashes)
            file.write(format_tile(start, start + len(leaves), dict(enumerate(leaves, start)), hashes, found))
        file.write(format_range_footer(entries, sign_checkpoint(ORIGIN, entries, compute_root(frontier), key), kept))
    return verifier


def verify_journal(path: Path, key: str) -> Verdict:
    with path.open("rb") as file:
        return verify_export(read_lines(file, lambda _: None), key, ())


def hash_lines(path: Path) -> None:
    with path.open("rb") as file:
        for line in file:
            sha256(line).digest()


def measure() -> list[FigureRow]:
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        return measure_verification(Path(folder) / "journal.ndjson")


def measure_verification(path: Path) -> list[FigureRow]:
    key = write_journal(path, ENTRIES)
    ours, floor = [], []
    for _ in range(RUNS):
        begun = time.process_time()
        verdict = verify_journal(path, key)
        between = time.process_time()
        hash_lines(path)
        ours.append(between - begun)
        floor.append(time.process_time() - between)
        assert verdict.good
        assert verdict.entries == ENTRIES
    tracemalloc.start()
    verify_journal(path, key)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return [
        FigureRow(
            figure="verify an exported journal, entries/s",
            value=f"{ENTRIES / median(ours):,.0f}",
            against=f"SHA-256 of each line: {ENTRIES / median(floor):,.0f}",
            ratio=round(median(ours) / median(floor), 2),
            aim="≥ 200,000",
            note=f"processor time of one core; {verdict.checkpoints} checkpoints, {path.stat().st_size // ENTRIES} bytes an "
            f"entry; at most {most / 1e6:.1f} MB of memory beside the program; ratio is time ÷ time",
        )
    ]
