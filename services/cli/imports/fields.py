"""What can be imported: the fields of each kind of thing, and how a text becomes their value."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Literal

FieldType = Literal["text", "number", "money", "day", "moment", "texts", "numbers_by_name", "texts_by_name", "contacts"]


# Whatever is not named here is a text; a name means the same in each kind.
SHAPES: dict[str, FieldType] = {
    **dict.fromkeys(("value", "expected_value"), "money"),
    **dict.fromkeys(("effort", "score", "rows"), "number"),
    **dict.fromkeys(("hired_on", "placed_on", "promised_on", "delivered_on", "cancelled_on"), "day"),
    **dict.fromkeys(("regions", "languages"), "texts"),
    **dict.fromkeys(("team", "external_ids", "assignees"), "texts_by_name"),
    "at": "moment",
    "functions": "numbers_by_name",
    "contacts": "contacts",
}


@dataclass(frozen=True)
class Field:
    field_type: FieldType
    required: bool


def _list_fields(*names: str) -> dict[str, Field]:
    """The fields of a kind, in the order in which messages name them; `!` marks those that each row must have."""
    fields = {}
    for marked in names:
        name = marked.removesuffix("!")
        fields[name] = Field(SHAPES.get(name, "text"), required=name != marked)
    return fields


FIELDS_BY_KIND = {
    "departments": _list_fields("id!", "name!", "parent_id", "head_id"),
    "employees": _list_fields(
        *("id!", "name!", "email!", "position", "department_id", "manager_id", "deputy_id"),
        *("functions", "regions", "languages", "hired_on!"),
    ),
    "clients": _list_fields(
        *("id!", "name!", "owner_id!", "value", "effort", "regions", "languages", "contacts", "team", "status"),
        *("expected_value", "external_ids"),
    ),
    "orders": _list_fields(
        *("id!", "client_id!", "flow_id!", "value!", "origin!", "placed_on!", "promised_on", "assignees"),
        *("delivered_on", "cancelled_on"),
    ),
    "interactions": _list_fields("id", "client_id!", "employee_id!", "kind!", "at!", "summary"),
    "feedback": _list_fields("id", "client_id!", "score!", "note", "at!"),
    "team": _list_fields("client_id!", "function!", "employee_id!"),
    "contacts": _list_fields("id", "client_id!", "name!", "email", "phone"),
    "usage": _list_fields("id", "employee_id!", "client_id!", "action!", "rows", "at!", "system!"),
}

CONTACT_FIELDS = ("id", "name", "email", "phone")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)
_CENT = Decimal("0.01")
_TOO_LARGE = Decimal(10) ** 15


def parse_decimal(text: str) -> Decimal:
    """The number that a text says, with a point for its fraction. Raises ValueError, also for 10^15 and more."""
    if not _NUMBER.fullmatch(text):
        raise ValueError("not a number")
    number = Decimal(text)
    if abs(number) >= _TOO_LARGE:
        raise ValueError("too large a number")
    return number


def parse_number(text: str) -> int | float:
    exact = parse_decimal(text)
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def parse_money(text: str) -> str:
    """A decimal string with two places: exports that pass amounts through floats write 9.80000019 for 9.80."""
    return str(parse_decimal(text).quantize(_CENT, ROUND_HALF_UP))


@lru_cache(maxsize=50_000)
def parse_date(text: str, date_format: str | None = None) -> date:
    """The day of an ISO date or time, or of a text in the given `date_format` of strptime. Raises ValueError for others."""
    try:
        return datetime.strptime(text, date_format).date() if date_format else datetime.fromisoformat(text).date()  # noqa: DTZ007
    except ValueError:
        raise ValueError("not a date") from None


@lru_cache(maxsize=50_000)
def parse_moment(text: str, date_format: str | None, zone: tzinfo, shift: timedelta = timedelta()) -> str:
    """The instant of an ISO time, or of a text in the given `date_format` of strptime; without an offset it is a time of `zone`.

    Raises ValueError for others, OverflowError where `shift` moves it too far away.
    """
    try:
        told = datetime.strptime(text, date_format) if date_format else datetime.fromisoformat(text)  # noqa: DTZ007
    except ValueError:
        raise ValueError("not a time") from None
    moved = told + shift
    return (moved if moved.tzinfo else moved.replace(tzinfo=zone)).isoformat()


TEXT_PARSERS: dict[FieldType, Callable[[str], str | int | float]] = {
    "text": str,
    "number": parse_number,
    "money": parse_money,
}

"""How to make the value of one text, for the shapes that need nothing but the text."""
