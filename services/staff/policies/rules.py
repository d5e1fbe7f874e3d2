"""Policies, their versions and acknowledgements as plain data, and what is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from shared.contracts.staff import PolicyPublished
from shared.errors import Refused, Unprocessable


class AppliesToUnknownDepartment(Unprocessable, code="unknown_department"):
    """`applies_to` names a department that does not exist. Create it first, or leave `applies_to` out: it is for all."""


class EffectiveBeforePreviousVersion(Refused, code="before_the_one_before"):
    """A new version cannot come into force before the one that it replaces. Give a later `effective_on`."""


class EvidenceMissing(Unprocessable, code="evidence_missing"):
    """For somebody else, say in `evidence` where the signed paper is."""


class DeclineReasonMissing(Unprocessable, code="reason_missing"):
    """Who declines says why, in `reason`."""


class DeclinedAfterAcknowledgement(Refused, code="already_acknowledged"):
    """This version was acknowledged; that cannot be taken back. Declining is for those who have not."""


class HasLeft(Refused, code="has_left"):
    """This person does not work here, so there is nothing to acknowledge."""


@dataclass(frozen=True)
class Policy:
    """`in_force` is the version that counts today, if any does yet."""

    id: str
    title: str
    newest: int
    in_force: int | None


@dataclass(frozen=True)
class PolicyVersion:
    id: str
    version: int
    title: str
    texts: Mapping[str, str]
    published_on: date
    effective_on: date
    grace_days: int
    required_for_access: bool
    applies_to: Sequence[str]
    by_id: str

    def to_event(self) -> PolicyPublished:
        return PolicyPublished.model_validate({**vars(self), "policy_id": self.id})


@dataclass(frozen=True)
class Acknowledgement:
    policy_id: str
    version: int
    employee_id: str
    employment_id: str
    state: Literal["acknowledged", "declined"]
    at: datetime
    by_id: str
    evidence: str | None
    reason: str | None


@dataclass(frozen=True)
class AcknowledgedVersion:
    """The newest version of a policy that somebody acknowledged in the present employment."""

    employee_id: str
    employment_id: str
    policy_id: str
    version: int


@dataclass(frozen=True)
class OutstandingEmployee:
    """`due_on`: from this day on a policy that is required for access shuts them out."""

    employee_id: str
    version: int
    state: Literal["missing", "declined"]
    reason: str | None
    due_on: date
