"""Refusals. One subclass per refusal: its docstring is its message, `status` its HTTP status. Never repeats the input."""

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar


class HoldfastError(Exception):
    """The request was refused."""

    status: ClassVar[int] = 400

    def __init__(self, **extra: Any) -> None:
        super().__init__(self.message())
        self.extra: Mapping[str, Any] = extra

    @classmethod
    def message(cls) -> str:
        return " ".join(inspect.cleandoc(cls.__doc__ or "").split())

    @classmethod
    def code(cls) -> str:
        """The word of this refusal: the class's name in snake_case."""
        return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in cls.__name__).lstrip("_")


class Refused(HoldfastError):
    """The state of things does not allow this now."""

    status = 409


class Unprocessable(HoldfastError):
    """The request is understood but its content cannot be right."""

    status = 422


class NotFound(HoldfastError):
    """There is no such object, or you may not know about it."""

    status = 404


class NoToken(HoldfastError):
    """Send a valid token: `Authorization: Bearer <JWT>`, signed by a known issuer, in its time and for this audience."""

    status = 401


class Forbidden(HoldfastError):
    """Your token does not carry the right to do this."""

    status = 403


class YouAreFrozen(Forbidden):
    """Your access to client data is frozen. Your own tasks, documents and introductions stay open to you."""

    def __init__(self, reason: str = "frozen") -> None:
        super().__init__(reason=reason)


class RolesFrozen(YouAreFrozen):
    """Your access is frozen, and with it every role but `employee`. Your own tasks, documents and introductions stay open."""


class Stale(HoldfastError):
    """The object has changed since you read it. Read it again and repeat with its current `ETag` in `If-Match`."""

    status = 412


class TooLarge(HoldfastError):
    """The body is larger than this path accepts (1 MB; 32 MB for transfers, batches and imports)."""

    status = 413


class IdempotencyKeyInFlight(Refused):
    """A request with this `Idempotency-Key` is still being worked on. Repeat it a moment later."""


class IdempotencyKeyReused(Unprocessable):
    """This `Idempotency-Key` was used for another request. Use a new key for a new request."""


class Exists(Refused):
    """This id is taken by an object with another content."""


class Unavailable(HoldfastError):
    """A part that this needs does not answer just now. Repeat the request; nothing was done."""

    status = 503
