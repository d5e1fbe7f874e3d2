"""Teaches schemathesis to send newline-delimited JSON, which imports take."""

import json
from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(ctx: Any, value: Any) -> bytes:
    """A list is a line for each; anything else goes as it is, to be refused."""
    if isinstance(value, bytes | str):
        return value.encode(errors="replace") if isinstance(value, str) else value
    rows = value if isinstance(value, list) else [value]
    return b"".join(json.dumps(row).encode(errors="replace") + b"\n" for row in rows)
