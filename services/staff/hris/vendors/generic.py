"""The adapter `generic`: Standard Webhooks with types of messages of our own.

They are read tolerantly: what is not known is ignored, what cannot be right is refused.
"""

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, get_args

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from standardwebhooks import Webhook

from services.staff.departures.fields import ResignationBody
from services.staff.employees.fields import EMPLOYEE_FIELDS
from services.staff.hris import messages
from services.staff.hris.messages import UnusableMessage
from shared.http.fields import Moment
from shared.ids import Id

SECRET_PREFIX = "whsec_"  # noqa: S105 - how Standard Webhooks marks one
MAX_CLOCK_AHEAD = timedelta(minutes=5)
MESSAGE_TYPES: dict[str, type[messages.MessageContent]] = {
    message.type: message for message in get_args(messages.MessageContent)
}
# Our own names of fields: what an error may repeat.
KNOWN_FIELDS = {
    *EMPLOYEE_FIELDS,
    *ResignationBody.model_fields,
    *("id", "employee_id", "on", "from", "until", "timestamp", "data", "type"),
}


# -- who sent it -------------------------------------------------------------------------------------------------------


def validate_secret_format(value: str) -> str:
    """Gives it back. Raises ValueError unless it is 24 to 64 bytes in base64."""
    try:
        size = len(base64.b64decode(value.removeprefix(SECRET_PREFIX), validate=True))
    except ValueError:
        size = 0
    if not 24 <= size <= 64:
        raise ValueError("give 24 to 64 bytes in base64, with `whsec_` before them or not, or leave it out")
    return value


def make_secret() -> str:
    """A secret as Standard Webhooks writes them: 32 random bytes."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


DECOY_SECRET = make_secret()  # checked for unknown sources, so that they take as long as known ones


def is_signed(secrets: Sequence[str], headers: Mapping[str, str], body: bytes) -> bool:
    """Whether one of the secrets signs this body, and now."""
    signed = [_is_signed_with(secret, headers, body) for secret in secrets or [DECOY_SECRET]]
    return bool(secrets) and any(signed)


def _is_signed_with(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except Exception:  # the library lets errors of decoding through as they come
        return False
    return True


# -- what it says ------------------------------------------------------------------------------------------------------


class WebhookBody(BaseModel):
    """The body of a webhook, around its data."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: str = Field(max_length=100)
    timestamp: Moment
    data: dict[str, Any]


class MentionedEmployee(messages.EmployeeMessage):
    """Whom a message is about that cannot be acted on: also by a number, which is no id here."""

    employee_id: Annotated[Id, BeforeValidator(lambda id: str(id) if type(id) is int else id)] = Field(
        validation_alias=AliasChoices("employee_id", "id")
    )


def parse_message_or_unusable(raw: bytes, received_at: datetime) -> messages.HrisMessage | UnusableMessage:
    """The message, or why it cannot be acted on. A timestamp more than five minutes ahead counts as the time of receipt."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return UnusableMessage("refused", errors=("the body is not JSON",))
    type_ = body.get("type") if isinstance(body, dict) else None
    if not isinstance(type_, str):
        return UnusableMessage("refused", errors=("type: is missing",))
    if type_ not in MESSAGE_TYPES:
        # The name itself is kept only if it can be shown: it comes from outside.
        shown = type_ if type_.isascii() and type_.isprintable() and len(type_) <= 100 else None
        return UnusableMessage("ignored", shown, employee_id=_find_employee_id(body))
    try:
        webhook = WebhookBody.model_validate(body)
        content = MESSAGE_TYPES[type_].model_validate(webhook.data)
    except ValidationError as error:
        return UnusableMessage("refused", type_, _describe_errors(error), _find_employee_id(body))
    at = webhook.timestamp if webhook.timestamp <= received_at + MAX_CLOCK_AHEAD else received_at
    return messages.HrisMessage(at, content)


def _describe_errors(error: ValidationError) -> tuple[str, ...]:
    """Our own field names and what was expected there; nothing that came from outside."""
    return tuple(
        f"{'.'.join(str(part) for part in found['loc'] if part in KNOWN_FIELDS) or 'data'}: "
        f"{str(found['msg']).removeprefix('Value error, ')}"
        for found in error.errors(include_url=False, include_context=False, include_input=False)[:20]
    )


def _find_employee_id(body: dict[str, Any]) -> str | None:
    """The employee that the message is about, so that a person can look after it, and erasure finds it."""
    try:
        return MentionedEmployee.model_validate(body.get("data")).employee_id
    except ValidationError:
        return None
