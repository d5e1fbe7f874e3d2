"""Lists by key: a page, and the cursor of the next one."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

from shared.errors import Unprocessable

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
    def bounds(self) -> dict[str, str | int]:
        """`:after` and `:fetch` for the statement of a list that is ordered by one text."""
        return {"after": self.after[0] if self.after else "", "fetch": self.fetch}

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


def _get_id(row: Any) -> tuple[str]:
    return (row.id,)


def make_page(items: Sequence[T], paging: Paging, key: Callable[[T], Sequence[str]] = _get_id) -> Page[T]:
    """`fetch` items as a page. `key` gives the sort key of an item as text: its id, if nothing else is said.

    Nothing is validated here: FastAPI does that once, against what the door says it returns.
    """
    shown = list(items[: paging.limit])
    more = len(items) > paging.limit
    return Page.model_construct(items=shown, next_cursor=encode_cursor(key(shown[-1])) if more else None)


def encode_cursor(key: Sequence[str]) -> str:
    """The cursor of the page after the row with this key."""
    return base64.urlsafe_b64encode(json.dumps(list(key)).encode()).decode()
