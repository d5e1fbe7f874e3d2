"""The caller at a door, as a `Viewer`."""

from services.offboarding.permissions.rules import Viewer
from shared.http.door import Door


def get_viewer(door: Door) -> Viewer:
    return Viewer(door.principal.sub, frozenset(door.principal.roles), door.is_frozen)
