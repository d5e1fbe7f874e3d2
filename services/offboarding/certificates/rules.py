"""The certificate of a cleared case."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from shared.errors import Refused


class NotCleared(Refused, code="not_cleared"):
    """This case is not cleared yet; `GET /cases/{id}` says what it waits for."""


@dataclass(frozen=True)
class SettledItem:
    """An item of the case that is done, waived or skipped."""

    step: str
    what: str
    status: str
    by_id: str | None
    at: datetime | None
    reason: str | None


@dataclass(frozen=True)
class ApprovedPlan:
    """The plan that was carried out."""

    version: int
    approved_by: str | None
    approved_at: datetime | None
    gap: float


@dataclass(frozen=True)
class Successor:
    """How much somebody has taken over."""

    employee_id: str
    clients: int
    stages: int
    team: int


@dataclass(frozen=True)
class IntroductionCount:
    """How many introductions ended so."""

    status: str
    number: int


@dataclass(frozen=True)
class VisitCount:
    """How many visits ended so, or are still open."""

    outcome: str
    number: int


@dataclass(frozen=True)
class CertifiedDocument:
    """A document of the inventory, and who has signed for it."""

    id: str
    kind: str
    status: str
    by_id: str | None
    at: datetime | None


@dataclass(frozen=True)
class CertificateFigures:
    """What came of the handover."""

    clients: int
    kept: int
    visits: int
    waived: int


@dataclass(frozen=True)
class Certificate:
    """What was done, by whom and when: ids, words and times only."""

    case_id: str
    employee_id: str
    employment_id: str
    last_day: date
    opened_at: datetime
    cleared_at: datetime
    figures: CertificateFigures
    plan: ApprovedPlan | None
    items: Sequence[SettledItem]
    successors: Sequence[Successor]
    introductions: Sequence[IntroductionCount]
    visits: Sequence[VisitCount]
    documents: Sequence[CertifiedDocument]
