"""From the cells of a row to the value of a field: what a map says, compiled into one function for each field."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta, tzinfo
from typing import Any

from services.cli.imports.fields import CONTACT_FIELDS, TEXT_PARSERS, FieldType, parse_date, parse_moment
from services.cli.imports.files import Cells
from services.cli.imports.joins import JoinIndex, RowError, look_up_joined, render_template
from services.cli.imports.maps import Column, Constant, Join, ListOfSources, MapError, Source, TableOfSources

ValueMaker = Callable[[Cells], Any]

"""Makes the value of a field: None to leave it out. Raises RowError, which names field and column."""


def read_source(source: Column | Join, cells: Cells, indexes: Mapping[Join, JoinIndex]) -> Any:
    """What the files say, before `values`, `default` and conversion; None if nothing. Raises RowError."""
    if isinstance(source, Column):
        return render_template(source.text, cells)
    return look_up_joined(indexes[source], cells[source.match.here])


@dataclass(frozen=True)
class FieldCompiler:
    """Makes the functions of fields; `shift` moves their dates, and times without an offset are of `zone`."""

    indexes: Mapping[Join, JoinIndex]
    shift: timedelta = timedelta()
    zone: tzinfo = UTC

    def compile(self, field_type: FieldType, source: Source, at: str) -> ValueMaker:
        """The function for a field of this type, which is called `at`. Raises MapError if the map cannot give it."""
        match field_type:
            case "texts":
                return self._compile_texts(source, at)
            case "numbers_by_name":
                return self._compile_by_name("number", source, at)
            case "texts_by_name":
                return self._compile_by_name("text", source, at)
            case "contacts":
                return self._compile_contacts(source, at)
            case _:
                return self._compile_single(field_type, source, at, self.shift)

    def _compile_single(self, field_type: FieldType, source: Source, at: str, shift: timedelta) -> ValueMaker:
        if isinstance(source, Constant):
            constant = self._convert_stated(field_type, source.value, at)
            return lambda cells: constant
        if isinstance(source, ListOfSources | TableOfSources):
            keys = f", not {', '.join(source.root)}" if isinstance(source, TableOfSources) else ""
            raise MapError(f"fields.{at}: a column, a template, or a table with column, value or file{keys}")
        if source.split:
            raise MapError(f"fields.{at}.split: only where the field is a list")
        dated = field_type in ("day", "moment")
        if not dated:
            _refuse_date_options(source, at)
        default = None if source.default is None else self._convert_stated(field_type, source.default, at)
        convert = self._compile_date(field_type, source.format, shift) if dated else TEXT_PARSERS[field_type]

        def make(cells: Cells) -> Any:
            try:
                text = read_source(source, cells, self.indexes)
                if isinstance(text, list | dict):
                    raise ValueError("not a single value")
                text = source.values.get(text, text) if text is not None else None
                return convert(text) if text else default
            except (ValueError, RowError) as error:
                raise _row_error(at, source, error) from None

        return make

    def _convert_stated(self, field_type: FieldType, value: Any, at: str) -> Any:
        if not isinstance(value, str):
            raise MapError(f"fields.{at}: one value, not a list or a table")
        try:
            if field_type == "moment":
                return parse_moment(value, None, self.zone)
            return parse_date(value).isoformat() if field_type == "day" else TEXT_PARSERS[field_type](value)
        except ValueError as error:
            raise MapError(f"fields.{at}: what the map states is {error}") from None

    def _compile_date(self, field_type: FieldType, form: str | None, shift: timedelta) -> Callable[[str], str]:
        def convert(text: str) -> str:
            try:
                if field_type == "moment":
                    return parse_moment(text, form, self.zone, shift)
                return (parse_date(text, form) + shift).isoformat()
            except OverflowError:
                raise ValueError("a date too far away") from None

        return convert

    def _compile_texts(self, source: Source, at: str) -> ValueMaker:
        """Each text once, in the order of the map."""
        parts = [self._compile_text_item(item, at) for item in _list_items(source)]
        return lambda cells: list(dict.fromkeys(text for part in parts for text in part(cells))) or None

    def _compile_text_item(self, source: Source, at: str) -> Callable[[Cells], list[str]]:
        """What one item of a list adds to it: a text, the pieces of a text that is split, or a list of NDJSON."""
        if isinstance(source, Constant):
            items = source.value if isinstance(source.value, list) else [source.value]
            stated = [self._convert_stated("text", item, at) for item in items]
            return lambda cells: stated
        if isinstance(source, ListOfSources | TableOfSources):
            raise MapError(f"fields.{at}: columns, templates, or tables with column, value or file")
        _refuse_date_options(source, at)
        values, split = source.values, source.split
        default = [] if source.default is None else [source.default]

        def part(cells: Cells) -> list[str]:
            try:
                found = read_source(source, cells, self.indexes)
            except RowError as error:
                raise _row_error(at, source, error) from None
            if isinstance(found, str):
                found = [piece.strip() for piece in found.split(split)] if split else [found]
            found = [] if found is None else found
            if isinstance(found, dict) or any(isinstance(text, list | dict) for text in found):
                raise _row_error(at, source, ValueError("not a list of texts"))
            return [text for piece in found if piece and (text := values.get(piece, piece))] or default

        return part

    def _compile_by_name(self, field_type: FieldType, source: Source, at: str) -> ValueMaker:
        """A value for each name, as the functions of an employee; also an object of NDJSON as it is."""
        if isinstance(source, Constant) and isinstance(source.value, dict):
            constant = {
                name: self._convert_stated(field_type, value, f"{at}.{name}") for name, value in source.value.items()
            }
            return lambda cells: constant
        if isinstance(source, Column):
            return _compile_object(source, at, lambda found: _convert_object(field_type, found))
        if not isinstance(source, TableOfSources):
            raise MapError(f"fields.{at}: a table of names, each with a column or a table with column, value or file")
        makes = {
            name: self._compile_single(field_type, of, f"{at}.{name}", timedelta()) for name, of in source.root.items()
        }
        return lambda cells: {name: value for name, make in makes.items() if (value := make(cells)) is not None} or None

    def _compile_contacts(self, source: Source, at: str) -> ValueMaker:
        """People at a client; one with nothing known is left out. Also a list of objects of NDJSON as it is."""
        if isinstance(source, Column):
            return _compile_object(source, at, _convert_contacts)
        makes = [self._compile_by_name("text", item, at) for item in _list_items(source)]
        for item in _list_items(source):
            if not isinstance(item, TableOfSources) or not item.root.keys() <= set(CONTACT_FIELDS):
                raise MapError(f"fields.{at}: tables with {', '.join(CONTACT_FIELDS)}")
        return lambda cells: [person for make in makes if (person := make(cells))] or None


def _list_items(source: Source) -> tuple[Source, ...]:
    return source.root if isinstance(source, ListOfSources) else (source,)


def _refuse_date_options(source: Column | Join, at: str) -> None:
    if source.format or source.latest:
        raise MapError(f"fields.{at}: format and latest are for dates")


def _row_error(at: str, source: Column | Join, error: Exception) -> RowError:
    if isinstance(error, RowError):  # of a joined row or a template: it has its columns
        return RowError(f"{at}: {error}")
    columns = source.text.columns if isinstance(source, Column) else [name for of in source.take for name in of.columns]
    file = f" of {source.file}" if isinstance(source, Join) else ""
    return RowError(f"{at}: column {', '.join(columns)}{file}: {error}")


def _compile_object(source: Column, at: str, convert: Callable[[Any], Any]) -> ValueMaker:
    """For objects and lists of NDJSON; `convert` raises ValueError for those of another form."""

    def make(cells: Cells) -> Any:
        found = render_template(source.text, cells)
        try:
            return None if found is None else convert(found) or None
        except ValueError as error:
            raise _row_error(at, source, error) from None

    return make


def _convert_object(field_type: FieldType, found: Any) -> dict[str, Any]:
    if not isinstance(found, dict) or any(isinstance(value, list | dict) for value in found.values()):
        raise ValueError("not an object with a value for each name")
    return {name: TEXT_PARSERS[field_type](value) for name, value in found.items() if value is not None}


def _convert_contacts(found: Any) -> list[dict[str, Any]]:
    people = found if isinstance(found, list) else [found]
    if not all(isinstance(person, dict) and _is_contact(person) for person in people):
        raise ValueError(f"not a list of objects with {', '.join(CONTACT_FIELDS)}")
    known = ({key: value for key, value in person.items() if value is not None} for person in people)
    return [person for person in known if person]


def _is_contact(person: Mapping[str, Any]) -> bool:
    return all(key in CONTACT_FIELDS and (value is None or isinstance(value, str)) for key, value in person.items())
