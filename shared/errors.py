"""Refusals. One subclass per refusal: its docstring is its message, `status` its HTTP status, `code` the word that callers
see as `reason`, which stays whatever the class is called. Never repeats the input."""

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar


class HoldfastError(Exception):
    """The request was refused."""

    status: ClassVar[int] = 400
    code: ClassVar[str]

    def __init_subclass__(cls, *, code: str, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.code = code

    def __init__(self, **extra: Any) -> None:
        super().__init__(self.message())
        self.extra: Mapping[str, Any] = extra

    @classmethod
    def message(cls) -> str:
        return " ".join(inspect.cleandoc(cls.__doc__ or "").split())


class JournaledRefusal(HoldfastError, code="journaled"):
    """What was written before it is committed, the journal above all; then the caller gets the refusal inside."""

    def __init__(self, refusal: HoldfastError) -> None:
        super().__init__()
        self.refusal = refusal


class Refused(HoldfastError, code="refused"):
    """The state of things does not allow this now."""

    status = 409


class Unprocessable(HoldfastError, code="unprocessable"):
    """The request is understood but its content cannot be right."""

    status = 422


class NotFound(HoldfastError, code="not_found"):
    """There is no such object, or you may not know about it."""

    status = 404


class NoToken(HoldfastError, code="no_token"):
    """Send a valid token: `Authorization: Bearer <JWT>`, signed by a known issuer, in its time and for this audience."""

    status = 401


class Forbidden(HoldfastError, code="forbidden"):
    """Your token does not carry the right to do this."""

    status = 403


class YouAreFrozen(Forbidden, code="you_are_frozen"):
    """Your access to client data is frozen. Your own tasks, documents and introductions stay open to you."""

    def __init__(self, reason: str = "frozen") -> None:
        super().__init__(reason=reason)


class RolesFrozen(YouAreFrozen, code="roles_frozen"):
    """Your access is frozen, and with it every role but `employee`. Your own tasks, documents and introductions stay open."""


class Stale(HoldfastError, code="stale"):
    """The object has changed since you read it. Read it again and repeat with its current `ETag` in `If-Match`."""

    status = 412


class TooLarge(HoldfastError, code="too_large"):
    """The body is larger than this path accepts (1 MB; 32 MB for transfers, batches and imports)."""

    status = 413


class IdempotencyKeyInFlight(Refused, code="idempotency_key_in_flight"):
    """A request with this `Idempotency-Key` is still being worked on. Repeat it a moment later."""


class IdempotencyKeyReused(Unprocessable, code="idempotency_key_reused"):
    """This `Idempotency-Key` was used for another request. Use a new key for a new request."""


class IdTaken(Refused, code="exists"):
    """This id is taken by an object with another content."""


class Unavailable(HoldfastError, code="unavailable"):
    """A part that this needs does not answer just now. Repeat the request; nothing was done."""

    status = 503
