"""What can be imported: the fields of each kind of thing, and how a text becomes their value."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Literal

FieldType = Literal["text", "number", "money", "day", "moment", "texts", "numbers_by_name", "texts_by_name", "contacts"]


@dataclass(frozen=True)
class Field:
    shape: FieldType
    required: bool = False


_ID = Field("text", required=True)

FIELDS_BY_KIND: dict[str, dict[str, Field]] = {
    "departments": {
        "id": _ID,
        "name": Field("text", required=True),
        "parent_id": Field("text"),
        "head_id": Field("text"),
    },
    "employees": {
        "id": _ID,
        "name": Field("text", required=True),
        "email": Field("text", required=True),
        "position": Field("text"),
        "department_id": Field("text"),
        "manager_id": Field("text"),
        "deputy_id": Field("text"),
        "functions": Field("numbers_by_name"),
        "regions": Field("texts"),
        "languages": Field("texts"),
        "hired_on": Field("day", required=True),
    },
    "clients": {
        "id": _ID,
        "name": Field("text", required=True),
        "owner_id": Field("text", required=True),
        "value": Field("money"),
        "effort": Field("number"),
        "regions": Field("texts"),
        "languages": Field("texts"),
        "contacts": Field("contacts"),
        "team": Field("texts_by_name"),
        "status": Field("text"),
        "expected_value": Field("money"),
        "external_ids": Field("texts_by_name"),
    },
    "orders": {
        "id": _ID,
        "client_id": Field("text", required=True),
        "flow_id": Field("text", required=True),
        "value": Field("money", required=True),
        "origin": Field("text", required=True),
        "placed_on": Field("day", required=True),
        "promised_on": Field("day"),
        "assignees": Field("texts_by_name"),
        "delivered_on": Field("day"),
        "cancelled_on": Field("day"),
    },
    "interactions": {
        "id": Field("text"),
        "client_id": Field("text", required=True),
        "employee_id": Field("text", required=True),
        "kind": Field("text", required=True),
        "at": Field("moment", required=True),
        "summary": Field("text"),
    },
    "feedback": {
        "id": Field("text"),
        "client_id": Field("text", required=True),
        "score": Field("number", required=True),
        "note": Field("text"),
        "at": Field("moment", required=True),
    },
    "team": {
        "client_id": Field("text", required=True),
        "function": Field("text", required=True),
        "employee_id": Field("text", required=True),
    },
    "contacts": {
        "id": Field("text"),
        "client_id": Field("text", required=True),
        "name": Field("text", required=True),
        "email": Field("text"),
        "phone": Field("text"),
    },
    "usage": {
        "id": Field("text"),
        "employee_id": Field("text", required=True),
        "client_id": Field("text", required=True),
        "action": Field("text", required=True),
        "rows": Field("number"),
        "at": Field("moment", required=True),
        "system": Field("text", required=True),
    },
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
def parse_date(text: str, form: str | None = None) -> date:
    """The day of an ISO date or time, or of a text in the given strptime form. Raises ValueError for others."""
    try:
        return datetime.strptime(text, form).date() if form else datetime.fromisoformat(text).date()  # noqa: DTZ007
    except ValueError:
        raise ValueError("not a date") from None


@lru_cache(maxsize=50_000)
def parse_time(text: str, form: str | None, zone: tzinfo, shift: timedelta = timedelta()) -> str:
    """The instant of an ISO time, or of a text in the given strptime form; without an offset it is a time of `zone`.

    Raises ValueError for others, OverflowError where `shift` moves it too far away.
    """
    try:
        told = datetime.strptime(text, form) if form else datetime.fromisoformat(text)  # noqa: DTZ007
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
