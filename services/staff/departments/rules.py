"""What is refused of departments, and why."""

from shared.errors import Refused, Unprocessable


class UnknownDepartment(Unprocessable, code="unknown_department"):
    """There is no department with this id. Create it first."""


class UnknownHead(Unprocessable, code="unknown_head"):
    """There is no employee with the id given as head. Register them first, or leave the head open."""


class DepartmentCycle(Refused, code="department_cycle"):
    """This would put a department inside itself, directly or by way of others."""


class HeadHasLeft(Refused, code="head_has_left"):
    """Somebody who has left heads no department. Name somebody who works here."""
