"""The exported journal: its form, and how anybody verifies it without us.

Whole: a first line, then each leaf as a line of its own, byte for byte what was hashed; after the leaves of a tile, and
after the last leaf, their hashes; each kept checkpoint after the leaf it ends with; a last line. Selected: only the
leaves that were asked for, each with its proof.
"""

from services.clients.domain.transcript.lines import (
    checkpoint_line,
    first_line,
    last_line,
    selection_first_line,
    selection_last_line,
    selection_line,
    tile_lines,
)
from services.clients.domain.transcript.verdict import Fault, Verdict
from services.clients.domain.transcript.verifying import verify

__all__ = [
    "Fault",
    "Verdict",
    "checkpoint_line",
    "first_line",
    "last_line",
    "selection_first_line",
    "selection_last_line",
    "selection_line",
    "tile_lines",
    "verify",
]
