"""Rows out of exported files: delimited text with all the habits that exports have, and NDJSON."""

import codecs
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

Cells = Mapping[str, Any]

"""Column name to text, or None where the file says nothing; from NDJSON also lists and objects as they are."""

OnProgress = Callable[[int, int], None]

"""Called with the bytes read so far and the bytes in all."""

_CHUNK = 256 * 1024  # bytes
_LONGEST_ROW = 1024 * 1024  # characters; past this a quote or a row end is taken to be missing
_NAMES_SHOWN = 30


class ImportFileError(Exception):
    """A file that cannot be read as the map says: missing, in another encoding, or without a column."""


@dataclass(frozen=True)
class BadRow:
    """A row that is left out: the line it begins on, from 1, and why, naming columns but nothing that is in them."""

    line: int
    reason: str


@dataclass(frozen=True)
class FileLayout:
    """How one file is written: `columns` empty for a file with a header, `quote` where quotes mean nothing."""

    encoding: str = "utf-8-sig"
    delimiter: str = ","
    columns: tuple[str, ...] = ()
    row_end: str = "\n"
    quote: str = '"'
    null: frozenset[str] = frozenset({""})


def require_importable_file(path: Path, layout: FileLayout, wanted_columns: Iterable[str]) -> None:
    """Read the whole file once, so that nothing is imported from a file that fails in its middle.

    Raises ImportFileError if it cannot be opened or decoded, or lacks one of the wanted columns.
    """
    if _is_ndjson(path):
        objects = (found for _, found in _parse_ndjson(path, layout, None) if not isinstance(found, str))
        columns = tuple(dict.fromkeys(chain.from_iterable(objects)))
        if columns:
            _find_columns(path, columns, wanted_columns)
    else:
        for _ in _decode_pieces(path, layout, None):
            pass  # decoded first: in another encoding the header would only seem to lack columns
        _find_columns(path, _read_columns(path, layout, _split_rows(path, layout, None)), wanted_columns)


def read_rows(
    path: Path, layout: FileLayout, wanted: Iterable[str], progress: OnProgress | None = None
) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """The wanted cells of each row with the line it begins on, counted from 1; or, for a broken row, the reason.

    Texts are stripped, and None where empty or listed in `null`. Raises ImportFileError as `require_importable_file` does.
    """
    if _is_ndjson(path):
        names = tuple(wanted)
        for line, found in _parse_ndjson(path, layout, progress):
            if isinstance(found, str):
                yield line, found
            else:
                yield line, {name: _clean_value(found.get(name), layout.null) for name in names}
        return
    lines = _split_rows(path, layout, progress)
    columns = _read_columns(path, layout, lines)
    positions = _find_columns(path, columns, wanted)
    null = layout.null
    for line, fields in _split_fields(lines, layout):
        if isinstance(fields, str):
            yield line, fields
        elif len(fields) != len(columns):
            yield line, f"{len(fields)} fields instead of {len(columns)}"
        else:
            yield (
                line,
                {name: None if (text := fields[at].strip()) in null or not text else text for name, at in positions},
            )


def _is_ndjson(path: Path) -> bool:
    return path.suffix.lower() in (".ndjson", ".jsonl")


def _read_columns(path: Path, layout: FileLayout, lines: Iterator[tuple[int, str]]) -> tuple[str, ...]:
    """The names of the columns; takes the header off the lines where there is one."""
    if layout.columns:
        return layout.columns
    for _, fields in _split_fields(lines, layout):
        if isinstance(fields, str):
            raise ImportFileError(f"{path.name}: the header: {fields}")
        return tuple(field.strip() for field in fields)
    raise ImportFileError(f"{path.name}: the file is empty")


def _find_columns(path: Path, columns: tuple[str, ...], wanted: Iterable[str]) -> list[tuple[str, int]]:
    for name in wanted:
        if columns.count(name) != 1:
            shown = ", ".join(
                column[:40] if column.isprintable() else "(unprintable)" for column in columns[:_NAMES_SHOWN]
            )
            more = f" and {len(columns) - _NAMES_SHOWN} more" if len(columns) > _NAMES_SHOWN else ""
            problem = "exists more than once" if name in columns else "is missing"
            raise ImportFileError(f"{path.name}: column {name} {problem}; the columns are {shown}{more}")
    return [(name, columns.index(name)) for name in wanted]


