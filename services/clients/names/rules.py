"""What a client is called in other systems after a change."""

from collections.abc import Mapping


def apply_external_id_changes(before: Mapping[str, str], given: Mapping[str, str | None]) -> dict[str, str]:
    """What a client is called after this was said: a system that is not named keeps its id, None takes it away."""
    return {system: id for system, id in sorted({**before, **given}.items()) if id is not None}
