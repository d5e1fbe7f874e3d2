"""Ids: what may be one, and how a new one is made."""

import time
import uuid
from typing import Annotated

from pydantic import StringConstraints

Id = Annotated[str, StringConstraints(pattern=r"^[\w.:@-]{1,64}$", min_length=1, max_length=64)]

# A client's id, or its id in another system: `crm~4711`.
CLIENT_REF_PATTERN = r"^[\w.:@-]{1,64}(~[\w.:@-]{1,64})?$"

ClientRef = Annotated[str, StringConstraints(pattern=CLIENT_REF_PATTERN, min_length=1, max_length=129)]


def uuid7() -> str:
    """A UUIDv7 (RFC 9562): ordered by time."""
    milliseconds = time.time_ns() // 1_000_000
    random = uuid.uuid4().int & ((1 << 74) - 1)
    value = (
        (milliseconds & ((1 << 48) - 1)) << 80
        | 0x7 << 76
        | (random >> 62) << 64
        | 0b10 << 62
        | (random & ((1 << 62) - 1))
    )
    return str(uuid.UUID(int=value))
