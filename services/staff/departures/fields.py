"""What is said of a departure, checked field by field."""

from pydantic import model_validator

from services.staff.employees.fields import Reason
from shared.http.fields import Body, Day


class ResignationBody(Body):
    """`last_day` is the last working day, `ends_on` the end of the contract."""

    notice_on: Day | None = None
    last_day: Day
    ends_on: Day | None = None
    reason: Reason | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "ResignationBody":
        if self.notice_on is not None and self.notice_on > self.last_day:
            raise ValueError("notice_on must not be after last_day")
        if self.ends_on is not None and self.ends_on < self.last_day:
            raise ValueError("ends_on must not be before last_day")
        return self
