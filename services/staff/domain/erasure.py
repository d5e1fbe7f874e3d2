"""What may be said of an erasure."""

import re

NOBODY = "(erased)"  # stands where a name stood that must not be empty


def names(reason: str, name: str, email: str) -> bool:
    """Whether the reason tells who it was: by the address, or a word of the name."""
    said = set(re.findall(r"\w+", reason.casefold()))
    words = {word for word in re.findall(r"\w+", name.casefold()) if len(word) > 2}
    return email.casefold() in reason.casefold() or bool(words & said)
