"""Where a case comes from: an announced departure."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from services.offboarding.domain.checklist import complete, from_rows, to_rows
from services.offboarding.saga import NEWEST, Case, Wanted
from services.offboarding.store import cases
from shared.contracts.offboarding import OffboardingStarted
from shared.database import UnitOfWork

Row = Mapping[str, Any]


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


def case_id_of(departure: Departure) -> str:
    """The same announcement makes the same case, however often it is heard."""
    name = f"{departure.employee_id}/{departure.employment_id}/{departure.ref}"
    return str(uuid.UUID(hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()))


async def start(work: UnitOfWork, departure: Departure) -> tuple[Row, Case]:
    """A new case, not yet begun."""
    own = await work.fetch_value("SELECT entries FROM checklist ORDER BY version DESC LIMIT 1")
    checklist = complete(from_rows(own or []))
    case = Case(
        id=case_id_of(departure),
        wanted=tuple(Wanted(entry.kind, entry.after_transfer) for entry in checklist),
        version=NEWEST,
    )
    row = await work.fetch_row(
        """
        INSERT INTO cases (id, employee_id, employment_id, ref, caretakers, notice_on, last_day, table_version, checklist,
                           status, step, opened_at)
        VALUES (:id, :employee_id, :employment_id, :ref, CAST(:caretakers AS jsonb), :notice_on, :last_day, :version,
                CAST(:checklist AS jsonb), 'open', 'freeze', :now)
        RETURNING *
        """,
        id=case.id,
        employee_id=departure.employee_id,
        employment_id=departure.employment_id,
        ref=departure.ref,
        caretakers=json.dumps(departure.caretakers),
        notice_on=departure.notice_on,
        last_day=departure.last_day,
        version=case.version,
        checklist=json.dumps(to_rows(checklist)),
        now=work.now,
    )
    if row is None:
        raise AssertionError("an INSERT without a row")
    work.publish(
        OffboardingStarted(
            case_id=case.id,
            employee_id=departure.employee_id,
            employment_id=departure.employment_id,
            last_day=departure.last_day,
        )
    )
    await cases.note(work, case.id, "started", last_day=departure.last_day.isoformat())
    return row, case


async def start_next(work: UnitOfWork, row: Row) -> tuple[Row, Case] | None:
    """The departure that was announced while this case was being undone, if any."""
    waiting = await work.fetch_value("SELECT next_departure FROM cases WHERE id = :id", id=row["id"])
    if waiting is None:
        return None
    await work.execute("UPDATE cases SET next_departure = NULL WHERE id = :id", id=row["id"])
    departure = Departure.from_row(waiting)
    new, case = await start(work, departure)
    if departure.over:
        case = Case(**{**vars(case), "last_day_over": True})
    return new, case
