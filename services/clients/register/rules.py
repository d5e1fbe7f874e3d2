"""The people at a client: which of them stay who they were."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

ContactFields = Mapping[str, Any]
MAX_CONTACTS = 100  # of one client


def get_contact_details(contact: ContactFields) -> tuple[str | None, ...]:
    """What is told of a contact: two of a client that say the same are one."""
    return tuple(contact.get(name) for name in ("name", "email", "phone"))


def mentions_person(reason: str, words: Iterable[str | None]) -> bool:
    """Whether a reason tells who it was: by one of these names, addresses or numbers, or a word of a name."""
    said = reason.casefold()
    told = {word.casefold() for word in words if word and len(word) > 2}
    parts = {part for word in told for part in re.findall(r"[^\W\d_]{3,}", word) if "@" not in word}
    return any(word in said for word in told) or bool(parts & set(re.findall(r"\w+", said)))


def assign_contact_ids(
    given: Iterable[ContactFields], before: Iterable[ContactFields], new_id: Callable[[], str]
) -> list[dict[str, Any]]:
    """The given contacts, each with an id: its own, else that of the contact before that says the same, else a new one."""
    listed = list(given)
    named = {contact["id"] for contact in listed if contact.get("id")}
    free: dict[tuple[str | None, ...], list[str]] = {}
    for contact in before:
        if contact["id"] not in named:
            free.setdefault(get_contact_details(contact), []).append(contact["id"])

    def id_of(contact: ContactFields) -> str:
        known = free.get(get_contact_details(contact))
        return contact.get("id") or (known.pop(0) if known else new_id())

    return [
        {"id": id_of(contact), **dict(zip(("name", "email", "phone"), get_contact_details(contact), strict=True))}
        for contact in listed
    ]


def merge_contacts(
    into: Iterable[ContactFields], others: Iterable[ContactFields], new_id: Callable[[], str]
) -> list[dict[str, Any]]:
    """The contacts of two clients that become one: who says the same comes once; an id that both use is given anew."""
    kept = [dict(contact) for contact in into]
    told, ids = {get_contact_details(contact) for contact in kept}, {contact["id"] for contact in kept}
    for contact in others:
        if get_contact_details(contact) not in told:
            told.add(get_contact_details(contact))
            kept.append({**contact, "id": new_id() if contact["id"] in ids else contact["id"]})
    return kept


MIN_PHONE_DIGITS = 7  # digits that tell a number from others
MAX_WORD_LENGTH = (
    500  # characters of a word; the database parts longer ones, for it keeps no word of more than 2,046 bytes
)
PHONE_PATTERN = re.compile(r"[+0-9 ()/.\-]+")


def normalize_text(text: str) -> str:
    """Lower case, without accents, as the database's function of the same name."""
    return re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFKD", text).lower()).replace("ς", "σ")


def normalize_phone(phone: str) -> str:
    """The number without what people write around and into it, as the database has it."""
    return re.sub(r"[^0-9]", "", phone.replace("(0)", "")).lstrip("0")


def build_search_query(text: str) -> tuple[str, str] | None:
    """What a client must have: a query of the number or the addresses, and the words that the database parts itself.

    A number may be begun or be the end of one, an address or a word may be begun. None if there is nothing to look for.
    """
    digits = normalize_phone(text)
    if PHONE_PATTERN.fullmatch(text) and len(digits) >= 4:
        words = " & ".join(f"{word}:*" for word in re.findall("[0-9]+", text))  # numbers stand in names too
        return f"{_quote_lexeme('=' + digits)}:* | {_quote_lexeme('#' + digits[::-1])}:* | {words}", ""
    if not any(character.isalnum() for character in text):
        return None
    parts = normalize_text(text).split()
    addresses = [_quote_lexeme(part[:MAX_WORD_LENGTH]) for part in parts if "@" in part.strip("@")]
    words = " ".join(part for part in parts if "@" not in part.strip("@"))
    return " & ".join(f"{address}:*" for address in addresses), words


def build_phone_queries(phone: str) -> tuple[str, str] | None:
    """The queries for clients with this number: exactly it, and it with or without a country or area code before it.

    None if the number is too short to be told from others.
    """
    digits = normalize_phone(phone)
    if len(digits) < MIN_PHONE_DIGITS:
        return None
    whole = _quote_lexeme("=" + digits)
    shorter = [
        _quote_lexeme("=" + digits[start:])
        for start in range(1, len(digits) - MIN_PHONE_DIGITS + 1)
        if digits[start] != "0"
    ]
    return whole, " | ".join([whole, f"{_quote_lexeme('#' + digits[::-1])}:*", *shorter])


def _quote_lexeme(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"
