"""What may be said of an erasure, and what is refused."""

import re

from shared.errors import Refused, Unprocessable


def is_named_in(reason: str, name: str, email: str) -> bool:
    """Whether the reason tells who it was: by the address, or a word of the name."""
    said = set(re.findall(r"\w+", reason.casefold()))
    words = {word for word in re.findall(r"\w+", name.casefold()) if len(word) > 2}
    return email.casefold() in reason.casefold() or bool(words & said)


class StillWorksHere(Refused, code="still_works_here"):
    """This person works here. Their data can be erased when they have left."""


class CaseIsOpen(Refused, code="case_is_open"):
    """The handover of this person is not closed, or has not begun. Clear the case in `offboarding` first."""


class HeldByLaw(Refused, code="held_by_law"):
    """A legal hold keeps what the journal says of this person. End the hold first."""


class ReasonNamesThem(Unprocessable, code="reason_names_them"):
    """The reason is kept with the act of the erasure, so it must not name the person. Say it without name and address."""
