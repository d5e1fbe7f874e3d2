"""The rows of an export as the map says: what `holdfast import` sends."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, timedelta, tzinfo
from pathlib import Path
from typing import Any

from services.cli.imports.conversion import FieldCompiler, ValueMaker, read_source
from services.cli.imports.fields import FIELDS_BY_KIND, parse_date
from services.cli.imports.files import BadRow, Cells, FileLayout, OnProgress, read_rows, require_importable_file
from services.cli.imports.joins import JoinIndex, RowError, load_joined_files
from services.cli.imports.maps import (
    Column,
    ImportMap,
    Join,
    ListOfSources,
    MapError,
    RowFilter,
    Source,
    TableOfSources,
)


@dataclass(frozen=True)
class ImportRow:
    """One thing to import, its data as the services' doors take it, from the line it begins on, counted from 1."""

    line: int
    data: dict[str, Any]


@dataclass(frozen=True)
class _RowReader:
    """How the rows of one file are read: those that the map keeps, with the columns it wants."""

    path: Path
    layout: FileLayout
    columns: list[str]
    keeps: list[Callable[[Cells], bool]]

    def read(self, progress: OnProgress | None = None) -> Iterator[tuple[int, dict[str, Any] | str]]:
        for line, cells in read_rows(self.path, self.layout, self.columns, progress):
            if isinstance(cells, str) or all(keep(cells) for keep in self.keeps):
                yield line, cells


def read_mapped_rows(
    kind: str,
    file_path: Path,
    map_: ImportMap,
    today: date,
    *,
    zone: tzinfo = UTC,
    optional_fields: Collection[str] = (),
    progress: OnProgress | None = None,
) -> Iterator[ImportRow | BadRow]:
    """The rows of a file of one of the kinds of `FIELDS_BY_KIND`, in the order of the file.

    Times without an offset are of `zone`. `optional_fields` names required fields that a row may be without, for a caller who
    fills them in. The map and all the files are checked here, before the first row: raises MapError for a map that does
    not fit the kind, ImportFileError for a file that cannot be read, decoded, or lacks a column. Broken rows of joined
    files come first, their reason begins with the name of the file. The file itself is never held in memory; joined
    ones are, a value for each key.
    """
    required = [name for name, field in FIELDS_BY_KIND[kind].items() if field.required and name not in optional_fields]
    _check_field_names(kind, map_, required)
    sources = list(_walk_sources(map_.fields.values()))
    joins = [source for source in sources if isinstance(source, Join)]
    _compile_fields(
        kind, map_, FieldCompiler({join: {} for join in joins})
    )  # a wrong map is told before any file is read
    layout = map_.layout_of(file_path)
    columns = {column for source in sources for column in _list_columns(source)} | {at.column for at in map_.where}
    reader = _RowReader(file_path, layout, sorted(columns), [_compile_filter(where, layout) for where in map_.where])
    require_importable_file(file_path, layout, reader.columns)
    indexes, bad = load_joined_files(joins, map_, file_path)
    compiler = FieldCompiler(indexes, _find_date_shift(reader, map_, indexes, today), zone)
    return _map_rows(bad, reader.read(progress), _compile_fields(kind, map_, compiler), frozenset(required))


def _compile_fields(kind: str, map_: ImportMap, compiler: FieldCompiler) -> list[tuple[str, ValueMaker]]:
    known = FIELDS_BY_KIND[kind]
    return [(name, compiler.compile(known[name].field_type, source, name)) for name, source in map_.fields.items()]


def _map_rows(
    bad: Iterable[BadRow],
    found: Iterator[tuple[int, dict[str, Any] | str]],
    makes: list[tuple[str, ValueMaker]],
    required: frozenset[str],
) -> Iterator[ImportRow | BadRow]:
    yield from bad
    for line, cells in found:
        if isinstance(cells, str):
            yield BadRow(line, cells)
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


def _check_field_names(kind: str, map_: ImportMap, required: Iterable[str]) -> None:
    known = FIELDS_BY_KIND[kind]
    for name in map_.fields:
        if name not in known:
            raise MapError(f"fields.{name}: {kind} have no such field; they have {', '.join(known)}")
    for name in required:
        if name not in map_.fields:
            raise MapError(f"fields.{name}: missing; {kind} need it")


def _walk_sources(sources: Iterable[Source]) -> Iterator[Source]:
    for source in sources:
        yield source
        if isinstance(source, ListOfSources):
            yield from _walk_sources(source.root)
        elif isinstance(source, TableOfSources):
            yield from _walk_sources(source.root.values())


def _list_columns(source: Source) -> tuple[str, ...]:
    """The columns of the imported file that a source reads by itself."""
    if isinstance(source, Column):
        return source.text.columns
    return (source.match.here,) if isinstance(source, Join) else ()


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


def _find_date_shift(reader: _RowReader, map_: ImportMap, indexes: Mapping[Join, JoinIndex], today: date) -> timedelta:
    """By how much all dates move: what makes the newest of those marked `latest` in the kept rows today."""
    marked = [source for source in map_.fields.values() if isinstance(source, Column | Join) and source.latest]
    newest: date | None = None
    for _, cells in reader.read() if marked else ():
        if isinstance(cells, str):
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
