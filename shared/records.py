"""Dataclasses as plain mappings."""

from typing import Any


def get_fields(record: Any) -> dict[str, Any]:
    """The fields of a dataclass by name, as they are: `dataclasses.asdict` copies all that is in them, five times slower."""
    return {name: getattr(record, name) for name in record.__dataclass_fields__}
