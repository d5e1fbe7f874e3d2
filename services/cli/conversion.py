"""From the cells of a row to the value of a field: what a map says, compiled into one function for each field."""

from collections.abc import Callable, Mapping
from datetime import UTC, timedelta, tzinfo
from typing import Any

from services.cli.fields import CONTACT, PLAIN, Shape, day, moment
from services.cli.joins import Index, RowError, look_up, render
from services.cli.maps import Column, Constant, Items, Join, MapError, Nested, Source
from services.cli.tables import Cells

Make = Callable[[Cells], Any]
"""Makes the value of a field: None to leave it out. Raises RowError, which names field and column."""


def made(
    shape: Shape, source: Source, indexes: Mapping[Join, Index], shift: timedelta, at: str, zone: tzinfo = UTC
) -> Make:
    """The function for a field of this shape; `shift` moves its dates, and times without an offset are of `zone`.

    Raises MapError if the map cannot give it.
    """
    match shape:
        case "texts":
            return _texts(source, indexes, at)
        case "numbers_by_name":
            return _by_name("number", source, indexes, at)
        case "texts_by_name":
            return _by_name("text", source, indexes, at)
        case "contacts":
            return _contacts(source, indexes, at)
        case _:
            return _single(shape, source, indexes, shift, at, zone)


def read(source: Column | Join, cells: Cells, indexes: Mapping[Join, Index]) -> Any:
    """What the files say, before `values`, `default` and conversion; None if nothing. Raises RowError."""
    if isinstance(source, Column):
        return render(source.text, cells)
    return look_up(indexes[source], cells[source.here])


def _single(
    shape: Shape, source: Source, indexes: Mapping[Join, Index], shift: timedelta, at: str, zone: tzinfo = UTC
) -> Make:
    if isinstance(source, Constant):
        constant = _stated(shape, source.value, at, zone)
        return lambda cells: constant
    if isinstance(source, Items | Nested):
        keys = f", not {', '.join(source.fields)}" if isinstance(source, Nested) else ""
        raise MapError(f"fields.{at}: a column, a template, or a table with column, value or file{keys}")
    if source.split:
        raise MapError(f"fields.{at}.split: only where the field is a list")
    if shape not in ("day", "moment") and (source.format or source.latest):
        raise MapError(f"fields.{at}: format and latest are for dates")
    default = None if source.default is None else _stated(shape, source.default, at, zone)
    dated = shape in ("day", "moment")
    convert: Callable[[str], Any] = _moved(shape, source.format, shift, zone) if dated else PLAIN[shape]
    values = source.values or {}

    def make(cells: Cells) -> Any:
        try:
            text = read(source, cells, indexes)
            if isinstance(text, list | dict):
                raise ValueError("not a single value")
            text = values.get(text, text) if text is not None else None
            return convert(text) if text else default
        except (ValueError, RowError) as error:
            raise _refusal(at, source, error) from None

    return make


def _stated(shape: Shape, value: Any, at: str, zone: tzinfo = UTC) -> Any:
    if not isinstance(value, str):
        raise MapError(f"fields.{at}: one value, not a list or a table")
    try:
        if shape == "moment":
            return moment(value, None, zone)
        return day(value).isoformat() if shape == "day" else PLAIN[shape](value)
    except ValueError as error:
        raise MapError(f"fields.{at}: what the map states is {error}") from None


def _moved(shape: Shape, form: str | None, shift: timedelta, zone: tzinfo) -> Callable[[str], str]:
    def moved(text: str) -> str:
        try:
            return moment(text, form, zone, shift) if shape == "moment" else (day(text, form) + shift).isoformat()
        except OverflowError:
            raise ValueError("a date too far away") from None

    return moved


def _refusal(at: str, source: Column | Join, error: Exception) -> RowError:
    if isinstance(error, RowError):  # of a joined row or a template: it has its columns
        return RowError(f"{at}: {error}")
    named = source.text.columns if isinstance(source, Column) else [name for of in source.take for name in of.columns]
    file = f" of {source.file}" if isinstance(source, Join) else ""
    return RowError(f"{at}: column {', '.join(named)}{file}: {error}")


