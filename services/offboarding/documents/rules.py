"""A working document of the inventory: listed, handed over by the leaver, received by somebody else."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from shared.errors import Refused


class NotHandedOver(Refused, code="not_handed_over"):
    """This document has not been handed over yet: first `hand_over` by the leaver, then `receive`."""


class CaseClosed(Refused, code="case_closed"):
    """This case is closed."""


@dataclass(frozen=True)
class NewDocument:
    """What is to be listed: what it is and where it lies."""

    id: str
    title: str
    kind: str
    location: str
    client_id: str | None


@dataclass(frozen=True, kw_only=True)
class DocumentOut:
    id: str
    case_id: str
    title: str
    kind: str
    location: str
    client_id: str | None = None
    status: Literal["listed", "handed_over", "received"]
    receiver_id: str | None = None
    listed_by: str
    listed_at: datetime
    handed_over_at: datetime | None = None
    received_at: datetime | None = None
    received_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class Document(DocumentOut):
    """What it is and where it lies, and who has signed for it."""

    leaver_id: str


def receive_document(document: Document, actor: str, now: datetime) -> Document:
    """The same again changes nothing. Raises `NotHandedOver`."""
    if document.status == "listed":
        raise NotHandedOver
    if document.status == "received":
        return document
    return replace(document, status="received", received_at=now, received_by=actor)
