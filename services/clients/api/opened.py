"""What a decision that was committed to the journal means at the door."""

from collections.abc import Mapping
from typing import Any

from services.clients.handlers.policies import PolicyNotAcknowledged
from shared.errors import Forbidden, NotFound, YouAreFrozen


class ActionNotAllowed(Forbidden, code="action_not_allowed"):
    """You may see this client, but not do this with it."""


class LimitReached(Forbidden, code="limit_reached"):
    """You have exported as many clients today as one person may. Your head, a director or HR can grant more for a day."""

    def __init__(self) -> None:
        super().__init__(reason="limit")


def opened(result: Any) -> Any:
    """The result, unless it is a refusal. Raises `NotFound` for what one may not know about, `Forbidden` otherwise."""
    refused = result.get("refused") if isinstance(result, Mapping) else None
    if refused is None:
        return result
    if refused in ("frozen", "not_employed"):
        raise YouAreFrozen(refused)
    if refused == "policy_not_acknowledged":
        raise PolicyNotAcknowledged
    if refused == "limit":
        raise LimitReached
    if refused == "action_not_allowed":
        raise ActionNotAllowed
    raise NotFound
