"""What is refused of policies, and why."""

from shared.errors import Refused, Unprocessable


class UnknownDepartment(Unprocessable, code="unknown_department"):
    """`applies_to` names a department that does not exist. Create it first, or leave `applies_to` out: it is for all."""


class BeforeTheOneBefore(Refused, code="before_the_one_before"):
    """A new version cannot come into force before the one that it replaces. Give a later `effective_on`."""


class EvidenceMissing(Unprocessable, code="evidence_missing"):
    """For somebody else, say in `evidence` where the signed paper is."""


class ReasonMissing(Unprocessable, code="reason_missing"):
    """Who declines says why, in `reason`."""


class AlreadyAcknowledged(Refused, code="already_acknowledged"):
    """This version was acknowledged; that cannot be taken back. Declining is for those who have not."""


class HasLeft(Refused, code="has_left"):
    """This person does not work here, so there is nothing to acknowledge."""
