"""The field types of contract.md, and lists by key."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints

ShortText = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", min_length=1, max_length=300)]

Paragraphs = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", min_length=1, max_length=10_000)]

Money = Annotated[
    Decimal,
    Field(ge=0, max_digits=18, decimal_places=2),
    PlainSerializer(lambda amount: f"{amount:.2f}", return_type=str),
]

# What amounts come to together.
Total = Annotated[Decimal, Field(ge=0), PlainSerializer(lambda amount: f"{amount:.2f}", return_type=str)]


def _refuse_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("true and false are not numbers")
    return value


def _refuse_number(value: object) -> object:
    if isinstance(value, (bool, int, float)):
        raise ValueError("write it as text, as in ISO 8601")
    return value


# `true` is a typing error where a number is meant, and a number where a day is meant: neither passes silently as 1 or 1970.
NotBoolean = BeforeValidator(_refuse_boolean)

NotNumber = BeforeValidator(_refuse_number)

Effort = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False), NotBoolean]

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


class EmptyBody(Body):
    """Of a route that wants to be told nothing: `{}`, or no body at all."""
