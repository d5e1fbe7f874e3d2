"""What is looked for: words, addresses and phone numbers, as PostgreSQL's `tsquery`.

The terms of a client are made by the database (`search_terms`, migration 0007), so that no way of writing can forget
them: words in lower case without accents; whole mail addresses; of a phone number its digits without leading zeros, from
the first on behind `=` and from the last on behind `#`. So a number is found with and without codes before it.
"""

import re
import unicodedata

SHORTEST = 7  # digits that tell a number from others
LONGEST = 500  # characters of a word; the database parts longer ones, for it keeps no word of more than 2,046 bytes
PHONE = re.compile(r"[+0-9 ()/.\-]+")


def plain(text: str) -> str:
    """Lower case, without accents, as the database's function of the same name."""
    return re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFKD", text).lower()).replace("ς", "σ")


def digits_of(phone: str) -> str:
    """The number without what people write around and into it, as the database has it."""
    return re.sub(r"[^0-9]", "", phone.replace("(0)", "")).lstrip("0")


def wanted(text: str) -> tuple[str, str] | None:
    """What a client must have: a query of the number or the addresses, and the words that the database parts itself.

    A number may be begun or be the end of one, an address or a word may be begun. None if there is nothing to look for.
    """
    digits = digits_of(text)
    if PHONE.fullmatch(text) and len(digits) >= 4:
        words = " & ".join(f"{word}:*" for word in re.findall("[0-9]+", text))  # numbers stand in names too
        return f"{_quoted('=' + digits)}:* | {_quoted('#' + digits[::-1])}:* | {words}", ""
    if not any(character.isalnum() for character in text):
        return None
    parts = plain(text).split()
    addresses = [_quoted(part[:LONGEST]) for part in parts if "@" in part.strip("@")]
    words = " ".join(part for part in parts if "@" not in part.strip("@"))
    return " & ".join(f"{address}:*" for address in addresses), words


def of_phone(phone: str) -> tuple[str, str] | None:
    """The queries for clients with this number: exactly it, and it with or without a country or area code before it.

    None if the number is too short to be told from others.
    """
    digits = digits_of(phone)
    if len(digits) < SHORTEST:
        return None
    whole = _quoted("=" + digits)
    shorter = [_quoted("=" + digits[start:]) for start in range(1, len(digits) - SHORTEST + 1) if digits[start] != "0"]
    return whole, " | ".join([whole, f"{_quoted('#' + digits[::-1])}:*", *shorter])


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"
