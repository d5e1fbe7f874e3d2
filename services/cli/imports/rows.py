"""The rows of an export as the map says: what `holdfast import` sends."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, timedelta, tzinfo
from pathlib import Path
from typing import Any

from services.cli.imports.conversion import ValueMaker, compile_field, read_source
from services.cli.imports.fields import FIELDS_BY_KIND, parse_date
from services.cli.imports.files import BadRow, Cells, FileLayout, OnProgress, check_file, read_rows
from services.cli.imports.joins import JoinIndex, RowError, load_joined_files
from services.cli.imports.maps import Column, ImportMap, Join, MapError, RowFilter, Source, SourceList, SourceTable


@dataclass(frozen=True)
class ImportRow:
    """One thing to import, its data as the services' doors take it, from the line it begins on, counted from 1."""

    line: int
    data: dict[str, Any]


def read_mapped_rows(
    kind: str,
    file_path: Path,
    map_: ImportMap,
    today: date,
    *,
    zone: tzinfo = UTC,
    may_lack: Collection[str] = (),
    progress: OnProgress | None = None,
) -> Iterator[ImportRow | BadRow]:
    """The rows of a file of one of the `KINDS`, in the order of the file.

    Times without an offset are of `zone`. `may_lack` names required fields that a row may be without, for a caller who
    fills them in. The map and all the files are checked here, before the first row: raises MapError for a map that does
    not fit the kind, ImportFileError for a file that cannot be read, decoded, or lacks a column. Broken rows of joined
    files come first, their reason begins with the name of the file. The file itself is never held in memory; joined
    ones are, a value for each key.
    """
    _check_field_names(kind, map_, may_lack)
    known = FIELDS_BY_KIND[kind]
    layout = map_.layout_of(file_path)
    sources = list(_walk_sources(map_.fields.values()))
    joins = [source for source in sources if isinstance(source, Join)]
    wanted = sorted(
        {column for source in sources for column in _source_columns(source)} | {at.column for at in map_.where}
    )

    def compiled(indexes: Mapping[Join, JoinIndex], shift: timedelta) -> list[tuple[str, ValueMaker]]:
        return [
            (name, compile_field(known[name].shape, of, indexes, shift, name, zone)) for name, of in map_.fields.items()
        ]

    compiled({join: {} for join in joins}, timedelta())  # a wrong map is told before any file is read
    check_file(file_path, layout, wanted)
    indexes, bad = load_joined_files(joins, map_, file_path)
    keeps = [_compile_filter(where, layout) for where in map_.where]
    shift = _find_date_shift(read_rows(file_path, layout, wanted), map_, indexes, keeps, today)
    required = frozenset(name for name, field in known.items() if field.required) - frozenset(may_lack)
    found = read_rows(file_path, layout, wanted, progress)
    return _map_rows(bad, found, keeps, compiled(indexes, shift), required)


def _map_rows(
    bad: list[BadRow],
    found: Iterator[tuple[int, dict[str, Any] | str]],
    keeps: list[Callable[[Cells], bool]],
    makes: list[tuple[str, ValueMaker]],
    required: frozenset[str],
) -> Iterator[ImportRow | BadRow]:
    yield from bad
    for line, cells in found:
        if isinstance(cells, str):
            yield BadRow(line, cells)
            continue
        if not all(keep(cells) for keep in keeps):
            continue
        try:
            data = {name: value for name, make in makes if (value := make(cells)) is not None}
        except RowError as error:
            yield BadRow(line, str(error))
            continue
        if missing := required - data.keys():
            yield BadRow(line, f"{', '.join(sorted(missing))}: missing")
        else:
            yield ImportRow(line, data)


def _check_field_names(kind: str, map_: ImportMap, may_lack: Collection[str]) -> None:
    known = FIELDS_BY_KIND[kind]
    for name in map_.fields:
        if name not in known:
            raise MapError(f"fields.{name}: {kind} have no such field; they have {', '.join(known)}")
    for name, field in known.items():
        if field.required and name not in map_.fields and name not in may_lack:
            raise MapError(f"fields.{name}: missing; {kind} need it")


def _walk_sources(sources: Iterable[Source]) -> Iterator[Source]:
    for source in sources:
        yield source
        if isinstance(source, SourceList):
            yield from _walk_sources(source.items)
        elif isinstance(source, SourceTable):
            yield from _walk_sources(source.fields.values())


def _source_columns(source: Source) -> tuple[str, ...]:
    """The columns of the imported file that a source reads by itself."""
    if isinstance(source, Column):
        return source.text.columns
    return (source.here,) if isinstance(source, Join) else ()


def _compile_filter(where: RowFilter, layout: FileLayout) -> Callable[[Cells], bool]:
    nothing = layout.null | {""}

    def allowed(listed: frozenset[str]) -> frozenset[str | None]:
        return listed | {None} if listed & nothing else frozenset(listed)

    include = None if where.include is None else allowed(where.include)
    exclude = allowed(where.exclude)

    def keep(cells: Cells) -> bool:
        cell = cells[where.column]
        cell = None if isinstance(cell, list | dict) else cell
        return cell not in exclude and (include is None or cell in include)

    return keep


def _find_date_shift(
    found: Iterator[tuple[int, dict[str, Any] | str]],
    map_: ImportMap,
    indexes: Mapping[Join, JoinIndex],
    keeps: list[Callable[[Cells], bool]],
    today: date,
) -> timedelta:
    """By how much all dates move: what makes the newest of those marked `latest` in the kept rows today."""
    marked = [source for source in map_.fields.values() if isinstance(source, Column | Join) and source.latest]
    if not marked:
        return timedelta()
    newest: date | None = None
    for _, cells in found:
        if isinstance(cells, str) or not all(keep(cells) for keep in keeps):
            continue
        for source in marked:
            try:
                text = read_source(source, cells, indexes)
                met = parse_date(text, source.format) if isinstance(text, str) else None
            except (ValueError, RowError):
                continue  # reported when the row is mapped
            if met is not None and (newest is None or met > newest):
                newest = met
    return today - newest if newest is not None else timedelta()
