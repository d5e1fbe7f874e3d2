"""What is wrong with a bulk request, or with one of many things in it: named, never repeated."""

from typing import TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from shared.http.fields import Body

B = TypeVar("B", bound=Body)


def parse_bulk_body(body: bytes, body_class: type[B]) -> B:
    """The body of a bulk request, of which the things in it are looked at later. Raises `RequestValidationError`."""
    try:
        return body_class.model_validate(from_json(body))
    except ValidationError as error:
        faults = error.errors(include_input=False)
        raise RequestValidationError([{**fault, "loc": ("body", *fault["loc"])} for fault in faults]) from None
    except ValueError:
        raise RequestValidationError([{"type": "json_invalid", "loc": ("body",), "msg": "JSON decode error"}]) from None


def describe_invalid_item(item_class: type[BaseModel], error: ValidationError) -> str:
    """Which fields of one of many cannot be right."""
    faults = error.errors(include_input=False, include_context=False)
    if any(fault["type"] == "json_invalid" for fault in faults):
        return "malformed_json"
    named = {str(part) for fault in faults for part in fault["loc"][:2]} & item_class.model_fields.keys()
    return f"invalid: {', '.join(sorted(named)) or 'unknown fields'}"
