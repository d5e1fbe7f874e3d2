"""What callers see of a refusal: its `reason`, status and sentence are a golden file, whatever the class is called.

After an intended change: `HOLDFAST_WRITE_REASONS=1 pytest tests/house/test_reasons.py`, and look at the diff.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import services.__main__  # noqa: F401 - the commands' refusals too
from services import wiring
from shared.errors import HoldfastError, JournaledRefusal
from shared.settings import SERVICES

GOLDEN = Path(__file__).with_name("reasons.txt")


def refusals(of: type[HoldfastError] = HoldfastError) -> Iterator[type[HoldfastError]]:
    for refusal in of.__subclasses__():
        if refusal.__module__.startswith(("shared.", "services.")):
            yield refusal
            yield from refusals(refusal)


def test_every_reason_is_exactly_as_it_is_written() -> None:
    for name in SERVICES:
        wiring.load_service(name)
    found = sorted({f"{one.code} {one.status} {one.message()}" for one in refusals() if one is not JournaledRefusal})
    if os.environ.get("HOLDFAST_WRITE_REASONS"):
        GOLDEN.write_text("".join(f"{line}\n" for line in found))
    assert found == GOLDEN.read_text().splitlines()
