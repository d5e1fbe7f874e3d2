"""The field types of contract.md, and lists by key."""

import base64
import binascii
import json
import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
)

from shared.errors import Unprocessable

Id = Annotated[str, StringConstraints(pattern=r"^[\w.:@-]{1,64}$", min_length=1, max_length=64)]
# A client's id, or its id in another system: `crm~4711`.
REF = r"^[\w.:@-]{1,64}(~[\w.:@-]{1,64})?$"
ClientRef = Annotated[str, StringConstraints(pattern=REF, min_length=1, max_length=129)]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", min_length=1, max_length=300)]
Paragraphs = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", min_length=1, max_length=10_000)]
Money = Annotated[
    Decimal,
    Field(ge=0, max_digits=18, decimal_places=2),
    PlainSerializer(lambda amount: f"{amount:.2f}", return_type=str),
]


# What amounts come to together.
Total = Annotated[Decimal, Field(ge=0), PlainSerializer(lambda amount: f"{amount:.2f}", return_type=str)]


def _no_truth(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("true and false are not numbers")
    return value


def _no_number(value: object) -> object:
    if isinstance(value, (bool, int, float)):
        raise ValueError("write it as text, as in ISO 8601")
    return value


# `true` is a typing error where a number is meant, and a number where a day is meant: neither passes silently as 1 or 1970.
NotTruth = BeforeValidator(_no_truth)
NotNumber = BeforeValidator(_no_number)
Effort = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False), NotTruth]
Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2999, 12, 31)), NotNumber]
Moment = Annotated[
    AwareDatetime,
    Field(
        ge=datetime.fromisoformat("1900-01-01T00:00:00+00:00"), le=datetime.fromisoformat("2999-12-31T00:00:00+00:00")
    ),
    NotNumber,
]


class Body(BaseModel):
    """A request's body: what it does not know is refused, so that a typing error never passes silently."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Body):
    """Of a route that wants to be told nothing: `{}`, or no body at all."""


T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    items: Sequence[T]
    next_cursor: str | None = None


class UnknownCursor(Unprocessable, code="unknown_cursor"):
    """This `cursor` was not given out by this list. Start again without one."""


@dataclass(frozen=True)
class Paging:
    """`limit` rows after the key `after` (the values of the sort key, as text)."""

    limit: int
    after: tuple[str, ...] | None

    @property
    def fetch(self) -> int:
        """How many rows to read: one more than wanted tells whether there is a next page."""
        return self.limit + 1

    @property
    def number(self) -> int | None:
        """The key of a list that is ordered by a number. Raises `UnknownCursor`."""
        if self.after is None:
            return None
        if not re.fullmatch(r"[0-9]{1,18}", self.after[0]):
            raise UnknownCursor
        return int(self.after[0])


def large_paging(
    limit: Annotated[int, Query(ge=1, le=100_000)] = 100, cursor: Annotated[str | None, Query(max_length=1000)] = None
) -> Paging:
    """Of the lists that other systems fetch whole."""
    return paging(limit, cursor)


def paging(
    limit: Annotated[int, Query(ge=1, le=1000)] = 100, cursor: Annotated[str | None, Query(max_length=1000)] = None
) -> Paging:
    if cursor is None:
        return Paging(limit, None)
    try:
        after = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        if (
            not isinstance(after, list)
            or not after
            or not all(isinstance(part, str) and b"\0" not in part.encode() for part in after)
        ):
            raise ValueError
    except (ValueError, binascii.Error):
        raise UnknownCursor from None
    return Paging(limit, tuple(after))


def page(
    rows: Sequence[Mapping[str, Any]],
    paging: Paging,
    key: Callable[[Mapping[str, Any]], Sequence[str]] = lambda row: (row["id"],),
) -> dict[str, Any]:
    """`fetch` rows as a page. `key` gives the sort key of a row as text."""
    shown = list(rows[: paging.limit])
    more = len(rows) > paging.limit
    return {"items": shown, "next_cursor": cursor_after(key(shown[-1])) if more else None}


def cursor_after(key: Sequence[str]) -> str:
    """The cursor of the page after the row with this key."""
    return base64.urlsafe_b64encode(json.dumps(list(key)).encode()).decode()


def uuid7() -> str:
    """A UUIDv7 (RFC 9562): ordered by time."""
    milliseconds = time.time_ns() // 1_000_000
    random = uuid.uuid4().int & ((1 << 74) - 1)
    value = (
        (milliseconds & ((1 << 48) - 1)) << 80
        | 0x7 << 76
        | (random >> 62) << 64
        | 0b10 << 62
        | (random & ((1 << 62) - 1))
    )
    return str(uuid.UUID(int=value))
