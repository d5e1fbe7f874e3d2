"""From the cells of a row to the value of a field: what a map says, compiled into one function for each field."""

from collections.abc import Callable, Mapping
from datetime import UTC, timedelta, tzinfo
from typing import Any

from services.cli.imports.fields import CONTACT_FIELDS, TEXT_PARSERS, FieldType, parse_date, parse_time
from services.cli.imports.files import Cells
from services.cli.imports.joins import JoinIndex, RowError, look_up_joined, render_template
from services.cli.imports.maps import Column, Constant, Join, MapError, Source, SourceList, SourceTable

ValueMaker = Callable[[Cells], Any]

"""Makes the value of a field: None to leave it out. Raises RowError, which names field and column."""


def compile_field(
    shape: FieldType, source: Source, indexes: Mapping[Join, JoinIndex], shift: timedelta, at: str, zone: tzinfo = UTC
) -> ValueMaker:
    """The function for a field of this shape; `shift` moves its dates, and times without an offset are of `zone`.

    Raises MapError if the map cannot give it.
    """
    match shape:
        case "texts":
            return _compile_texts(source, indexes, at)
        case "numbers_by_name":
            return _compile_by_name("number", source, indexes, at)
        case "texts_by_name":
            return _compile_by_name("text", source, indexes, at)
        case "contacts":
            return _compile_contacts(source, indexes, at)
        case _:
            return _compile_single(shape, source, indexes, shift, at, zone)


def read_source(source: Column | Join, cells: Cells, indexes: Mapping[Join, JoinIndex]) -> Any:
    """What the files say, before `values`, `default` and conversion; None if nothing. Raises RowError."""
    if isinstance(source, Column):
        return render_template(source.text, cells)
    return look_up_joined(indexes[source], cells[source.here])


def _compile_single(
    shape: FieldType, source: Source, indexes: Mapping[Join, JoinIndex], shift: timedelta, at: str, zone: tzinfo = UTC
) -> ValueMaker:
    if isinstance(source, Constant):
        constant = _convert_stated(shape, source.value, at, zone)
        return lambda cells: constant
    if isinstance(source, SourceList | SourceTable):
        keys = f", not {', '.join(source.fields)}" if isinstance(source, SourceTable) else ""
        raise MapError(f"fields.{at}: a column, a template, or a table with column, value or file{keys}")
    if source.split:
        raise MapError(f"fields.{at}.split: only where the field is a list")
    if shape not in ("day", "moment") and (source.format or source.latest):
        raise MapError(f"fields.{at}: format and latest are for dates")
    default = None if source.default is None else _convert_stated(shape, source.default, at, zone)
    dated = shape in ("day", "moment")
    convert: Callable[[str], Any] = _compile_date(shape, source.format, shift, zone) if dated else TEXT_PARSERS[shape]
    values = source.values or {}

    def make(cells: Cells) -> Any:
        try:
            text = read_source(source, cells, indexes)
            if isinstance(text, list | dict):
                raise ValueError("not a single value")
            text = values.get(text, text) if text is not None else None
            return convert(text) if text else default
        except (ValueError, RowError) as error:
            raise _row_error(at, source, error) from None

    return make


def _convert_stated(shape: FieldType, value: Any, at: str, zone: tzinfo = UTC) -> Any:
    if not isinstance(value, str):
        raise MapError(f"fields.{at}: one value, not a list or a table")
    try:
        if shape == "moment":
            return parse_time(value, None, zone)
        return parse_date(value).isoformat() if shape == "day" else TEXT_PARSERS[shape](value)
    except ValueError as error:
        raise MapError(f"fields.{at}: what the map states is {error}") from None


def _compile_date(shape: FieldType, form: str | None, shift: timedelta, zone: tzinfo) -> Callable[[str], str]:
    def moved(text: str) -> str:
        try:
            return (
                parse_time(text, form, zone, shift)
                if shape == "moment"
                else (parse_date(text, form) + shift).isoformat()
            )
        except OverflowError:
            raise ValueError("a date too far away") from None

    return moved


def _row_error(at: str, source: Column | Join, error: Exception) -> RowError:
    if isinstance(error, RowError):  # of a joined row or a template: it has its columns
        return RowError(f"{at}: {error}")
    named = source.text.columns if isinstance(source, Column) else [name for of in source.take for name in of.columns]
    file = f" of {source.file}" if isinstance(source, Join) else ""
    return RowError(f"{at}: column {', '.join(named)}{file}: {error}")


