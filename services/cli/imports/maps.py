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
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    RootModel,
    Tag,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from services.cli.imports.files import FileLayout


class MapError(Exception):
    """A map that does not say what it must; the message names the place in it."""


def _fault(message: str, **values: str) -> PydanticCustomError:
    return PydanticCustomError("map", message, values)


def _check_codec(name: str) -> str:
    try:
        codecs.getincrementaldecoder(name)
        b"a".decode(name)
    except UnicodeError:
        return name  # a codec of texts, only not for this one letter
    except (LookupError, ValueError):
        raise _fault("Python has no codec of texts with this name") from None
    return name


def _check_date_format(form: str) -> str:
    some_time = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
    try:
        datetime.strptime(some_time.strftime(form), form)  # noqa: DTZ007
    except ValueError:
        raise _fault("not a form of dates that Python's strptime reads, as %d.%m.%Y") from None
    return form


def _to_text(given: Any) -> str:
    """TOML has numbers and dates of its own; a file has only texts, and so has the map from here on."""
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, date):
        return given.isoformat()
    if isinstance(given, str | int | float):
        return str(given)
    raise _fault("a text, a number or a date")


def _to_texts(given: Any) -> Any:
    """What a map states, lists and tables of it too."""
    if isinstance(given, list):
        return [_to_texts(item) for item in given]
    if isinstance(given, dict):
        return {name: _to_texts(value) for name, value in given.items()}
    return _to_text(given)


@dataclass(frozen=True)
class TextTemplate:
    """A column, or a template: `parts` are literal texts and, at the odd places, names of columns."""

    parts: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return self.parts[1::2]


def _parse_template(text: Any) -> TextTemplate:
    if isinstance(text, TextTemplate):
        return text
    if not isinstance(text, str) or not text:
        raise _fault("is empty" if text == "" else "a text")
    if "{" not in text and "}" not in text:
        return TextTemplate(("", text, ""))
    parts = tuple(re.split(r"\{([^{}]+)\}", text))
    if any("{" in literal or "}" in literal for literal in parts[::2]):
        raise _fault("a brace without its partner")
    return TextTemplate(parts)


Scalar = Annotated[str, BeforeValidator(_to_text)]
Template = Annotated[TextTemplate, BeforeValidator(_parse_template)]


