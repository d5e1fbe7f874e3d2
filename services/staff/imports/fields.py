"""What a row of a file says of an employee, checked field by field."""

from pydantic import ConfigDict

from services.staff.employees.fields import EmployeeFields
from shared.ids import Id


class ImportedEmployee(EmployeeFields):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Id
    deputy_id: Id | None = None
