"""What the HRIS says, read tolerantly: what is not known is ignored, what cannot be right is refused."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from services.staff.domain.life import LifeKind, LifeNews
from services.staff.handlers.bodies import EmployeeChanges, EmployeeFields, Reason, Resignation
from shared.http.fields import Day, Moment
from shared.ids import Id

AHEAD = timedelta(minutes=5)


class Said(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    employee_id: Id


class Mentioned(Said):
    """Whom a message is about that cannot be acted on: also by a number, which is no id here."""

    employee_id: Annotated[Id, BeforeValidator(lambda id: str(id) if type(id) is int else id)] = Field(
        validation_alias=AliasChoices("employee_id", "id")
    )


class SaidHired(EmployeeFields):
    """As `POST /employees`; the id stands in `id`, or in `employee_id` as everywhere else."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    employee_id: Id = Field(validation_alias=AliasChoices("id", "employee_id"))


class SaidUpdated(EmployeeChanges):
    model_config = ConfigDict(extra="ignore", frozen=True)

    employee_id: Id


class SaidResigned(Resignation):
    model_config = ConfigDict(extra="ignore", frozen=True)

    employee_id: Id


class SaidLeft(Said):
    on: Day
    reason: Reason | None = None


class SaidReversed(Said):
    reason: Reason


class SaidRehired(Said):
    hired_on: Day


class SaidAbsent(Said):
    from_day: Day = Field(validation_alias="from")
    until: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "SaidAbsent":
        if self.until is not None and self.until < self.from_day:
            raise ValueError("until must not be before from")
        return self


class SaidBack(Said):
    from_day: Day | None = Field(default=None, validation_alias="from")
    until: Day | None = None


TYPES: Mapping[str, type[BaseModel]] = {
    "employee.hired": SaidHired,
    "employee.updated": SaidUpdated,
    "employee.resigned": SaidResigned,
    "resignation.changed": SaidResigned,
    "resignation.withdrawn": Said,
    "employee.left": SaidLeft,
    "departure.reversed": SaidReversed,
    "employee.rehired": SaidRehired,
    "employee.absent": SaidAbsent,
    "employee.back": SaidBack,
}
KINDS: Mapping[str, LifeKind] = {
    "employee.resigned": "resigned",
    "resignation.changed": "changed",
    "resignation.withdrawn": "withdrawn",
    "employee.left": "left",
    "departure.reversed": "reversed",
    "employee.rehired": "rehired",
}
UPDATED = tuple(EmployeeChanges.model_fields)


class Envelope(BaseModel):
    """The body of a webhook, around its data."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: str = Field(max_length=100)
    timestamp: Moment
    data: dict[str, Any]


@dataclass(frozen=True)
class News:
    """A message that can be acted on: of `type`, said at `at`, about `employee_id`."""

    type: str
    at: datetime
    employee_id: str
    said: Any


@dataclass(frozen=True)
class Unusable:
    """A message that cannot be acted on: `ignored` (of a type that is not known) or `refused`. `errors` name fields."""

    outcome: str
    type: str | None = None
    errors: tuple[str, ...] = ()
    employee_id: str | None = None


def read(raw: bytes, received_at: datetime) -> News | Unusable:
    """A timestamp more than five minutes ahead counts as the time of receipt."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return Unusable("refused", errors=("the body is not JSON",))
    type_ = body.get("type") if isinstance(body, dict) else None
    if not isinstance(type_, str):
        return Unusable("refused", errors=("type: is missing",))
    if type_ not in TYPES:
        # The name itself is kept only if it can be shown: it comes from outside.
        shown = type_ if type_.isascii() and type_.isprintable() and len(type_) <= 100 else None
        return Unusable("ignored", shown, employee_id=_id_in(body))
    try:
        envelope = Envelope.model_validate(body)
        said: Any = TYPES[type_].model_validate(envelope.data)
    except ValidationError as error:
        return Unusable("refused", type_, _described(error), _id_in(body))
    at = envelope.timestamp if envelope.timestamp <= received_at + AHEAD else received_at
    return News(type_, at, said.employee_id, said)


def _described(error: ValidationError) -> tuple[str, ...]:
    """Our own field names and what was expected there; nothing that came from outside."""
    known = {
        *UPDATED,
        *Resignation.model_fields,
        "id",
        "employee_id",
        "on",
        "from",
        "until",
        "timestamp",
        "data",
        "type",
    }
    return tuple(
        f"{'.'.join(str(part) for part in found['loc'] if part in known) or 'data'}: "
        f"{str(found['msg']).removeprefix('Value error, ')}"
        for found in error.errors(include_url=False, include_context=False, include_input=False)[:20]
    )


def _id_in(body: dict[str, Any]) -> str | None:
    """The employee that the message is about, so that a person can look after it, and erasure finds it."""
    try:
        return Mentioned.model_validate(body.get("data")).employee_id
    except ValidationError:
        return None


def life_news(news: News, timezone: str, today: date) -> LifeNews:
    """What the message says of the employment's life. A departure that lies ahead is a resignation until then."""
    said, day = news.said, news.at.astimezone(ZoneInfo(timezone)).date()
    match KINDS[news.type]:
        case "resigned":
            notice_on = said.notice_on or min(day, said.last_day)
            return LifeNews("resigned", news.at, notice_on, said.last_day, said.ends_on)
        case "changed":
            return LifeNews("changed", news.at, said.notice_on, said.last_day, said.ends_on)
        case "left" if said.on > today:
            return LifeNews("resigned", news.at, min(day, said.on), said.on)
        case "left":
            return LifeNews("left", news.at, day=said.on)
        case "rehired":
            return LifeNews("rehired", news.at, day=said.hired_on)
        case kind:
            return LifeNews(kind, news.at)
