"""What is said of a department, checked field by field."""

from typing import Any

from shared.http.fields import Body, Line
from shared.ids import Id


class NewDepartment(Body):
    id: Id
    name: Line
    parent_id: Id | None = None
    head_id: Id | None = None


class DepartmentChanges(Body):
    """Fields that are not given stay as they are."""

    name: Line = ""
    parent_id: Id | None = None
    head_id: Id | None = None

    def given(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.model_fields_set}
