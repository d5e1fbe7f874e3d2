"""Events and commands, and their CloudEvents form on the bus (Kafka binary mode, specification 1.0)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, to_binary
from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from pydantic import BaseModel, ConfigDict, ValidationError


class MessagePart(BaseModel):
    """A part of a message. Readers ignore what they do not know, so contracts change by addition only."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Message(MessagePart):
    """What crosses the bus. `type` is its name there; `subject` orders it: messages of one subject keep their order."""

    type: ClassVar[str]
    aggregate: ClassVar[str]

    @property
    def subject(self) -> str:
        """`<aggregate>/<id>`, the Kafka key: with `aggregate = "client"` of the field `client_id`."""
        return f"{self.aggregate}/{getattr(self, f'{self.aggregate}_id')}"


class Event(Message):
    """Something that happened, published in `holdfast.<service>.events` of the service that it happened in."""


class Command(Message):
    """What a case asks of a service, by the topic of its receiver; answered by exactly one `command.answered`."""

    receiver: ClassVar[str]
    aggregate: ClassVar[str] = "employee"

    command_id: str
    case_id: str
    epoch: int
    employee_id: str


M = TypeVar("M", bound=Message)
M_co = TypeVar("M_co", bound=Message, covariant=True)


def list_messages(module: Mapping[str, object], kind: type[M]) -> tuple[type[M], ...]:
    """The messages of a kind that a module of contracts defines, in its order: the classes with a `type` of their own."""
    classes = [found for found in module.values() if isinstance(found, type) and issubclass(found, kind)]
    return tuple(message for message in classes if "type" in vars(message))


@dataclass(frozen=True)
class Envelope(Generic[M_co]):
    """A message with what the bus knows of it. `sequence` counts per subject of one topic, from 1."""

    id: UUID
    source: str
    subject: str
    sequence: int
    time: datetime
    data: M_co
    cause: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True)
class Record:
    """An encoded message: what a bus carries. `delivery` is the row of the in-process bus that it came by."""

    topic: str
    key: str
    headers: Mapping[str, bytes]
    body: bytes
    delivery: int | None = None


class Undecodable(Exception):
    """The record is not a CloudEvent of the type that its header names."""


def get_events_topic(service: str) -> str:
    return f"holdfast.{service}.events"


def get_commands_topic(service: str) -> str:
    return f"holdfast.{service}.commands"


def encode_record(row: Mapping[str, Any]) -> Record:
    """A row of the outbox (`event_id, topic, subject, type, source, sequence, time, cause, traceparent, body`) as a record."""
    attributes = {
        "id": str(row["event_id"]),
        "type": row["type"],
        "source": row["source"],
        "subject": row["subject"],
        "time": row["time"],
        "datacontenttype": "application/json",
        "sequence": str(row["sequence"]),
        "causationid": row["cause"],
        "traceparent": row["traceparent"],
    }
    event = CloudEvent({name: value for name, value in attributes.items() if value is not None}, data=None)
    message = to_binary(event, JSONFormat())
    return Record(row["topic"], row["subject"], message.headers, row["body"].encode())


def get_record_type(record: Record) -> str | None:
    """The type that the record says it has; none if it says nothing readable."""
    try:
        return record.headers["ce_type"].decode()
    except (KeyError, UnicodeDecodeError):
        return None


def decode_record(record: Record, types: Mapping[str, type[Message]]) -> Envelope[Any]:
    """The record as an envelope around the class that `types` has for its name. Raises `Undecodable`."""
    try:
        event = from_binary(KafkaMessage(dict(record.headers), record.key, b""), JSONFormat(), CloudEvent)
        time = event.get_time()
        if time is None:
            raise ValueError("no time")
        return Envelope(
            id=UUID(event.get_id()),
            source=event.get_source(),
            subject=record.key,
            sequence=int(event.get_extension("sequence")),
            time=time,
            data=types[event.get_type()].model_validate_json(record.body),
            cause=event.get_extension("causationid"),
            traceparent=event.get_extension("traceparent"),
        )
    except (CloudEventValidationError, ValidationError, ValueError, TypeError, KeyError, json.JSONDecodeError) as error:
        raise Undecodable(f"{get_record_type(record) or 'a record without a type'}: {type(error).__name__}") from None


def dump_headers(record: Record) -> str:
    return json.dumps({name: value.decode("latin-1") for name, value in record.headers.items()})


def load_headers(headers: dict[str, str]) -> dict[str, bytes]:
    return {name: value.encode("latin-1") for name, value in headers.items()}