def _decode_pieces(path: Path, layout: FileLayout, progress: OnProgress | None) -> Iterator[str]:
    """The file decoded, piece by piece, with Windows line ends made plain unless the row end is about them."""
    decode = codecs.getincrementaldecoder(layout.encoding)().decode
    windows = "\r" not in layout.row_end
    done, held, first = 0, "", True
    try:
        with path.open("rb") as file:
            total = path.stat().st_size
            while True:
                piece = file.read(_CHUNK)
                done += len(piece)
                text = held + decode(piece, not piece)
                if first and text:
                    text, first = text.removeprefix("\ufeff"), False
                held = "\r" if windows and piece and text.endswith("\r") else ""
                text = text[: len(text) - len(held)]
                if progress is not None:
                    progress(done, total)
                yield text.replace("\r\n", "\n") if windows else text
                if not piece:
                    return
    except UnicodeDecodeError as error:
        # Decoders report against what they still hold, so the position is counted from its end.
        at = done - len(error.object) + error.start
        raise ImportFileError(f"{path.name}: byte {at} is not {layout.encoding}: another encoding?") from None
    except UnicodeError:
        raise ImportFileError(f"{path.name}: is not {layout.encoding}: another encoding?") from None
    except OSError as error:
        raise ImportFileError(f"{path.name}: cannot be read: {error.strerror}") from None


def _split_rows(path: Path, layout: FileLayout, progress: OnProgress | None) -> Iterator[tuple[int, str]]:
    """The text of each row, quotes not looked at yet, and the line it begins on."""
    row_end = layout.row_end
    line, rest = 1, ""
    for text in _decode_pieces(path, layout, progress):
        *found, rest = (rest + text).split(row_end)
        if len(rest) > _LONGEST_ROW + _CHUNK:
            raise ImportFileError(f"{path.name}: line {line}: no row end in {len(rest)} characters; see row_end")
        for row in found:
            yield line, row
            line += 1 + row.count("\n")
    yield line, rest.removesuffix(row_end.rstrip("\r\n") or "\n").strip("\r\n")


def _split_fields(lines: Iterator[tuple[int, str]], layout: FileLayout) -> Iterator[tuple[int, list[str] | str]]:
    """The fields of each row that is not empty, or why it is broken.

    A quote that is not closed as it should be costs its own line only: reading goes on with the line after it.
    """
    again: deque[tuple[int, str]] = deque()

    def following() -> tuple[int, str] | None:
        return again.popleft() if again else next(lines, None)

    while (head := following()) is not None:
        line, text = head
        if not text:
            continue
        if "\0" in text:
            yield line, "a NUL character"
            continue
        if not layout.quote or layout.quote not in text:
            yield line, text.split(layout.delimiter)
            continue
        fields: list[str] = []
        taken: list[tuple[int, str]] = []
        length = 0
        try:
            opened = _scan_row(text, fields, None, layout)
            while opened is not None:
                more = following() if length < _LONGEST_ROW else None
                if more is None:
                    raise ValueError("a quote is opened and never closed")
                taken.append(more)
                if "\0" in more[1]:
                    raise ValueError("a NUL character")
                length += len(more[1]) + 1
                opened = _scan_row(more[1], fields, opened, layout)
        except ValueError as problem:
            again.extendleft(reversed(taken))
            yield line, str(problem)
        else:
            yield line, fields


def _scan_row(text: str, fields: list[str], opened: list[str] | None, layout: FileLayout) -> list[str] | None:
    """Add the fields of one row to `fields`; `opened` are the pieces so far of a quoted one that began rows before.

    Gives the pieces of the one that is still open at the end, else None. Raises ValueError for text after a quote.
    """
    quote, delimiter = layout.quote, layout.delimiter
    at = 0
    while True:
        if opened is None and text.startswith(quote, at):
            opened, at = [], at + 1
        if opened is None:
            end = text.find(delimiter + quote, at)
            fields += (text[at:] if end < 0 else text[at:end]).split(delimiter)
            if end < 0:
                return None
        else:
            end = text.find(quote, at)
            while end >= 0 and text.startswith(quote, end + 1):
                end = text.find(quote, end + 2)
            opened.append(text[at:] if end < 0 else text[at:end])
            if end < 0:
                return opened
            fields.append(layout.row_end.join(opened).replace(quote + quote, quote))
            opened, end = None, end + 1
            if end == len(text):
                return None
            if not text.startswith(delimiter, end):
                raise ValueError("text between a closing quote and the next delimiter")
        at = end + len(delimiter)


def _parse_ndjson(
    path: Path, layout: FileLayout, progress: OnProgress | None
) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Each line of NDJSON as an object, or why it is none."""
    for line, text in _split_rows(path, replace(layout, row_end="\n"), progress):
        if not text or text.isspace():
            continue
        try:
            # Numbers stay the digits they are written with: money must not pass through a float.
            found = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
            if "\\u" in text and "\\u0000" in json.dumps(found, ensure_ascii=False).encode().decode():
                yield line, "a NUL character"
                continue
        except (ValueError, RecursionError):
            yield line, "not JSON"
            continue
        yield line, found if isinstance(found, dict) else "not a JSON object"


def _clean_value(value: Any, null: frozenset[str]) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = value.strip()
        return None if not text or text in null else text
    if isinstance(value, list):
        return [_clean_value(item, null) for item in value]
    if isinstance(value, dict):
        return {name: _clean_value(item, null) for name, item in value.items()}
    return value
