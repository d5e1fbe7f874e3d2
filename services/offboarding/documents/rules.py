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
class Document:
    """What it is and where it lies, and who has signed for it."""

    id: str
    case_id: str
    leaver_id: str
    title: str
    kind: str
    location: str
    client_id: str | None
    listed_by: str
    listed_at: datetime
    status: Literal["listed", "handed_over", "received"] = "listed"
    receiver_id: str | None = None
    handed_over_at: datetime | None = None
    received_at: datetime | None = None
    received_by: str | None = None

    def is_same_as(self, other: "Document") -> bool:
        """Whether both list the same."""
        return (self.case_id, self.title, self.kind, self.location, self.client_id) == (
            other.case_id,
            other.title,
            other.kind,
            other.location,
            other.client_id,
        )


def hand_over_document(document: Document, receiver_id: str | None, now: datetime) -> Document:
    return replace(document, status="handed_over", receiver_id=receiver_id, handed_over_at=now)


def receive_document(document: Document, actor: str, now: datetime) -> Document:
    """The same again changes nothing. Raises `NotHandedOver`."""
    if document.status == "listed":
        raise NotHandedOver
    if document.status == "received":
        return document
    return replace(document, status="received", received_at=now, received_by=actor)
