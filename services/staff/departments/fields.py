"""What is said of a department, checked field by field."""

from shared.http.fields import Body, ShortText
from shared.ids import Id


class NewDepartmentBody(Body):
    id: Id
    name: ShortText
    parent_id: Id | None = None
    head_id: Id | None = None


class DepartmentChangesBody(Body):
    """Fields that are not given stay as they are."""

    name: ShortText = ""
    parent_id: Id | None = None
    head_id: Id | None = None