def _texts(source: Source, indexes: Mapping[Join, Index], at: str) -> Make:
    """Each text once, in the order of the map."""
    parts = [_part(item, indexes, at) for item in (source.items if isinstance(source, Items) else (source,))]

    def make(cells: Cells) -> Any:
        return list(dict.fromkeys(text for part in parts for text in part(cells))) or None

    return make


def _part(source: Source, indexes: Mapping[Join, Index], at: str) -> Callable[[Cells], list[str]]:
    """What one item of a list adds to it: a text, the pieces of a text that is split, or a list of NDJSON."""
    if isinstance(source, Constant):
        stated = [
            _stated("text", item, at) for item in (source.value if isinstance(source.value, list) else [source.value])
        ]
        return lambda cells: stated
    if isinstance(source, Items | Nested):
        raise MapError(f"fields.{at}: columns, templates, or tables with column, value or file")
    if source.format or source.latest:
        raise MapError(f"fields.{at}: format and latest are for dates")
    values, split = source.values or {}, source.split
    default = [] if source.default is None else [source.default]

    def part(cells: Cells) -> list[str]:
        try:
            found = read(source, cells, indexes)
        except RowError as error:
            raise _refusal(at, source, error) from None
        if isinstance(found, str):
            found = [piece.strip() for piece in found.split(split)] if split else [found]
        elif found is None:
            found = []
        if isinstance(found, dict) or any(isinstance(text, list | dict) for text in found):
            raise _refusal(at, source, ValueError("not a list of texts"))
        return [text for piece in found if piece and (text := values.get(piece, piece))] or default

    return part


def _by_name(shape: Shape, source: Source, indexes: Mapping[Join, Index], at: str) -> Make:
    """A value for each name, as the functions of an employee; also an object of NDJSON as it is."""
    if isinstance(source, Constant) and isinstance(source.value, dict):
        constant = {name: _stated(shape, value, f"{at}.{name}") for name, value in source.value.items()}
        return lambda cells: constant
    if isinstance(source, Column):
        return _object(shape, source, at)
    if not isinstance(source, Nested):
        raise MapError(f"fields.{at}: a table of names, each with a column or a table with column, value or file")
    makes = {name: _single(shape, of, indexes, timedelta(), f"{at}.{name}") for name, of in source.fields.items()}
    return lambda cells: {name: value for name, make in makes.items() if (value := make(cells)) is not None} or None


def _object(shape: Shape, source: Column, at: str) -> Make:
    def make(cells: Cells) -> Any:
        found = render(source.text, cells)
        if found is None:
            return None
        try:
            if not isinstance(found, dict) or any(isinstance(value, list | dict) for value in found.values()):
                raise ValueError("not an object with a value for each name")
            return {name: PLAIN[shape](value) for name, value in found.items() if value is not None} or None
        except ValueError as error:
            raise _refusal(at, source, error) from None

    return make


def _contacts(source: Source, indexes: Mapping[Join, Index], at: str) -> Make:
    """People at a client; one with nothing known is left out. Also a list of objects of NDJSON as it is."""
    if isinstance(source, Column):
        return _people(source, at)
    makes = [_by_name("text", item, indexes, at) for item in (source.items if isinstance(source, Items) else (source,))]
    for item in source.items if isinstance(source, Items) else (source,):
        if not isinstance(item, Nested) or not item.fields.keys() <= set(CONTACT):
            raise MapError(f"fields.{at}: tables with {', '.join(CONTACT)}")
    return lambda cells: [person for make in makes if (person := make(cells))] or None


def _people(source: Column, at: str) -> Make:
    def make(cells: Cells) -> Any:
        found = render(source.text, cells)
        if found is None:
            return None
        people = found if isinstance(found, list) else [found]
        if not all(isinstance(person, dict) and _is_contact(person) for person in people):
            raise _refusal(at, source, ValueError(f"not a list of objects with {', '.join(CONTACT)}"))
        known = ({key: value for key, value in person.items() if value is not None} for person in people)
        return [person for person in known if person] or None

    return make


def _is_contact(person: dict[str, Any]) -> bool:
    return all(key in CONTACT and (value is None or isinstance(value, str)) for key, value in person.items())
