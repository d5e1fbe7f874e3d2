"""What `staff` refuses, and why."""

from shared.errors import Forbidden, Refused, Unprocessable


class UnknownManager(Unprocessable, code="unknown_manager"):
    """There is no employee with the id given as manager. Register the manager first."""


class UnknownDepartment(Unprocessable, code="unknown_department"):
    """There is no department with this id. Create it first."""


class UnknownHead(Unprocessable, code="unknown_head"):
    """There is no employee with the id given as head. Register them first, or leave the head open."""


class UnknownDeputy(Unprocessable, code="unknown_deputy"):
    """There is no employee with the id given as deputy."""


class ManagerCycle(Refused, code="manager_cycle"):
    """This would make somebody their own manager, directly or by way of others."""


class DepartmentCycle(Refused, code="department_cycle"):
    """This would put a department inside itself, directly or by way of others."""


class HeadHasLeft(Refused, code="head_has_left"):
    """Somebody who has left heads no department. Name somebody who works here."""


class OwnDeputy(Unprocessable, code="own_deputy"):
    """Nobody is their own deputy. Name a colleague."""


class DeputyIsLeaving(Refused, code="deputy_is_leaving"):
    """The deputy must work here and must not be leaving. Name another colleague."""


class AlreadyLeft(Refused, code="already_left"):
    """This person has left. Undo a mistake by a reversal of the departure; who comes back is rehired."""


class NotResigned(Refused, code="not_resigned"):
    """There is no resignation to withdraw."""


class NotLeft(Refused, code="not_left"):
    """This person has not left, so there is neither a departure to reverse nor anybody to rehire."""


class LeftWithOtherDate(Refused, code="left_with_other_date"):
    """This person has left on another day. If that was a mistake, reverse the departure first."""


class BeforeHired(Unprocessable, code="before_hired"):
    """The dates are in the wrong order: this day is before the one on which the employment began."""


class HiredBeforeLeft(Unprocessable, code="hired_before_left"):
    """The dates are in the wrong order: a new employment begins after the last day of the one before."""


class AbsenceEndsBeforeItBegins(Unprocessable, code="absence_ends_before_it_begins"):
    """The dates are in the wrong order: `until` is before `from`."""


class TooManyAbsences(Unprocessable, code="too_many_absences"):
    """This employee has too many absences on record. Delete those that are over."""


class Erased(Refused, code="erased"):
    """This person's data was erased, and the id belongs to nobody any more. Who comes back is registered under a new id."""


class StillWorksHere(Refused, code="still_works_here"):
    """This person works here. Their data can be erased when they have left."""


class CaseIsOpen(Refused, code="case_is_open"):
    """The handover of this person is not closed, or has not begun. Clear the case in `offboarding` first."""


class HeldByLaw(Refused, code="held_by_law"):
    """A legal hold keeps what the journal says of this person. End the hold first."""


class ReasonNamesThem(Unprocessable, code="reason_names_them"):
    """The reason is kept with the act of the erasure, so it must not name the person. Say it without name and address."""


class OwnCase(Forbidden, code="own_case"):
    """Nobody acts on their own case. Another person of `hr` has to do this."""


class HoldDecided(Refused, code="hold_decided"):
    """This hold was decided before, the other way."""


class UnsupportedKind(Unprocessable, code="unsupported_kind"):
    """Sources of this kind are not served here. Supported: `generic` (Standard Webhooks)."""


class NothingToPoll(Unprocessable, code="nothing_to_poll"):
    """A source of the kind `generic` sends webhooks and is never polled: leave `api` out."""
