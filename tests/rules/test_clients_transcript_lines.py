"""The lines of an exported journal: read as they are written, and only so."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.clients.journal.rules import hash_leaf
from services.clients.proofs.rules.export_format import (
    RangeHeader,
    SelectionHeader,
    format_checkpoint_line,
    format_range_footer,
    format_range_header,
    format_selected_entry,
    format_selection_footer,
    format_selection_header,
    format_tile,
    format_tile_hashes,
    parse_checkpoint_line,
    parse_header,
    parse_range_footer,
    parse_selected_entry,
    parse_selection_footer,
    parse_tile_hashes,
)

LEAVES = [b'{"leaf":"%d"}' % i for i in range(300)]
HASHES = [hash_leaf(leaf) for leaf in LEAVES]

WRITTEN: list[tuple[Any, bytes, Any]] = [
    (parse_header, format_range_header("o", "k", 0, 9, ()), RangeHeader("o", "k", 0, 9, ())),
    (parse_header, format_range_header("o", "k", 3, 9, HASHES[:2]), RangeHeader("o", "k", 3, 9, tuple(HASHES[:2]))),
    (parse_header, format_selection_header("o", "k", 9, "note"), SelectionHeader("o", "k", 9, "note")),
    (parse_tile_hashes, format_tile_hashes(7, HASHES[:256]), (7, HASHES[:256])),
    (parse_checkpoint_line, format_checkpoint_line("— note\n"), "— note\n"),
    (parse_range_footer, format_range_footer(9, "— note\n", 2), (9, "— note\n", 2)),
    (parse_selected_entry, format_selected_entry(4, LEAVES[4], HASHES[:3]), (4, LEAVES[4], tuple(HASHES[:3]))),
    (parse_selection_footer, format_selection_footer(9), 9),
]
READERS = sorted({read for read, _, _ in WRITTEN}, key=lambda read: read.__name__)


@pytest.mark.parametrize(("read", "line", "value"), WRITTEN)
def test_a_line_is_read_as_it_was_written(read: Any, line: bytes, value: Any) -> None:
    assert read(line) == value
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1


@pytest.mark.parametrize(("read", "line", "value"), WRITTEN)
def test_a_line_that_says_the_same_in_another_way_is_not_read(read: Any, line: bytes, value: Any) -> None:
    for other in (
        line[:-1],
        line[:-1] + b"\r\n",
        b" " + line,
        line.replace(b": ", b":"),
        line.replace(b"}", b', "a": 1}'),
    ):
        assert read(other) is None


def test_the_tree_on_the_left_has_as_many_subtrees_as_its_size_needs() -> None:
    assert parse_header(format_range_header("o", "k", 3, 9, HASHES[:1])) is None
    assert parse_header(format_range_header("o", "k", 9, 3, HASHES[:2])) is None


def test_the_lines_of_a_tile_are_leaves_hashes_and_checkpoints_where_they_end() -> None:
    notes = {250: "early", 260: "within", 300: "at the end", 400: "later"}
    assert format_tile(256, 300, dict(enumerate(LEAVES)), HASHES[256:300], notes) == b"".join(
        [
            *(leaf + b"\n" for leaf in LEAVES[256:260]),
            format_checkpoint_line("within"),
            *(leaf + b"\n" for leaf in LEAVES[260:300]),
            format_tile_hashes(1, HASHES[256:300]),
            format_checkpoint_line("at the end"),
        ]
    )


def test_a_tile_may_be_written_in_parts_and_its_hashes_come_with_the_last() -> None:
    notes = {260: "within", 280: "between", 300: "at the end"}
    leaves = dict(enumerate(LEAVES))
    whole = format_tile(256, 300, leaves, HASHES[256:300], notes)
    parts = [(256, 270, None), (270, 280, None), (280, 300, HASHES[256:300])]
    assert b"".join(format_tile(start, end, leaves, hashes, notes) for start, end, hashes in parts) == whole


@given(st.binary() | st.text().map(str.encode))
def test_no_bytes_make_it_stumble(line: bytes) -> None:
    for read in READERS:
        read(line)


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000,
        b'{"end": ' + b"9" * 5_000 + b"}\n",
        b'{"end": true}\n',
        b'{"end": 1e9}\n',
        b'{"end": -1}\n',
        b'{"tile": 1, "hashes": "\\ud800"}\n',
        b'{"index": 1, "data": "\\ud800", "proof": []}\n',
        b'{"index": 1, "data": "a", "proof": [1]}\n',
        b'{"tile": 1, "hashes": "AAAA"}\n',
        b"\xff\xfe{\x00",
    ],
)
def test_no_trap_makes_it_stumble(line: bytes) -> None:
    assert not any(read(line) for read in READERS)
