"""What is said of a source, checked field by field."""

from typing import Annotated, Literal

from pydantic import AfterValidator, StringConstraints

from services.staff.hris.vendors.generic import validate_secret_format
from shared.http.fields import Body
from shared.ids import Id

Secret = Annotated[str, StringConstraints(max_length=200), AfterValidator(validate_secret_format)]


class NewSourceBody(Body):
    """`secret` only where the HRIS makes its own."""

    id: Id
    kind: Literal["generic", "bamboohr", "personio", "gusto", "onec", "csv"]
    secret: Secret | None = None
    api: dict[str, str] | None = None


class NewSecretBody(Body):
    secret: Secret | None = None