def _compile_texts(source: Source, indexes: Mapping[Join, JoinIndex], at: str) -> ValueMaker:
    """Each text once, in the order of the map."""
    parts = [
        _compile_text_item(item, indexes, at)
        for item in (source.items if isinstance(source, SourceList) else (source,))
    ]

    def make(cells: Cells) -> Any:
        return list(dict.fromkeys(text for part in parts for text in part(cells))) or None

    return make


def _compile_text_item(source: Source, indexes: Mapping[Join, JoinIndex], at: str) -> Callable[[Cells], list[str]]:
    """What one item of a list adds to it: a text, the pieces of a text that is split, or a list of NDJSON."""
    if isinstance(source, Constant):
        stated = [
            _convert_stated("text", item, at)
            for item in (source.value if isinstance(source.value, list) else [source.value])
        ]
        return lambda cells: stated
    if isinstance(source, SourceList | SourceTable):
        raise MapError(f"fields.{at}: columns, templates, or tables with column, value or file")
    if source.format or source.latest:
        raise MapError(f"fields.{at}: format and latest are for dates")
    values, split = source.values or {}, source.split
    default = [] if source.default is None else [source.default]

    def part(cells: Cells) -> list[str]:
        try:
            found = read_source(source, cells, indexes)
        except RowError as error:
            raise _row_error(at, source, error) from None
        if isinstance(found, str):
            found = [piece.strip() for piece in found.split(split)] if split else [found]
        elif found is None:
            found = []
        if isinstance(found, dict) or any(isinstance(text, list | dict) for text in found):
            raise _row_error(at, source, ValueError("not a list of texts"))
        return [text for piece in found if piece and (text := values.get(piece, piece))] or default

    return part


def _compile_by_name(shape: FieldType, source: Source, indexes: Mapping[Join, JoinIndex], at: str) -> ValueMaker:
    """A value for each name, as the functions of an employee; also an object of NDJSON as it is."""
    if isinstance(source, Constant) and isinstance(source.value, dict):
        constant = {name: _convert_stated(shape, value, f"{at}.{name}") for name, value in source.value.items()}
        return lambda cells: constant
    if isinstance(source, Column):
        return _compile_object(shape, source, at)
    if not isinstance(source, SourceTable):
        raise MapError(f"fields.{at}: a table of names, each with a column or a table with column, value or file")
    makes = {
        name: _compile_single(shape, of, indexes, timedelta(), f"{at}.{name}") for name, of in source.fields.items()
    }
    return lambda cells: {name: value for name, make in makes.items() if (value := make(cells)) is not None} or None


def _compile_object(shape: FieldType, source: Column, at: str) -> ValueMaker:
    def make(cells: Cells) -> Any:
        found = render_template(source.text, cells)
        if found is None:
            return None
        try:
            if not isinstance(found, dict) or any(isinstance(value, list | dict) for value in found.values()):
                raise ValueError("not an object with a value for each name")
            return {name: TEXT_PARSERS[shape](value) for name, value in found.items() if value is not None} or None
        except ValueError as error:
            raise _row_error(at, source, error) from None

    return make


def _compile_contacts(source: Source, indexes: Mapping[Join, JoinIndex], at: str) -> ValueMaker:
    """People at a client; one with nothing known is left out. Also a list of objects of NDJSON as it is."""
    if isinstance(source, Column):
        return _compile_contact_objects(source, at)
    makes = [
        _compile_by_name("text", item, indexes, at)
        for item in (source.items if isinstance(source, SourceList) else (source,))
    ]
    for item in source.items if isinstance(source, SourceList) else (source,):
        if not isinstance(item, SourceTable) or not item.fields.keys() <= set(CONTACT_FIELDS):
            raise MapError(f"fields.{at}: tables with {', '.join(CONTACT_FIELDS)}")
    return lambda cells: [person for make in makes if (person := make(cells))] or None


def _compile_contact_objects(source: Column, at: str) -> ValueMaker:
    def make(cells: Cells) -> Any:
        found = render_template(source.text, cells)
        if found is None:
            return None
        people = found if isinstance(found, list) else [found]
        if not all(isinstance(person, dict) and _is_contact(person) for person in people):
            raise _row_error(at, source, ValueError(f"not a list of objects with {', '.join(CONTACT_FIELDS)}"))
        known = ({key: value for key, value in person.items() if value is not None} for person in people)
        return [person for person in known if person] or None

    return make


def _is_contact(person: dict[str, Any]) -> bool:
    return all(key in CONTACT_FIELDS and (value is None or isinstance(value, str)) for key, value in person.items())