class _Table(BaseModel):
    """A table of the map; a key that it does not know is refused, for it may be a slip of the pen."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _check_keys(cls, given: Any) -> Any:
        known = [field.alias or name for name, field in cls.model_fields.items()]
        for key in given if isinstance(given, dict) else ():
            if key not in known:
                raise _fault("unknown key {key}; there are {known}", key=key, known=", ".join(known))
        return given


class Constant(_Table):
    value: Annotated[Any, BeforeValidator(_to_texts)]


class _CellSource(_Table):
    """What may be said of every text that comes out of a file."""

    default: Scalar | None = None
    values: Mapping[str, Scalar] = {}
    format: Annotated[Scalar, AfterValidator(_check_date_format)] | None = None
    latest: Literal["today"] | None = None
    split: Annotated[Scalar, Field(min_length=1)] | None = None


class Column(_CellSource):
    text: Template = Field(alias="column")


class JoinMatch(_Table):
    """Our column `here` has what column `there` of the joined file has."""

    here: str
    there: str

    @model_validator(mode="before")
    @classmethod
    def _same_name(cls, given: Any) -> Any:
        return {"here": given, "there": given} if isinstance(given, str) else given


class Join(_CellSource):
    """A value out of the rows of another file that match ours."""

    file: str
    match: JoinMatch
    take: Annotated[
        tuple[Template, ...], BeforeValidator(lambda given: given if isinstance(given, list) else [given])
    ] = Field(min_length=1)
    pick: Literal["most", "first", "last", "sum"] = "first"

    # Known by identity: it is the key of what was read for it.
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


class ListOfSources(RootModel[tuple["Source", ...]]):
    """Several sources of one list."""


class TableOfSources(RootModel[Mapping[str, "Source"]]):
    """A source for each name."""


def _find_source_kind(given: Any) -> str | None:
    match given:
        case str() | Column():
            return "#column"
        case list():
            return "#list"
        case dict() if given.keys() == {"value"}:
            return "#constant"
        case dict():
            return "#column" if "column" in given else "#join" if "file" in given else "#table"
    return None


def _make_column(given: Any) -> Any:
    return Column(column=_parse_template(given)) if isinstance(given, str) else given


# The tags begin with a sign by which they are told from keys of the map in the place of an error.
Source = Annotated[
    Annotated[Constant, Tag("#constant")]
    | Annotated[Column, BeforeValidator(_make_column), Tag("#column")]
    | Annotated[Join, Tag("#join")]
    | Annotated[ListOfSources, Tag("#list")]
    | Annotated[TableOfSources, Tag("#table")],
    Discriminator(_find_source_kind),
]


class RowFilter(_Table):
    """Keep a row only if the column has one of `include`, if given, and none of `exclude`; "" is: nothing."""

    column: str
    include: frozenset[Scalar] | None = Field(default=None, alias="in")
    exclude: frozenset[Scalar] = Field(default=frozenset(), alias="not_in")

    @model_validator(mode="after")
    def _check_condition(self) -> Self:
        if not self.model_fields_set & {"include", "exclude"}:
            raise _fault("needs column, and in or not_in")
        return self


class LayoutOptions(_Table):
    """What a map says of how a file is written: fields of `FileLayout`."""

    encoding: Annotated[str, AfterValidator(_check_codec)] = ""
    delimiter: str = Field(default="", min_length=1)
    columns: tuple[Scalar, ...] = ()
    row_end: str = Field(default="", min_length=1)
    quote: str = Field(default="", max_length=1)
    null: frozenset[Scalar] = frozenset()


def _require_some(fields: dict[str, Source]) -> dict[str, Source]:
    if not fields:
        raise _fault("says nothing; at least id is needed")
    return fields


class ImportMap(_Table):
    file: LayoutOptions = LayoutOptions()
    files: Mapping[str, LayoutOptions] = {}
    fields: Annotated[dict[str, Source], AfterValidator(_require_some)] = Field(default={}, validate_default=True)
    where: tuple[RowFilter, ...] = ()
    _folder: Path = Path()

    @property
    def folder(self) -> Path:
        """Where the map lies."""
        return self._folder

    def layout_of(self, path: Path, name: str | None = None) -> FileLayout:
        """How a file is written: the imported one, or with a name, a joined one.

        A joined file is written like the imported one but for what `[files."name"]` says, and for its columns.
        """
        layout = self.file.model_dump(exclude_unset=True)
        by_suffix = {"delimiter": "\t"} if path.suffix.lower() in (".tsv", ".tab") else {}
        if name is None:
            return replace(FileLayout(), **{**by_suffix, **layout})
        layout.pop("columns", None)
        own = self.files[name].model_dump(exclude_unset=True) if name in self.files else {}
        return replace(FileLayout(), **{**layout, **by_suffix, **own})


def read_map(path: Path) -> ImportMap:
    """Raises MapError, naming the key, for a file that cannot be read or a key or value that has no meaning."""
    try:
        map_ = ImportMap.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except OSError as error:
        raise MapError(f"{path.name}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise MapError(f"{path.name}: byte {error.start} is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise MapError(f"{path.name}: not TOML: {error}") from None
    except ValidationError as error:
        raise MapError(_describe_fault(error)) from None
    map_._folder = path.parent
    return map_


_TYPE_FAULTS = {
    "string_type": "a text",
    "list_type": "a list",
    "tuple_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a table",
    "mapping_type": "a table",
    "model_type": "a table",
    "union_tag_not_found": "a table",
    "missing": "is needed",
    "string_too_short": "is empty",
    "string_too_long": 'one character, or "" where quotes mean nothing',
    "too_short": "is empty",
}


def _describe_fault(error: ValidationError) -> str:
    """The first fault, by its place in the map."""
    fault = error.errors(include_url=False, include_input=False)[0]
    keys = [part for part in fault["loc"] if not str(part).startswith("#")]
    place = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).removeprefix(".")
    if keys[:1] == ["files"] and len(keys) > 1:
        place = ".".join([f'files."{keys[1]}"', *map(str, keys[2:])])
    return f"{place or 'the map'}: {_TYPE_FAULTS.get(fault['type'], fault['msg'].replace('Input should be', 'can only be'))}"
