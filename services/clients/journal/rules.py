"""The tree of the journal: hashing and proofs as in RFC 6962, from the hashes of complete subtrees alone."""

from collections.abc import Callable, Sequence
from hashlib import sha256

TILE_SIZE = 256
EMPTY_ROOT = sha256(b"").digest()
Subtree = tuple[int, int]  # (level, n): the complete subtree over the leaves [n << level, (n + 1) << level)


def hash_leaf(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def grow_frontier(frontier: tuple[bytes, ...], size: int, leaves: Sequence[bytes]) -> tuple[bytes, ...]:
    """The complete subtrees, largest first, after these leaf hashes were appended to a tree of `size`."""
    left, kept, nodes, level = list(frontier), [], list(leaves), 0
    while nodes or left:
        if size >> level & 1:
            nodes.insert(0, left.pop())
        if len(nodes) & 1:
            kept.append(nodes.pop())
        nodes = [sha256(b"\x01" + a + b).digest() for a, b in zip(nodes[::2], nodes[1::2], strict=True)]
        level += 1
    return tuple(reversed(kept))


def compute_root(frontier: tuple[bytes, ...]) -> bytes:
    if not frontier:
        return EMPTY_ROOT
    *rest, found = frontier
    for subtree in reversed(rest):
        found = hash_node(subtree, found)
    return found


def list_frontier_subtrees(size: int) -> list[Subtree]:
    """The complete subtrees of a tree of this size, largest first."""
    return _split_into_subtrees(0, size)


def list_inclusion_subtrees(index: int, size: int) -> list[Subtree]:
    return [
        subtree for start, end in _list_inclusion_ranges(index, size) for subtree in _split_into_subtrees(start, end)
    ]


def list_consistency_subtrees(old_size: int, new_size: int) -> list[Subtree]:
    return [
        subtree
        for start, end in _list_consistency_ranges(old_size, new_size)
        for subtree in _split_into_subtrees(start, end)
    ]


def build_inclusion_proof(index: int, size: int, get_subtree_hash: Callable[[int, int], bytes]) -> list[bytes]:
    """That leaf `index` is in the tree of `size`; `get_subtree_hash(level, n)` knows those of complete subtrees."""
    return [_compute_range_root(start, end, get_subtree_hash) for start, end in _list_inclusion_ranges(index, size)]


def build_consistency_proof(old_size: int, new_size: int, get_subtree_hash: Callable[[int, int], bytes]) -> list[bytes]:
    """That the tree of `new_size` begins with the tree of `old_size`."""
    return [
        _compute_range_root(start, end, get_subtree_hash) for start, end in _list_consistency_ranges(old_size, new_size)
    ]


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof of RFC 9162, 2.1.3.2 holds."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf_hash
    for sibling in proof:
        if not last:
            return False
        if at & 1 or at == last:
            found = hash_node(sibling, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = hash_node(found, sibling)
        at, last = at >> 1, last >> 1
    return not last and found == root


def _split_into_subtrees(start: int, end: int) -> list[Subtree]:
    """The complete subtrees of a range that begins at a multiple of its length rounded up to a power of two."""
    found = []
    for level in reversed(range((end - start).bit_length())):
        if (end - start) >> level & 1:
            found.append((level, start >> level))
            start += 1 << level
    return found


def _compute_range_root(start: int, end: int, get_subtree_hash: Callable[[int, int], bytes]) -> bytes:
    return compute_root(tuple(get_subtree_hash(level, n) for level, n in _split_into_subtrees(start, end)))


def _find_split(start: int, end: int) -> int:
    """Where the left part of a tree ends: after the largest power of two that is smaller than it."""
    return start + (1 << (end - start - 1).bit_length() - 1)


def _list_inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """PATH of the RFC, from the leaf up."""
    if not 0 <= index < size:
        raise ValueError("no such leaf in the tree")
    start, end, found = 0, size, []
    while end - start > 1:
        middle = _find_split(start, end)
        if index < middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((start, middle))
            start = middle
    return found[::-1]


def _list_consistency_ranges(old: int, new: int) -> list[tuple[int, int]]:
    """PROOF of the RFC, from the leaves up."""
    if not 0 <= old <= new:
        raise ValueError("an older tree is not larger")
    start, end, found = 0, new, []
    while old and old < end:
        middle = _find_split(start, end)
        if old <= middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((start, middle))
            start = middle
    if old and start:  # else it is the old tree itself, whose root is known
        found.append((start, end))
    return found[::-1]
