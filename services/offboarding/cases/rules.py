"""The departure that a case comes from, and the id that it gives the case."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True)
class Departure:
    """What was announced: `ref` is the sequence of the announcing event, by which all services know the ground."""

    employee_id: str
    employment_id: str
    ref: str
    caretakers: tuple[str, ...]
    notice_on: date
    last_day: date
    over: bool = False

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Departure":
        days = {name: date.fromisoformat(row[name]) for name in ("notice_on", "last_day")}
        return cls(**{**row, **days, "caretakers": tuple(row["caretakers"])})


def make_case_id(departure: Departure) -> str:
    """The same announcement makes the same case, however often it is heard."""
    name = f"{departure.employee_id}/{departure.employment_id}/{departure.ref}"
    return str(uuid.UUID(hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()))
