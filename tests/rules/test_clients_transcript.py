"""Whatever is changed in an exported journal is found, with where it is; an untouched one is good."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.clients.journal.rules import TILE_SIZE, compute_root
from services.clients.proofs.rules.checkpoints import sign_checkpoint
from services.clients.proofs.rules.export_format import (
    LEAF_PREFIX,
    format_checkpoint_line,
    format_range_footer,
    format_range_header,
)
from services.clients.proofs.rules.verdict import Fault, Verdict
from services.clients.proofs.rules.verification import verify_export
from tests.support.journal_exports import (
    KEY,
    ORIGIN,
    OTHER_KEY,
    make_checkpoint,
    make_frontier,
    make_leaves,
    make_range_export,
    make_selection_export,
    make_verifier_key,
)

SIZE = 3000
KEPT = (1, 200, 256, 700, 1000, 1024, 1500, 2304, 2900, 3000)
LEAVES = make_leaves(SIZE)
OUTSIDE_SIZES = (300, 768, 1024, 1999, 2950)
OUTSIDE = [make_checkpoint(LEAVES[:size]) for size in OUTSIDE_SIZES]
OLD = {size: make_checkpoint(LEAVES[:size]) for size in KEPT}
STARTS = (0, 300)
FILES = {start: make_range_export(LEAVES, start, KEPT) for start in STARTS}
TAMPERINGS = 1000


@dataclass
class Tampered:
    """A changed file, and where it was changed: an entry, or a line."""

    lines: list[bytes]
    entry: int | None = None
    line: int | None = None
    key: str | None = make_verifier_key()
    outside: Sequence[str] = tuple(OUTSIDE)


Tamper = Callable[[random.Random, int, list[bytes]], Tampered]


def places(lines: list[bytes]) -> list[int]:
    """Where the leaves stand."""
    return [i for i, line in enumerate(lines) if line.startswith(LEAF_PREFIX)]


def entry_at(lines: list[bytes], place: int, start: int) -> int:
    """The entry that stands in this line, or comes next."""
    return start + sum(line.startswith(LEAF_PREFIX) for line in lines[:place])


def edit(lots: random.Random, start: int, lines: list[bytes]) -> Tampered:
    """One byte of any line becomes another."""
    place = lots.randrange(len(lines))
    line = lines[place]
    at = lots.randrange(len(line))
    other = lots.choice([b for b in range(256) if b != line[at]])
    raw = b"".join(lines[:place]) + line[:at] + bytes([other]) + line[at + 1 :] + b"".join(lines[place + 1 :])
    return Tampered(split(raw), entry_at(lines, place, start), place + 1)


def split(raw: bytes) -> list[bytes]:
    parts = [line + b"\n" for line in raw.split(b"\n")]
    return parts[:-1] if raw.endswith(b"\n") else [*parts[:-1], parts[-1][:-1]]


def delete(lots: random.Random, start: int, lines: list[bytes]) -> Tampered:
    place = lots.randrange(1, len(lines))
    return Tampered(lines[:place] + lines[place + 1 :], entry_at(lines, place, start), place + 1)


def delete_many(lots: random.Random, start: int, lines: list[bytes]) -> Tampered:
    place = lots.randrange(1, len(lines) - 1)
    end = lots.randrange(place + 1, len(lines))
    return Tampered(lines[:place] + lines[end:], entry_at(lines, place, start), place + 1)


def insert(lots: random.Random, start: int, lines: list[bytes]) -> Tampered:
    place = lots.randrange(1, len(lines) + 1)
    new = lots.choice([b'{"leaf":"another"}\n', b"garbage\n", b"\n", b"\xff\x00\n", b'{"tile": 0, "hashes": ""}\n'])
    return Tampered([*lines[:place], new, *lines[place:]], entry_at(lines, place, start), place + 1)


def duplicate(lots: random.Random, start: int, lines: list[bytes]) -> Tampered:
    taken, place = lots.randrange(len(lines)), lots.randrange(1, len(lines) + 1)
    return Tampered([*lines[:place], lines[taken], *lines[place:]], entry_at(lines, place, start), place + 1)


def swap(lots: random.Random, start: int, lines: list[bytes]) -> Tampered:
    one, other = sorted(lots.sample(range(1, len(lines)), 2))
    changed = list(lines)
    changed[one], changed[other] = lines[other], lines[one]
    return Tampered(changed, entry_at(lines, one, start), one + 1)


def swap_neighbours(lots: random.Random, start: int, lines: list[bytes]) -> Tampered:
    place = lots.randrange(1, len(lines) - 1)
    changed = [*lines[:place], lines[place + 1], lines[place], *lines[place + 2 :]]
    return Tampered(changed, entry_at(lines, place, start), place + 1)


def truncate(lots: random.Random, start: int, lines: list[bytes]) -> Tampered:
    raw = b"".join(lines)
    cut = split(raw[: lots.randrange(len(lines[0]), len(raw))])
    return Tampered(cut, entry_at(cut, len(cut), start), len(cut))


def rewritten(lots: random.Random, start: int) -> tuple[int, list[bytes]]:
    """All entries after one that was changed, left out or put in; of each of these sorts."""
    entry = lots.randrange(start, KEPT[-2] - 1)  # what came after all that was kept of it can be written anew
    sort = lots.choice(("changed", "left out", "put in"))
    changed = {"changed": [b'{"leaf":"another"}'], "left out": [], "put in": [b'{"leaf":"another"}', LEAVES[entry]]}[
        sort
    ]
    return entry, [*LEAVES[:entry], *changed, *LEAVES[entry + 1 :]]


def rehash(lots: random.Random, start: int, lines: list[bytes]) -> Tampered:
    """Tiles and tree are redone and the real key signs everything again: only what was kept elsewhere tells."""
    entry, leaves = rewritten(lots, start)
    return Tampered(make_range_export(leaves, start, KEPT), entry)


def rehash_with_another_key(lots: random.Random, start: int, lines: list[bytes]) -> Tampered:
    entry, leaves = rewritten(lots, start)
    named = lots.choice((KEY, OTHER_KEY))
    return Tampered(make_range_export(leaves, start, KEPT, OTHER_KEY, named), entry)


def rehash_with_old_checkpoints(lots: random.Random, start: int, lines: list[bytes]) -> Tampered:
    """Even with the real key at the end, and without any outside, the kept ones tell."""
    entry, leaves = rewritten(lots, start)
    old = {size: note for size, note in OLD.items() if start < size <= len(leaves)}
    return Tampered(make_range_export(leaves, start, (), old=old), entry, key=None, outside=())


def rehash_a_tile(lots: random.Random, start: int, lines: list[bytes]) -> Tampered:
    """One leaf and the hashes of its tile."""
    place = lots.choice(places(lines))
    entry = entry_at(lines, place, start)
    leaves = [*LEAVES[:entry], b'{"leaf":"another"}', *LEAVES[entry + 1 :]]
    redone, n = make_range_export(leaves, start, KEPT), b'{"tile": %d,' % (entry // TILE_SIZE)
    tile = next(i for i, line in enumerate(lines) if line.startswith(n))
    return Tampered([*lines[:place], redone[place], *lines[place + 1 : tile], redone[tile], *lines[tile + 1 :]], entry)


def forge(lots: random.Random, start: int, lines: list[bytes]) -> Tampered:
    """A checkpoint that says what stands there, signed with another key, or with the real one of other entries."""
    place = lots.choice([i for i, line in enumerate(lines) if b'"checkpoint"' in line])
    size = int(lines[place].split(b"\\n")[1])
    key, root = lots.choice(((OTHER_KEY, compute_root(make_frontier(LEAVES[:size]))), (KEY, lots.randbytes(32))))
    note = sign_checkpoint(ORIGIN, size, root, key)
    last = place == len(lines) - 1
    kept = sum(line.startswith(b'{"checkpoint"') for line in lines)
    new = format_range_footer(size, note, kept) if last else format_checkpoint_line(note)
    return Tampered([*lines[:place], new, *lines[place + 1 :]], entry_at(lines, place, start), place + 1)


def swap_checkpoints(lots: random.Random, start: int, lines: list[bytes]) -> Tampered:
    one, other = sorted(lots.sample([i for i, line in enumerate(lines) if line.startswith(b'{"checkpoint"')], 2))
    changed = list(lines)
    changed[one], changed[other] = lines[other], lines[one]
    return Tampered(changed, entry_at(lines, one, start), one + 1)


def change_header(lots: random.Random, start: int, lines: list[bytes]) -> Tampered:
    left = list(make_frontier(LEAVES[:start]))
    end = lots.choice([size for size in range(start, SIZE + 2000) if size != SIZE])
    change, entry, line = lots.choice(
        (
            ({"origin": "holdfast/another"}, None, 1),
            ({"key": make_verifier_key(OTHER_KEY)}, None, 1),
            ({"end": end}, min(end, SIZE), None),
            (
                {"start": start + 1, "frontier": [lots.randbytes(32) for _ in range((start + 1).bit_count())]},
                start,
                None,
            ),
            ({"frontier": [*left[:-1], lots.randbytes(32)]}, start, 1),
        )
    )
    header = {"origin": ORIGIN, "key": make_verifier_key(), "start": start, "end": SIZE, "frontier": left, **change}
    return Tampered([format_range_header(**header), *lines[1:]], entry, line)


def forge_an_outside_checkpoint(lots: random.Random, start: int, lines: list[bytes]) -> Tampered:
    size = lots.randrange(start, SIZE)
    forged = sign_checkpoint(ORIGIN, size, lots.randbytes(32), lots.choice((KEY, OTHER_KEY)))
    return Tampered(lines, outside=[*OUTSIDE, forged])


TAMPERS: list[Tamper] = [
    *(edit, delete, delete_many, insert, duplicate, swap, swap_neighbours, truncate),
    *(rehash, rehash_with_another_key, rehash_with_old_checkpoints, rehash_a_tile),
    *(forge, swap_checkpoints, change_header, forge_an_outside_checkpoint),
]


def covers(fault: Fault, tampered: Tampered) -> bool:
    """Whether somebody who looks where the fault says sees what was done."""
    if fault.first is not None and fault.last is not None and tampered.entry is not None:
        return fault.first - 1 <= tampered.entry <= fault.last + 1
    return fault.line is not None and tampered.line is not None and abs(fault.line - tampered.line) <= 1


@pytest.mark.parametrize("tamper", TAMPERS, ids=lambda tamper: tamper.__name__)
def test_a_thousand_ways_to_tamper_are_found_each_with_where(tamper: Tamper) -> None:
    for seed in range(-(-TAMPERINGS // len(TAMPERS))):
        lots = random.Random(f"{tamper.__name__} {seed}")
        start = lots.choice(STARTS)
        tampered = tamper(lots, start, FILES[start])
        assert (tampered.lines, tampered.outside) != (FILES[start], tuple(OUTSIDE))
        verdict = verify_export(tampered.lines, tampered.key, tampered.outside)
        assert not verdict.good, seed
        assert all(fault.where and fault.text for fault in verdict.faults)
        if tampered.entry is not None or tampered.line is not None:
            assert any(covers(fault, tampered) for fault in verdict.faults), (
                seed,
                tampered.entry,
                tampered.line,
                verdict,
            )


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("key", [make_verifier_key(), None])
@pytest.mark.parametrize("outside", [[], OUTSIDE])
def test_an_untouched_file_is_good(start: int, key: str | None, outside: list[str]) -> None:
    verdict = verify_export(FILES[start], key, outside)
    assert verdict.faults == []
    assert (verdict.start, verdict.end, verdict.entries) == (start, SIZE, SIZE - start)
    assert verdict.checkpoints == sum(size > start for size in KEPT) + 1
    assert (verdict.given_agree, verdict.key_given) == (
        sum(size >= start for size in OUTSIDE_SIZES[: len(outside)]),
        key is not None,
    )


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 512, 1000])
@pytest.mark.parametrize("start", [0, 1, 255, 256, 257, 512, 1000])
def test_a_file_of_any_range_is_good(start: int, size: int) -> None:
    leaves = LEAVES[:size]
    verdict = verify_export(
        make_range_export(leaves, min(start, size), range(1, size + 1, 7)),
        make_verifier_key(),
        [make_checkpoint(leaves)],
    )
    assert (verdict.faults, verdict.given_agree, verdict.entries) == ([], 1, size - min(start, size))


def test_checkpoints_of_sizes_that_the_file_does_not_hold_are_counted_apart() -> None:
    """An older export is no fault if it is said to be one, and the reader is told that the journal was longer."""
    older = make_range_export(LEAVES[:1000], 300, ())
    kept = [make_checkpoint(LEAVES[:n]) for n in (100, 2000)]
    verdict = verify_export(older, make_verifier_key(), kept, is_part=True)
    assert (verdict.faults, verdict.given_outside, verdict.largest_given) == ([], 2, 2000)
    (fault,) = verify_export(older, make_verifier_key(), kept).faults
    assert (fault.kind, fault.where) == ("shorter", "entries 1000 to 1999")


def test_a_file_that_was_cut_back_to_a_checkpoint_within_it_shows_by_a_later_one() -> None:
    """Its lines are all true, its last note too: whoever cut it needs no key."""
    cut = make_range_export(LEAVES[:2304], 0, (2304,))
    assert verify_export(cut, make_verifier_key(), [make_checkpoint(LEAVES[:2304])]).good
    (fault,) = verify_export(cut, make_verifier_key(), [make_checkpoint(LEAVES[:2950])]).faults
    assert (fault.kind, fault.first, fault.last) == ("shorter", 2304, 2949)


def found(lines: list[bytes], **given: object) -> list[tuple[str, str]]:
    verdict: Verdict = verify_export(lines, make_verifier_key(), given.get("outside", ()))  # type: ignore[arg-type]
    return [(fault.kind, fault.where) for fault in verdict.faults]


def test_what_was_done_is_named() -> None:
    lines = FILES[0]
    place = next(i for i, line in enumerate(lines) if line.startswith(LEAVES[500]))
    tile = next(i for i in range(place, len(lines)) if lines[i].startswith(b'{"tile"'))
    leaf, other = lines[place : place + 2]
    told = f"line {tile + 1}"
    assert found([*lines[:place], leaf[:-2] + b" }\n", *lines[place + 1 :]]) == [("changed", f"entry 500, {told}")]
    assert found([*lines[:place], other, leaf, *lines[place + 2 :]]) == [("moved", f"entries 500 to 501, {told}")]
    assert found([*lines[:place], *lines[place + 2 :]]) == [("missing", f"entries 500 to 501, line {tile - 1}")]
    assert found([*lines[:place], LEAF_PREFIX + b"\n", *lines[place:]]) == [("inserted", f"entry 500, line {tile + 2}")]
    assert found([*lines[:tile], *lines[tile + 1 :]])[0][0] == "hashes_missing"
    assert found(lines[:-1]) == [("cut_off", f"entry 3000, line {len(lines) - 1}")]
    assert found([*lines, b"more\n"]) == [("after_the_end", f"line {len(lines) + 1}")]


def test_writing_everything_anew_is_placed_between_the_checkpoints_kept_elsewhere() -> None:
    leaves = [*LEAVES[:900], b'{"leaf":"another"}', *LEAVES[901:]]
    assert (
        found(make_range_export(leaves, 0, KEPT)) == []
    )  # whoever holds the key can do this: that is why they are kept elsewhere
    assert found(make_range_export(leaves, 0, KEPT), outside=OUTSIDE) == [
        ("contradicts", "entries 768 to 1023, given checkpoint 3")
    ]


def test_a_file_that_signs_itself_is_good_only_while_its_own_key_is_trusted() -> None:
    theirs = make_range_export(LEAVES[:900], 0, KEPT, OTHER_KEY)
    assert verify_export(theirs, None, ()).good
    assert {kind for kind, _ in found(theirs)} == {"key", "forged"}


# -- a selection -------------------------------------------------------------------------------------------------------

PICKED = make_selection_export(LEAVES[:1000], [0, 3, 500, 998, 999])


def test_picked_entries_are_proved() -> None:
    verdict = verify_export(PICKED, make_verifier_key(), [make_checkpoint(LEAVES[:1000]), OUTSIDE[0]])
    assert verdict.faults == []
    assert (verdict.selection, verdict.entries, verdict.end) == (True, 5, 1000)
    assert (verdict.checkpoints, verdict.given_agree, verdict.given_outside) == (1, 1, 1)


def test_every_edited_byte_of_picked_entries_is_found() -> None:
    raw = b"".join(PICKED)
    for place in range(0, len(raw), 7):
        edited = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        assert not verify_export(split(edited), make_verifier_key(), ()).good


def test_picked_entries_that_are_left_out_doubled_or_moved_are_found() -> None:
    assert found([*PICKED[:2], *PICKED[3:]]) == [("recounted", "line 6")]
    assert found([*PICKED[:2], *PICKED[1:]])[0] == ("misplaced", "entry 0, line 3")
    assert found([PICKED[0], PICKED[2], PICKED[1], *PICKED[3:]]) == [("misplaced", "entry 0, line 3")]
    assert found(PICKED[:-1]) == [("cut_off", "line 6")]
    assert (
        found(make_selection_export(make_leaves(1001)[1:], [4]), outside=[make_checkpoint(LEAVES[:1000])])[0][0]
        == "contradicts"
    )


# -- anything at all ---------------------------------------------------------------------------------------------------

PIECES = [
    *(FILES[0][i] for i in (0, 1, 2, 202, 203, -1, -2, -3, -4)),
    FILES[300][0],
    *PICKED[:3],
    PICKED[-1],
    format_range_header(ORIGIN, make_verifier_key(), 0, 1 << 61, []),
    b'{"tile": 2305843009213693951, "hashes": "%b"}\n' % (b"A" * 43 + b"="),
    LEAF_PREFIX + b"\n",
]


@given(
    st.lists(st.sampled_from(PIECES) | st.binary(), max_size=20), st.none() | st.text(), st.lists(st.text(), max_size=3)
)
def test_no_lines_make_it_stumble(lines: list[bytes], key: str | None, outside: list[str]) -> None:
    verdict = verify_export(lines, key, outside)
    assert verdict.good or all(fault.where for fault in verdict.faults)


def test_leaves_without_end_are_not_kept_in_memory() -> None:
    """Neither those that lack their hashes, nor those that follow the end."""
    first = format_range_header(ORIGIN, make_verifier_key(), 0, 10_000, [])
    for before in ([first], FILES[0], [format_range_header(ORIGIN, make_verifier_key(), 0, 0, [])]):
        verdict = verify_export([*before, *[b'{"leaf":1}\n'] * 9_000], make_verifier_key(), ())
        assert not verdict.good
        assert len(verdict.faults) <= 3
