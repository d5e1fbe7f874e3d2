"""The tree of the journal is the one of RFC 6962: against its own recursive words and its published vectors."""

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.clients.journal.rules import (
    EMPTY_ROOT,
    build_consistency_proof,
    build_inclusion_proof,
    compute_root,
    grow_frontier,
    hash_leaf,
    list_consistency_subtrees,
    list_frontier_subtrees,
    list_inclusion_subtrees,
    verify_inclusion,
)
from tests.support.merkle_verification import verify_consistency

# The leaves and roots of the reference tests of certificate-transparency.
LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def mth(data: Sequence[bytes]) -> bytes:
    """RFC 6962, 2.1."""
    if not data:
        return sha256(b"").digest()
    if len(data) == 1:
        return sha256(b"\x00" + data[0]).digest()
    k = largest_power_below(len(data))
    return sha256(b"\x01" + mth(data[:k]) + mth(data[k:])).digest()


def path(m: int, data: Sequence[bytes]) -> list[bytes]:
    """RFC 6962, 2.1.1."""
    if len(data) == 1:
        return []
    k = largest_power_below(len(data))
    return [*path(m, data[:k]), mth(data[k:])] if m < k else [*path(m - k, data[k:]), mth(data[:k])]


def subproof(m: int, data: Sequence[bytes], known: bool) -> list[bytes]:
    """RFC 6962, 2.1.2."""
    if m == len(data):
        return [] if known else [mth(data)]
    k = largest_power_below(len(data))
    if m <= k:
        return [*subproof(m, data[:k], known), mth(data[k:])]
    return [*subproof(m - k, data[k:], False), mth(data[:k])]


def largest_power_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def made(n: int) -> list[bytes]:
    return [b"leaf %d" % i for i in range(n)]


class Hashes:
    """The complete subtrees of some leaves, and which of them were asked for."""

    def __init__(self, data: Sequence[bytes]) -> None:
        self.data = data
        self.asked: list[tuple[int, int]] = []

    def __call__(self, level: int, n: int) -> bytes:
        self.asked.append((level, n))
        leaves = self.data[n << level : (n + 1) << level]
        assert len(leaves) == 1 << level
        return mth(leaves)


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_those_of_the_published_vectors(size: int) -> None:
    frontier = grow_frontier((), 0, [hash_leaf(leaf) for leaf in LEAVES[:size]])
    assert compute_root(frontier) == (bytes.fromhex(ROOTS[size - 1]) if size else EMPTY_ROOT)


def test_the_proofs_are_those_of_the_published_vectors() -> None:
    hashes = Hashes(LEAVES)
    assert [node.hex() for node in build_inclusion_proof(5, 8, hashes)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert [node.hex() for node in build_consistency_proof(6, 8, hashes)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


@pytest.mark.parametrize("size", range(70))
def test_growing_gives_the_root_of_the_rfc_however_the_leaves_arrive(size: int) -> None:
    data = made(size)
    leaves = [hash_leaf(leaf) for leaf in data]
    for cut in range(size + 1):
        frontier = grow_frontier(grow_frontier((), 0, leaves[:cut]), cut, leaves[cut:])
        assert compute_root(frontier) == mth(data)
    assert frontier == tuple(Hashes(data)(*subtree) for subtree in list_frontier_subtrees(size))


@pytest.mark.parametrize("size", range(1, 71))
def test_every_leaf_is_proved_as_in_the_rfc_and_no_other(size: int) -> None:
    data = made(size)
    root = mth(data)
    for index in range(size):
        hashes = Hashes(data)
        proof = build_inclusion_proof(index, size, hashes)
        assert proof == path(index, data)
        assert hashes.asked == list_inclusion_subtrees(index, size)
        leaf = hash_leaf(data[index])
        assert verify_inclusion(leaf, index, size, proof, root)
        assert not verify_inclusion(hash_leaf(b"another"), index, size, proof, root)
        assert not verify_inclusion(leaf, (index + 1) % size, size, proof, root) or size == 1
        assert not verify_inclusion(leaf, index, size, [*proof, root], root)
        assert not verify_inclusion(leaf, index, size, proof[:-1], root) or not proof
        assert not verify_inclusion(leaf, size, size, proof, root)
        assert not verify_inclusion(leaf, -1, size, proof, root)


@pytest.mark.parametrize("new", range(71))
def test_every_older_tree_is_proved_as_in_the_rfc_and_no_other(new: int) -> None:
    data = made(new)
    roots = [mth(data[:size]) for size in range(new + 1)]
    for old in range(new + 1):
        hashes = Hashes(data)
        proof = build_consistency_proof(old, new, hashes)
        assert proof == (subproof(old, data, True) if old else [])
        assert hashes.asked == list_consistency_subtrees(old, new)
        assert verify_consistency(old, new, roots[old], roots[new], proof)
        other = hash_leaf(b"another")
        assert not verify_consistency(old, new, other, roots[new], proof)
        assert not verify_consistency(old, new, roots[old], other, proof) or not old
        assert not verify_consistency(old, new, roots[old], roots[new], [*proof, other])
        assert not verify_consistency(old, new, roots[old], roots[new], proof[:-1]) or not proof
        assert not verify_consistency(new + 1, new, roots[old], roots[new], proof)


@given(st.data())
def test_larger_trees_are_proved_too(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 2000))
    old, index = data.draw(st.integers(0, new)), data.draw(st.integers(0, new - 1))
    leaves = made(new)
    hashes, root = Hashes(leaves), mth(leaves)
    inclusion = build_inclusion_proof(index, new, hashes)
    assert inclusion == path(index, leaves)
    assert verify_inclusion(hash_leaf(leaves[index]), index, new, inclusion, root)
    consistency = build_consistency_proof(old, new, hashes)
    assert verify_consistency(old, new, mth(leaves[:old]), root, consistency)
    grown = grow_frontier(
        grow_frontier((), 0, list(map(hash_leaf, leaves[:old]))), old, list(map(hash_leaf, leaves[old:]))
    )
    assert compute_root(grown) == root


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_nothing_is_proved_of_a_leaf_that_is_not_in_the_tree(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        list_inclusion_subtrees(index, size)


def test_no_larger_tree_is_the_beginning_of_a_smaller() -> None:
    with pytest.raises(ValueError, match="not larger"):
        list_consistency_subtrees(4, 3)
