"""Exported journals as the service writes them, made without one."""

from collections.abc import Collection, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.clients.domain import notes, transcript, tree

ORIGIN = "holdfast/journal"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


def verifier(key: Ed25519PrivateKey = KEY) -> str:
    return notes.verifier_key(ORIGIN, key.public_key())


def leaves_of(count: int) -> list[bytes]:
    return [
        b'{"leaf":"%032x","at":"2026-11-26T08:00:00.%06dZ","kind":"access.decided"}' % (i * i, i) for i in range(count)
    ]


def note_of(leaves: Sequence[bytes], key: Ed25519PrivateKey = KEY) -> str:
    """The checkpoint of a journal of these entries."""
    return notes.write(ORIGIN, len(leaves), tree.root(frontier_of(leaves)), key)


def frontier_of(leaves: Sequence[bytes]) -> tuple[bytes, ...]:
    return tree.grow((), 0, [tree.leaf_hash(leaf) for leaf in leaves])


def exported(
    leaves: Sequence[bytes],
    start: int,
    kept: Collection[int],
    key: Ed25519PrivateKey = KEY,
    named: Ed25519PrivateKey | None = None,
    old: dict[int, str] | None = None,
) -> list[bytes]:
    """The lines from entry `start` on, with checkpoints kept of these sizes; `old` ones stand as they are."""
    known = {size: note_of(leaves[:size], key) for size in kept if start < size <= len(leaves)} | (old or {})
    lines = [transcript.first_line(ORIGIN, verifier(named or key), start, len(leaves), frontier_of(leaves[:start]))]
    at = start
    while at < len(leaves):
        end = min((at // tree.TILE + 1) * tree.TILE, len(leaves))
        page = leaves[at:end]
        block = transcript.tile_lines(
            at, end, dict(enumerate(page, at)), [tree.leaf_hash(leaf) for leaf in page], known
        )
        lines += block.splitlines(keepends=True)
        at = end
    return [*lines, transcript.last_line(len(leaves), note_of(leaves, key), len(known))]


def selected(leaves: Sequence[bytes], indexes: Sequence[int], key: Ed25519PrivateKey = KEY) -> list[bytes]:
    hashes = [tree.leaf_hash(leaf) for leaf in leaves]

    def subtree(level: int, n: int) -> bytes:
        return tree.root(tree.grow((), 0, hashes[n << level : (n + 1) << level]))

    return [
        transcript.selection_first_line(ORIGIN, verifier(key), len(leaves), note_of(leaves, key)),
        *(transcript.selection_line(i, leaves[i], tree.inclusion_proof(i, len(leaves), subtree)) for i in indexes),
        transcript.selection_last_line(len(indexes)),
    ]
