"""The map of an import: a TOML file that says how an export is written and what its columns mean to us.

`latest = "today"` on a date moves every date of the import that comes from the file, with or without `latest`, by one
and the same number of days, so that the time between two dates stays what it was. The newest date among the columns
that say `latest`, of the rows that are kept, becomes today. Dates that the map itself states (`value`, `default`) stay.
"""

import codecs
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from services.cli.imports.files import FileLayout

JoinPick = Literal["most", "first", "last", "sum"]


class MapError(Exception):
    """A map that does not say what it must; the message names the place in it."""


@dataclass(frozen=True)
class TextTemplate:
    """A column, or a template: `parts` are literal texts and, at the odd places, names of columns."""

    parts: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return self.parts[1::2]


@dataclass(frozen=True)
class Constant:
    value: Any


@dataclass(frozen=True)
class Column:
    text: TextTemplate
    default: str | None = None
    values: Mapping[str, str] | None = None
    format: str | None = None
    latest: bool = False
    split: str | None = None


@dataclass(frozen=True, eq=False)  # known by identity: it is the key of what was read for it
class Join:
    """A value out of the rows of another file whose column `there` has what our column `here` has."""

    file: str
    here: str
    there: str
    take: tuple[TextTemplate, ...]
    pick: JoinPick = "first"
    default: str | None = None
    values: Mapping[str, str] | None = None
    format: str | None = None
    latest: bool = False
    split: str | None = None


@dataclass(frozen=True)
class SourceList:
    items: tuple["Source", ...]


@dataclass(frozen=True)
class SourceTable:
    fields: Mapping[str, "Source"]


Source = Constant | Column | Join | SourceList | SourceTable


@dataclass(frozen=True)
class RowFilter:
    """Keep a row only if the column has one of `include`, if given, and none of `exclude`; "" is: nothing."""

    column: str
    include: frozenset[str] | None
    exclude: frozenset[str]


@dataclass(frozen=True)
class ImportMap:
    path: Path
    fields: Mapping[str, Source]
    where: tuple[RowFilter, ...]
    layout: Mapping[str, Any]
    layouts: Mapping[str, Mapping[str, Any]]

    def layout_of(self, path: Path, name: str | None = None) -> FileLayout:
        """How a file is written: the imported one, or with a name, a joined one.

        A joined file is written like the imported one but for what `[files."name"]` says, and for its columns.
        """
        own = self.layout if name is None else self.layouts.get(name, {})
        inherited = {} if name is None else {key: value for key, value in self.layout.items() if key != "columns"}
        by_suffix = {"delimiter": "\t"} if path.suffix.lower() in (".tsv", ".tab") else {}
        return replace(FileLayout(), **{**inherited, **by_suffix, **own})


