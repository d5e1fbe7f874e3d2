"""What `staff` refuses, and why."""

from shared.errors import Forbidden, Refused, Unprocessable


class UnknownManager(Unprocessable):
    """There is no employee with the id given as manager. Register the manager first."""


class UnknownDepartment(Unprocessable):
    """There is no department with this id. Create it first."""


class UnknownHead(Unprocessable):
    """There is no employee with the id given as head. Register them first, or leave the head open."""


class UnknownDeputy(Unprocessable):
    """There is no employee with the id given as deputy."""


class ManagerCycle(Refused):
    """This would make somebody their own manager, directly or by way of others."""


class DepartmentCycle(Refused):
    """This would put a department inside itself, directly or by way of others."""


class HeadHasLeft(Refused):
    """Somebody who has left heads no department. Name somebody who works here."""


class OwnDeputy(Unprocessable):
    """Nobody is their own deputy. Name a colleague."""


class DeputyIsLeaving(Refused):
    """The deputy must work here and must not be leaving. Name another colleague."""


class AlreadyLeft(Refused):
    """This person has left. Undo a mistake by a reversal of the departure; who comes back is rehired."""


class NotResigned(Refused):
    """There is no resignation to withdraw."""


class NotLeft(Refused):
    """This person has not left, so there is neither a departure to reverse nor anybody to rehire."""


class LeftWithOtherDate(Refused):
    """This person has left on another day. If that was a mistake, reverse the departure first."""


class BeforeHired(Unprocessable):
    """The dates are in the wrong order: this day is before the one on which the employment began."""


class HiredBeforeLeft(Unprocessable):
    """The dates are in the wrong order: a new employment begins after the last day of the one before."""


class AbsenceEndsBeforeItBegins(Unprocessable):
    """The dates are in the wrong order: `until` is before `from`."""


class TooManyAbsences(Unprocessable):
    """This employee has too many absences on record. Delete those that are over."""


class Erased(Refused):
    """This person's data was erased, and the id belongs to nobody any more. Who comes back is registered under a new id."""


class StillWorksHere(Refused):
    """This person works here. Their data can be erased when they have left."""


class CaseIsOpen(Refused):
    """The handover of this person is not closed, or has not begun. Clear the case in `offboarding` first."""


class HeldByLaw(Refused):
    """A legal hold keeps what the journal says of this person. End the hold first."""


class ReasonNamesThem(Unprocessable):
    """The reason is kept with the act of the erasure, so it must not name the person. Say it without name and address."""


class OwnCase(Forbidden):
    """Nobody acts on their own case. Another person of `hr` has to do this."""


class HoldDecided(Refused):
    """This hold was decided before, the other way."""


class UnsupportedKind(Unprocessable):
    """Sources of this kind are not served here. Supported: `generic` (Standard Webhooks)."""


class NothingToPoll(Unprocessable):
    """A source of the kind `generic` sends webhooks and is never polled: leave `api` out."""
