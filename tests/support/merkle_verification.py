"""Verifies proofs of consistency as an auditor does, who has nothing but the proof and two roots."""

from collections.abc import Sequence

from services.clients.journal.rules import EMPTY_ROOT, hash_node


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """RFC 9162, 2.1.4.2; the empty tree is the beginning of every tree."""
    if not 0 <= old <= new:
        return False
    if old in (0, new):
        return not proof and old_root == (EMPTY_ROOT if not old else new_root)
    path = list(proof) if old & (old - 1) else [old_root, *proof]  # a complete old tree is not sent again
    if not path:
        return False
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old_found = new_found = path[0]
    for sibling in path[1:]:
        if not last:
            return False
        if at & 1 or at == last:
            old_found, new_found = hash_node(sibling, old_found), hash_node(sibling, new_found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new_found = hash_node(new_found, sibling)
        at, last = at >> 1, last >> 1
    return not last and old_found == old_root and new_found == new_root
