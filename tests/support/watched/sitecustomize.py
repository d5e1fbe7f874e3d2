"""Python imports this first in every process whose PYTHONPATH names its folder: it notes each write outside `tmpfs`.

tests/support/deployment.py sets the two variables and reads the notes. Seen is what goes through Python; libraries in C
that open files themselves are not.
"""

from __future__ import annotations

import os
import sys
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Events of changes other than an open for writing, and how many paths are their first arguments.
_CHANGES = {
    **dict.fromkeys(("os.mkdir", "os.rmdir", "os.remove", "os.truncate", "os.chmod", "os.chown", "os.utime"), 1),
    **dict.fromkeys(("os.rename", "os.link", "os.symlink"), 2),
    "sqlite3.connect": 1,
}


def changed_paths(event: str, arguments: tuple[Any, ...]) -> list[str]:
    """The paths that an audit event changes. A number is a file that was opened before."""
    count = bool(arguments[2] & _WRITES) if event == "open" else _CHANGES.get(event, 0)
    changed = arguments[:count]
    return [os.path.realpath(os.fsdecode(path)) for path in changed if not isinstance(path, int)]


def watch(notes: str, writable: list[str]) -> None:
    """Appends a line to `notes` for every change that is not below a writable folder."""
    file = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    # A container's /dev is its own, and writable.
    allowed = tuple(os.path.realpath(folder) + os.sep for folder in (*writable, "/dev"))

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        for path in changed_paths(event, arguments):
            if not f"{path}{os.sep}".startswith(allowed):
                os.write(file, f"{event} {path}\n".encode())

    sys.addaudithook(note)


watch(os.environ["WATCHED_NOTES"], os.environ["WATCHED_WRITABLE"].split(os.pathsep))
