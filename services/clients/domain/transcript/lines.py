"""The lines of an exported journal, written, and read only if they are exactly as they would be written."""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

from services.clients.domain.tree import TILE

LEAF = b'{"leaf":'
FORM = 1
T = TypeVar("T")
LARGEST = 1 << 62  # no journal has so many entries, and no number in a file makes us slow


@dataclass(frozen=True)
class Whole:
    """The first line of the entries [start, end); `left` are the complete subtrees of those before them."""

    origin: str
    key: str
    start: int
    end: int
    left: tuple[bytes, ...]


@dataclass(frozen=True)
class Selection:
    """The first line of some entries of a tree of this size."""

    origin: str
    key: str
    size: int
    checkpoint: str


# -- writing -----------------------------------------------------------------------------------------------------------


def first_line(origin: str, key: str, start: int, end: int, left: Sequence[bytes]) -> bytes:
    named = {"holdfast_journal": FORM, "origin": origin, "key": key}
    return _line({**named, "from": start, "to": end, "left": [_text(subtree) for subtree in left]})


def tile_lines(
    start: int, end: int, leaves: Mapping[int, bytes], hashes: Sequence[bytes] | None, notes: Mapping[int, str]
) -> bytes:
    """The leaves [start, end), all of one tile, and the checkpoints kept of a size among them.

    With its last leaves come the hashes of the tile, of all its leaves in the file; before them, None. A leaf that is not
    among `leaves` is left out; the hashes then say that it is missing.
    """
    sizes = [start, *sorted(size for size in notes if start < size < end), end]
    lines: list[bytes] = []
    for size, following in pairwise(sizes):
        lines += [checkpoint_line(notes[size])[:-1]] if size > start else []
        lines += [leaves[at] for at in range(size, following) if at in leaves]
    text = b"".join(line + b"\n" for line in lines)
    text += b"" if hashes is None else tile_line(start // TILE, hashes)
    return text + checkpoint_line(notes[end]) if end in notes else text


def tile_line(n: int, hashes: Sequence[bytes]) -> bytes:
    return b'{"tile": %d, "hashes": "%b"}\n' % (n, b64encode(b"".join(hashes)))


def checkpoint_line(note: str) -> bytes:
    return _line({"checkpoint": note})


def last_line(size: int, note: str, kept: int) -> bytes:
    """The note of the tree of this size, and how many kept checkpoints stand in the file."""
    return _line({"end": size, "checkpoint": note, "kept": kept})


def selection_first_line(origin: str, key: str, size: int, note: str) -> bytes:
    return _line({"holdfast_journal": FORM, "origin": origin, "key": key, "size": size, "checkpoint": note})


def selection_line(index: int, data: bytes, proof: Sequence[bytes]) -> bytes:
    return _line({"index": index, "data": data.decode(), "proof": [_text(node) for node in proof]})


def selection_last_line(count: int) -> bytes:
    return _line({"end": count})


# -- reading -----------------------------------------------------------------------------------------------------------


def read_first(line: bytes) -> Whole | Selection | None:
    match _read(line):
        case {"holdfast_journal": 1, "origin": str(origin), "key": str(key), "from": start, "to": end, "left": [*left]}:
            hashes = _hashes(left)
            if _is_size(start) and _is_size(end) and hashes is not None:
                whole = Whole(origin, key, start, end, hashes)
                sound = start <= end and len(hashes) == start.bit_count()
                return _exactly(line, first_line(origin, key, start, end, hashes), whole) if sound else None
        case {"holdfast_journal": 1, "origin": str(origin), "key": str(key), "size": size, "checkpoint": str(note)}:
            if _is_size(size):
                line_of = selection_first_line(origin, key, size, note)
                return _exactly(line, line_of, Selection(origin, key, size, note))
    return None


def read_tile(line: bytes) -> tuple[int, list[bytes]] | None:
    match _read(line):
        case {"tile": n, "hashes": str(text)} if _is_size(n):
            raw = _raw(text)
            if raw is not None and len(raw) % 32 == 0 and len(raw) <= TILE * 32:
                hashes = [raw[at : at + 32] for at in range(0, len(raw), 32)]
                return _exactly(line, tile_line(n, hashes), (n, hashes))
    return None


def read_checkpoint(line: bytes) -> str | None:
    match _read(line):
        case {"checkpoint": str(note)}:
            return _exactly(line, checkpoint_line(note), note)
    return None


def read_last(line: bytes) -> tuple[int, str, int] | None:
    match _read(line):
        case {"end": size, "checkpoint": str(note), "kept": kept} if _is_size(size) and _is_size(kept):
            return _exactly(line, last_line(size, note, kept), (size, note, kept))
    return None


def read_selected(line: bytes) -> tuple[int, bytes, tuple[bytes, ...]] | None:
    match _read(line):
        case {"index": index, "data": str(text), "proof": [*proof]} if _is_size(index):
            hashes, data = _hashes(proof), text.encode(errors="replace")
            if hashes is not None:
                return _exactly(line, selection_line(index, data, hashes), (index, data, hashes))
    return None


def read_selection_last(line: bytes) -> int | None:
    match _read(line):
        case {"end": count} if _is_size(count):
            return _exactly(line, selection_last_line(count), int(count))
    return None


def _line(value: Any) -> bytes:
    return (json.dumps(value) + "\n").encode()


def _read(line: bytes) -> Any:
    try:
        return json.loads(line.decode())
    except (ValueError, RecursionError):
        return None


def _exactly(line: bytes, written: bytes, value: T) -> T | None:
    return value if line == written else None


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value < LARGEST


def _text(raw: bytes) -> str:
    return b64encode(raw).decode()


def _raw(text: Any) -> bytes | None:
    try:
        return b64decode(text, validate=True) if isinstance(text, str) else None
    except ValueError:
        return None


def _hashes(texts: Sequence[Any]) -> tuple[bytes, ...] | None:
    found = [raw for text in texts if (raw := _raw(text)) is not None and len(raw) == 32]
    return tuple(found) if len(found) == len(texts) else None
