"""The lines of an exported journal, written, and read only if they are exactly as they would be written."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from services.clients.journal.rules import TILE_SIZE
from services.clients.proofs.rules.checkpoints import decode_base64, encode_base64

LEAF_PREFIX = b'{"leaf":'
FORMAT_VERSION = 1
SIZE_LIMIT = 1 << 62  # no journal has so many entries, and no number in a file makes us slow


@dataclass(frozen=True)
class RangeHeader:
    """The first line of the entries [start, end); `frontier` are the complete subtrees of those before them."""

    origin: str
    key: str
    start: int
    end: int
    frontier: tuple[bytes, ...]


@dataclass(frozen=True)
class SelectionHeader:
    """The first line of some entries of a tree of this size."""

    origin: str
    key: str
    size: int
    checkpoint_note: str


# -- writing -----------------------------------------------------------------------------------------------------------


def format_range_header(origin: str, key: str, start: int, end: int, frontier: Sequence[bytes]) -> bytes:
    named = {"holdfast_journal": FORMAT_VERSION, "origin": origin, "key": key}
    return _dump_line({**named, "from": start, "to": end, "left": [encode_base64(subtree) for subtree in frontier]})


def format_tile(
    start: int, end: int, leaves: Mapping[int, bytes], hashes: Sequence[bytes] | None, notes: Mapping[int, str]
) -> bytes:
    """The leaves [start, end), all of one tile, and the checkpoints kept of a size among them.

    With its last leaves come the hashes of the tile, of all its leaves in the file; before them, None. A leaf that is not
    among `leaves` is left out; the hashes then say that it is missing.
    """
    sizes = [start, *sorted(size for size in notes if start < size < end), end]
    lines: list[bytes] = []
    for size, following in pairwise(sizes):
        lines += [format_checkpoint_line(notes[size])[:-1]] if size > start else []
        lines += [leaves[at] for at in range(size, following) if at in leaves]
    text = b"".join(line + b"\n" for line in lines)
    text += b"" if hashes is None else format_tile_hashes(start // TILE_SIZE, hashes)
    return text + format_checkpoint_line(notes[end]) if end in notes else text


def format_tile_hashes(n: int, hashes: Sequence[bytes]) -> bytes:
    return b'{"tile": %d, "hashes": "%b"}\n' % (n, b64encode(b"".join(hashes)))


def format_checkpoint_line(note: str) -> bytes:
    return _dump_line({"checkpoint": note})


def format_range_footer(size: int, checkpoint_note: str, checkpoint_count: int) -> bytes:
    """The note of the tree of this size, and how many kept checkpoints stand in the file."""
    return _dump_line({"end": size, "checkpoint": checkpoint_note, "kept": checkpoint_count})


def format_selection_header(origin: str, key: str, size: int, checkpoint_note: str) -> bytes:
    return _dump_line(
        {"holdfast_journal": FORMAT_VERSION, "origin": origin, "key": key, "size": size, "checkpoint": checkpoint_note}
    )


def format_selected_entry(index: int, data: bytes, proof: Sequence[bytes]) -> bytes:
    return _dump_line({"index": index, "data": data.decode(), "proof": [encode_base64(node) for node in proof]})


def format_selection_footer(count: int) -> bytes:
    return _dump_line({"end": count})


# -- reading -----------------------------------------------------------------------------------------------------------


def parse_header(line: bytes) -> RangeHeader | SelectionHeader | None:
    match _load_line(line, "holdfast_journal", "origin", "key", "from", "to", "left"):
        case version, str(origin), str(key), start, end, [*left] if _is_version(version):
            hashes = _decode_hashes(left)
            if _is_size(start) and _is_size(end) and start <= end and hashes is not None:
                return RangeHeader(origin, key, start, end, hashes) if len(hashes) == start.bit_count() else None
    match _load_line(line, "holdfast_journal", "origin", "key", "size", "checkpoint"):
        case version, str(origin), str(key), size, str(note) if _is_version(version) and _is_size(size):
            return SelectionHeader(origin, key, size, note)
    return None


def parse_tile_hashes(line: bytes) -> tuple[int, list[bytes]] | None:
    match _load_line(line, "tile", "hashes"):
        case n, str(text) if _is_size(n):
            raw = decode_base64(text)
            if raw is not None and len(raw) % 32 == 0 and len(raw) <= TILE_SIZE * 32:
                return n, [raw[at : at + 32] for at in range(0, len(raw), 32)]
    return None


def parse_checkpoint_line(line: bytes) -> str | None:
    match _load_line(line, "checkpoint"):
        case (str(note),):
            return note
    return None


def parse_range_footer(line: bytes) -> tuple[int, str, int] | None:
    match _load_line(line, "end", "checkpoint", "kept"):
        case size, str(note), kept if _is_size(size) and _is_size(kept):
            return size, note, kept
    return None


def parse_selected_entry(line: bytes) -> tuple[int, bytes, tuple[bytes, ...]] | None:
    match _load_line(line, "index", "data", "proof"):
        case index, str(text), [*proof] if _is_size(index):
            hashes, data = _decode_hashes(proof), text.encode(errors="replace")
            return (index, data, hashes) if hashes is not None and data.decode() == text else None
    return None


def parse_selection_footer(line: bytes) -> int | None:
    match _load_line(line, "end"):
        case (int(count),) if _is_size(count):
            return count
    return None


def _dump_line(value: Any) -> bytes:
    return (json.dumps(value) + "\n").encode()


def _load_line(line: bytes, *names: str) -> tuple[Any, ...]:
    """The values that the line has under these names; none if it has others, or is not as it would be written."""
    try:
        value = json.loads(line.decode())
        exact = isinstance(value, dict) and tuple(value) == names and _dump_line(value) == line
    except (ValueError, RecursionError):
        return ()
    return tuple(value.values()) if exact else ()


def _is_version(value: Any) -> bool:
    return _is_size(value) and value == FORMAT_VERSION


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value < SIZE_LIMIT


def _decode_hashes(texts: Sequence[Any]) -> tuple[bytes, ...] | None:
    found = [
        raw for text in texts if isinstance(text, str) and (raw := decode_base64(text)) is not None and len(raw) == 32
    ]
    return tuple(found) if len(found) == len(texts) else None
