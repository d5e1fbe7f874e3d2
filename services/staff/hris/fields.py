"""What is said of a source, checked field by field."""

from typing import Annotated, Literal

from pydantic import AfterValidator, StringConstraints

from services.staff.hris.vendors.generic import check_secret
from shared.http.fields import Body
from shared.ids import Id

Secret = Annotated[str, StringConstraints(max_length=200), AfterValidator(check_secret)]


class NewSource(Body):
    """`secret` only where the HRIS makes its own."""

    id: Id
    kind: Literal["generic", "bamboohr", "personio", "gusto", "onec", "csv"]
    secret: Secret | None = None
    api: dict[str, str] | None = None


class NewSecret(Body):
    secret: Secret | None = None
