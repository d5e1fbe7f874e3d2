"""From the cells of a row to the value of a field: what a map says, compiled into one function for each field."""

from collections.abc import Callable, Mapping
from datetime import UTC, timedelta, tzinfo
from typing import Any

from services.cli.imports import fields, files, joins, maps

ValueMaker = Callable[[files.Cells], Any]

"""Makes the value of a field: None to leave it out. Raises RowError, which names field and column."""


def compile_field(
    shape: fields.FieldType,
    source: maps.Source,
    indexes: Mapping[maps.Join, joins.JoinIndex],
    shift: timedelta,
    at: str,
    zone: tzinfo = UTC,
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


def read_source(
    source: maps.Column | maps.Join, cells: files.Cells, indexes: Mapping[maps.Join, joins.JoinIndex]
) -> Any:
    """What the files say, before `values`, `default` and conversion; None if nothing. Raises RowError."""
    if isinstance(source, maps.Column):
        return joins.render_template(source.text, cells)
    return joins.look_up_joined(indexes[source], cells[source.here])


def _compile_single(
    shape: fields.FieldType,
    source: maps.Source,
    indexes: Mapping[maps.Join, joins.JoinIndex],
    shift: timedelta,
    at: str,
    zone: tzinfo = UTC,
) -> ValueMaker:
    if isinstance(source, maps.Constant):
        constant = _convert_stated(shape, source.value, at, zone)
        return lambda cells: constant
    if isinstance(source, maps.SourceList | maps.SourceTable):
        keys = f", not {', '.join(source.fields)}" if isinstance(source, maps.SourceTable) else ""
        raise maps.MapError(f"fields.{at}: a column, a template, or a table with column, value or file{keys}")
    if source.split:
        raise maps.MapError(f"fields.{at}.split: only where the field is a list")
    if shape not in ("day", "moment") and (source.format or source.latest):
        raise maps.MapError(f"fields.{at}: format and latest are for dates")
    default = None if source.default is None else _convert_stated(shape, source.default, at, zone)
    dated = shape in ("day", "moment")
    convert: Callable[[str], Any] = (
        _compile_date(shape, source.format, shift, zone) if dated else fields.TEXT_PARSERS[shape]
    )
    values = source.values or {}

    def make(cells: files.Cells) -> Any:
        try:
            text = read_source(source, cells, indexes)
            if isinstance(text, list | dict):
                raise ValueError("not a single value")
            text = values.get(text, text) if text is not None else None
            return convert(text) if text else default
        except (ValueError, joins.RowError) as error:
            raise _row_error(at, source, error) from None

    return make


def _convert_stated(shape: fields.FieldType, value: Any, at: str, zone: tzinfo = UTC) -> Any:
    if not isinstance(value, str):
        raise maps.MapError(f"fields.{at}: one value, not a list or a table")
    try:
        if shape == "moment":
            return fields.parse_time(value, None, zone)
        return fields.parse_date(value).isoformat() if shape == "day" else fields.TEXT_PARSERS[shape](value)
    except ValueError as error:
        raise maps.MapError(f"fields.{at}: what the map states is {error}") from None


def _compile_date(shape: fields.FieldType, form: str | None, shift: timedelta, zone: tzinfo) -> Callable[[str], str]:
    def moved(text: str) -> str:
        try:
            return (
                fields.parse_time(text, form, zone, shift)
                if shape == "moment"
                else (fields.parse_date(text, form) + shift).isoformat()
            )
        except OverflowError:
            raise ValueError("a date too far away") from None

    return moved


def _row_error(at: str, source: maps.Column | maps.Join, error: Exception) -> joins.RowError:
    if isinstance(error, joins.RowError):  # of a joined row or a template: it has its columns
        return joins.RowError(f"{at}: {error}")
    named = (
        source.text.columns if isinstance(source, maps.Column) else [name for of in source.take for name in of.columns]
    )
    file = f" of {source.file}" if isinstance(source, maps.Join) else ""
    return joins.RowError(f"{at}: column {', '.join(named)}{file}: {error}")


def _compile_texts(source: maps.Source, indexes: Mapping[maps.Join, joins.JoinIndex], at: str) -> ValueMaker:
    """Each text once, in the order of the map."""
    parts = [
        _compile_text_item(item, indexes, at)
        for item in (source.items if isinstance(source, maps.SourceList) else (source,))
    ]

    def make(cells: files.Cells) -> Any:
        return list(dict.fromkeys(text for part in parts for text in part(cells))) or None

    return make


def _compile_text_item(
    source: maps.Source, indexes: Mapping[maps.Join, joins.JoinIndex], at: str
) -> Callable[[files.Cells], list[str]]:
    """What one item of a list adds to it: a text, the pieces of a text that is split, or a list of NDJSON."""
    if isinstance(source, maps.Constant):
        stated = [
            _convert_stated("text", item, at)
            for item in (source.value if isinstance(source.value, list) else [source.value])
        ]
        return lambda cells: stated
    if isinstance(source, maps.SourceList | maps.SourceTable):
        raise maps.MapError(f"fields.{at}: columns, templates, or tables with column, value or file")
    if source.format or source.latest:
        raise maps.MapError(f"fields.{at}: format and latest are for dates")
    values, split = source.values or {}, source.split
    default = [] if source.default is None else [source.default]

    def part(cells: files.Cells) -> list[str]:
        try:
            found = read_source(source, cells, indexes)
        except joins.RowError as error:
            raise _row_error(at, source, error) from None
        if isinstance(found, str):
            found = [piece.strip() for piece in found.split(split)] if split else [found]
        elif found is None:
            found = []
        if isinstance(found, dict) or any(isinstance(text, list | dict) for text in found):
            raise _row_error(at, source, ValueError("not a list of texts"))
        return [text for piece in found if piece and (text := values.get(piece, piece))] or default

    return part


def _compile_by_name(
    shape: fields.FieldType, source: maps.Source, indexes: Mapping[maps.Join, joins.JoinIndex], at: str
) -> ValueMaker:
    """A value for each name, as the functions of an employee; also an object of NDJSON as it is."""
    if isinstance(source, maps.Constant) and isinstance(source.value, dict):
        constant = {name: _convert_stated(shape, value, f"{at}.{name}") for name, value in source.value.items()}
        return lambda cells: constant
    if isinstance(source, maps.Column):
        return _compile_object(shape, source, at)
    if not isinstance(source, maps.SourceTable):
        raise maps.MapError(f"fields.{at}: a table of names, each with a column or a table with column, value or file")
    makes = {
        name: _compile_single(shape, of, indexes, timedelta(), f"{at}.{name}") for name, of in source.fields.items()
    }
    return lambda cells: {name: value for name, make in makes.items() if (value := make(cells)) is not None} or None


def _compile_object(shape: fields.FieldType, source: maps.Column, at: str) -> ValueMaker:
    def make(cells: files.Cells) -> Any:
        found = joins.render_template(source.text, cells)
        if found is None:
            return None
        try:
            if not isinstance(found, dict) or any(isinstance(value, list | dict) for value in found.values()):
                raise ValueError("not an object with a value for each name")
            return {
                name: fields.TEXT_PARSERS[shape](value) for name, value in found.items() if value is not None
            } or None
        except ValueError as error:
            raise _row_error(at, source, error) from None

    return make


def _compile_contacts(source: maps.Source, indexes: Mapping[maps.Join, joins.JoinIndex], at: str) -> ValueMaker:
    """People at a client; one with nothing known is left out. Also a list of objects of NDJSON as it is."""
    if isinstance(source, maps.Column):
        return _compile_contact_objects(source, at)
    makes = [
        _compile_by_name("text", item, indexes, at)
        for item in (source.items if isinstance(source, maps.SourceList) else (source,))
    ]
    for item in source.items if isinstance(source, maps.SourceList) else (source,):
        if not isinstance(item, maps.SourceTable) or not item.fields.keys() <= set(fields.CONTACT_FIELDS):
            raise maps.MapError(f"fields.{at}: tables with {', '.join(fields.CONTACT_FIELDS)}")
    return lambda cells: [person for make in makes if (person := make(cells))] or None


def _compile_contact_objects(source: maps.Column, at: str) -> ValueMaker:
    def make(cells: files.Cells) -> Any:
        found = joins.render_template(source.text, cells)
        if found is None:
            return None
        people = found if isinstance(found, list) else [found]
        if not all(isinstance(person, dict) and _is_contact(person) for person in people):
            raise _row_error(at, source, ValueError(f"not a list of objects with {', '.join(fields.CONTACT_FIELDS)}"))
        known = ({key: value for key, value in person.items() if value is not None} for person in people)
        return [person for person in known if person] or None

    return make


def _is_contact(person: dict[str, Any]) -> bool:
    return all(
        key in fields.CONTACT_FIELDS and (value is None or isinstance(value, str)) for key, value in person.items()
    )