def read_map(path: Path) -> ImportMap:
    """Raises MapError, naming the key, for a file that cannot be read or a key or value that has no meaning."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise MapError(f"{path.name}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise MapError(f"{path.name}: byte {error.start} is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise MapError(f"{path.name}: not TOML: {error}") from None
    _require_keys(document, ("file", "files", "fields", "where"), "the map")
    fields = _require_table(document.get("fields", {}), "fields")
    if not fields:
        raise MapError("fields: says nothing; at least id is needed")
    files = _require_table(document.get("files", {}), "files")
    return ImportMap(
        path=path,
        fields={name: _parse_source(value, f"fields.{name}") for name, value in fields.items()},
        where=tuple(
            _parse_filter(value, f"where[{number}]")
            for number, value in enumerate(_require_list(document.get("where", []), "where"))
        ),
        layout=_parse_layout(document.get("file", {}), "file"),
        layouts={name: _parse_layout(value, f'files."{name}"') for name, value in files.items()},
    )


def _parse_layout(given: Any, at: str) -> dict[str, Any]:
    table = _require_keys(given, ("encoding", "delimiter", "columns", "row_end", "quote", "null"), at)
    layout: dict[str, Any] = {
        key: _require_text(table[key], f"{at}.{key}") for key in table.keys() - {"columns", "null"}
    }
    for key in ("delimiter", "row_end"):
        if layout.get(key) == "":
            raise MapError(f"{at}.{key}: is empty")
    if len(layout.get("quote", "")) > 1:
        raise MapError(f'{at}.quote: one character, or "" where quotes mean nothing')
    if "encoding" in layout:
        _check_codec(layout["encoding"], f"{at}.encoding")
    if "null" in table:
        layout["null"] = frozenset(_require_texts(table["null"], f"{at}.null"))
    if "columns" in table:
        layout["columns"] = tuple(_require_texts(table["columns"], f"{at}.columns"))
    return layout


def _check_codec(name: str, at: str) -> None:
    try:
        codecs.getincrementaldecoder(name)
        b"a".decode(name)
    except UnicodeError:
        return  # a codec of texts, only not for this one letter
    except (LookupError, ValueError):
        raise MapError(f"{at}: Python has no codec of texts with this name") from None


def _parse_filter(given: Any, at: str) -> RowFilter:
    table = _require_keys(given, ("column", "in", "not_in"), at)
    if "column" not in table or not {"in", "not_in"} & table.keys():
        raise MapError(f"{at}: needs column, and in or not_in")
    include = frozenset(_require_texts(table["in"], f"{at}.in")) if "in" in table else None
    return RowFilter(
        _require_text(table["column"], f"{at}.column"),
        include,
        frozenset(_require_texts(table.get("not_in", []), f"{at}.not_in")),
    )


_SHARED_KEYS = ("default", "values", "format", "latest", "split")


def _parse_source(given: Any, at: str) -> Source:
    if isinstance(given, str):
        return Column(_parse_template(given, at))
    if isinstance(given, list):
        return SourceList(tuple(_parse_source(item, f"{at}[{number}]") for number, item in enumerate(given)))
    table = _require_table(given, at)
    if "value" in table and len(table) == 1:
        return Constant(_parse_constant(table["value"], f"{at}.value"))
    if "column" in table:
        _require_keys(table, ("column", *_SHARED_KEYS), at)
        return Column(_parse_template(table["column"], f"{at}.column"), **_parse_shared_keys(table, at))
    if "file" in table:
        return _parse_join(table, at)
    return SourceTable({name: _parse_source(value, f"{at}.{name}") for name, value in table.items()})


def _parse_join(given: Mapping[str, Any], at: str) -> Join:
    table = _require_keys(given, ("file", "match", "take", "pick", *_SHARED_KEYS), at)
    for key in ("match", "take"):
        if key not in table:
            raise MapError(f"{at}: a joined file needs {key}")
    if isinstance(table["match"], str):
        here = there = table["match"]
    else:
        match = _require_keys(table["match"], ("here", "there"), f"{at}.match")
        if len(match) != 2:
            raise MapError(f"{at}.match: a column, or here and there")
        here, there = (
            _require_text(match["here"], f"{at}.match.here"),
            _require_text(match["there"], f"{at}.match.there"),
        )
    take = table["take"] if isinstance(table["take"], list) else [table["take"]]
    if not take:
        raise MapError(f"{at}.take: a column, or a list of columns to be multiplied")
    pick = table.get("pick", "first")
    if pick not in get_args(JoinPick):
        raise MapError(f"{at}.pick: one of {', '.join(get_args(JoinPick))}")
    taken = tuple(_parse_template(text, f"{at}.take") for text in take)
    return Join(_require_text(table["file"], f"{at}.file"), here, there, taken, pick, **_parse_shared_keys(table, at))


def _parse_shared_keys(table: Mapping[str, Any], at: str) -> dict[str, Any]:
    shared: dict[str, Any] = {
        key: _require_scalar(table[key], f"{at}.{key}") for key in ("default", "format", "split") if key in table
    }
    if shared.get("split") == "":
        raise MapError(f"{at}.split: is empty")
    if "format" in shared:
        _check_format(shared["format"], f"{at}.format")
    if "values" in table:
        values = _require_table(table["values"], f"{at}.values")
        shared["values"] = {name: _require_scalar(value, f"{at}.values.{name}") for name, value in values.items()}
    if "latest" in table:
        if table["latest"] != "today":
            raise MapError(f'{at}.latest: can only be "today"')
        shared["latest"] = True
    return shared


def _check_format(form: str, at: str) -> None:
    some_time = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
    try:
        datetime.strptime(some_time.strftime(form), form)  # noqa: DTZ007
    except ValueError:
        raise MapError(f"{at}: not a form of dates that Python's strptime reads, as %d.%m.%Y") from None


def _parse_template(given: Any, at: str) -> TextTemplate:
    text = _require_text(given, at)
    if not text:
        raise MapError(f"{at}: is empty")
    if "{" not in text and "}" not in text:
        return TextTemplate(("", text, ""))
    parts = tuple(re.split(r"\{([^{}]+)\}", text))
    if any("{" in literal or "}" in literal for literal in parts[::2]):
        raise MapError(f"{at}: a brace without its partner")
    return TextTemplate(parts)


def _parse_constant(given: Any, at: str) -> Any:
    if isinstance(given, list):
        return [_parse_constant(item, at) for item in given]
    if isinstance(given, dict):
        return {name: _parse_constant(value, f"{at}.{name}") for name, value in given.items()}
    return _require_scalar(given, at)


def _require_scalar(given: Any, at: str) -> str:
    """TOML has numbers and dates of its own; a file has only texts, and so has the map from here on."""
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, date):
        return given.isoformat()
    if isinstance(given, str | int | float):
        return str(given)
    raise MapError(f"{at}: a text, a number or a date")


def _require_text(given: Any, at: str) -> str:
    if not isinstance(given, str):
        raise MapError(f"{at}: a text")
    return given


def _require_texts(given: Any, at: str) -> list[str]:
    return [_require_scalar(item, at) for item in _require_list(given, at)]


def _require_list(given: Any, at: str) -> list[Any]:
    if not isinstance(given, list):
        raise MapError(f"{at}: a list")
    return given


def _require_table(given: Any, at: str) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise MapError(f"{at}: a table")
    return given


def _require_keys(given: Any, allowed: tuple[str, ...], at: str) -> Mapping[str, Any]:
    table = _require_table(given, at)
    for key in table:
        if key not in allowed:
            raise MapError(f"{at}: unknown key {key}; there are {', '.join(allowed)}")
    return table
