"""Exported journals as the service writes them, made without one."""

from collections.abc import Collection, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.clients.journal.rules import (
    TILE_SIZE,
    build_inclusion_proof,
    compute_root,
    grow_frontier,
    hash_leaf,
)
from services.clients.proofs.rules.checkpoints import format_verifier_key, sign_checkpoint
from services.clients.proofs.rules.export_format import (
    format_range_footer,
    format_range_header,
    format_selected_entry,
    format_selection_footer,
    format_selection_header,
    format_tile,
)

ORIGIN = "holdfast/journal"

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))

OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


def make_verifier_key(key: Ed25519PrivateKey = KEY) -> str:
    return format_verifier_key(ORIGIN, key.public_key())


def make_leaves(count: int) -> list[bytes]:
    return [
        b'{"leaf":"%032x","at":"2026-11-26T08:00:00.%06dZ","kind":"access.decided"}' % (i * i, i) for i in range(count)
    ]


def make_checkpoint(leaves: Sequence[bytes], key: Ed25519PrivateKey = KEY) -> str:
    """The checkpoint of a journal of these entries."""
    return sign_checkpoint(ORIGIN, len(leaves), compute_root(make_frontier(leaves)), key)


def make_frontier(leaves: Sequence[bytes]) -> tuple[bytes, ...]:
    return grow_frontier((), 0, [hash_leaf(leaf) for leaf in leaves])


def make_range_export(
    leaves: Sequence[bytes],
    start: int,
    kept: Collection[int],
    key: Ed25519PrivateKey = KEY,
    named: Ed25519PrivateKey | None = None,
    old: dict[int, str] | None = None,
) -> list[bytes]:
    """The lines from entry `start` on, with checkpoints kept of these sizes; `old` ones stand as they are."""
    known = {size: make_checkpoint(leaves[:size], key) for size in kept if start < size <= len(leaves)} | (old or {})
    lines = [
        format_range_header(ORIGIN, make_verifier_key(named or key), start, len(leaves), make_frontier(leaves[:start]))
    ]
    at = start
    while at < len(leaves):
        end = min((at // TILE_SIZE + 1) * TILE_SIZE, len(leaves))
        page = leaves[at:end]
        block = format_tile(at, end, dict(enumerate(page, at)), [hash_leaf(leaf) for leaf in page], known)
        lines += block.splitlines(keepends=True)
        at = end
    return [*lines, format_range_footer(len(leaves), make_checkpoint(leaves, key), len(known))]


def make_selection_export(leaves: Sequence[bytes], indexes: Sequence[int], key: Ed25519PrivateKey = KEY) -> list[bytes]:
    hashes = [hash_leaf(leaf) for leaf in leaves]

    def subtree(level: int, n: int) -> bytes:
        return compute_root(grow_frontier((), 0, hashes[n << level : (n + 1) << level]))

    return [
        format_selection_header(ORIGIN, make_verifier_key(key), len(leaves), make_checkpoint(leaves, key)),
        *(format_selected_entry(i, leaves[i], build_inclusion_proof(i, len(leaves), subtree)) for i in indexes),
        format_selection_footer(len(indexes)),
    ]
