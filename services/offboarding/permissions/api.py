"""The caller at a door, as a `Viewer`."""

from services.offboarding.permissions import rules
from shared.http.door import Door


def get_viewer(door: Door) -> rules.Viewer:
    return rules.Viewer.of(door.principal.sub, door.principal.roles, door.frozen)
