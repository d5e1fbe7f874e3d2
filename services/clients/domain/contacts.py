"""The people at a client: which of them stay who they were."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Contact = Mapping[str, Any]
MOST = 100  # of one client


def said(contact: Contact) -> tuple[str | None, ...]:
    """What is told of a contact: two of a client that say the same are one."""
    return tuple(contact.get(name) for name in ("name", "email", "phone"))


def names(reason: str, words: Iterable[str | None]) -> bool:
    """Whether a reason tells who it was: by one of these names, addresses or numbers, or a word of a name."""
    said = reason.casefold()
    told = {word.casefold() for word in words if word and len(word) > 2}
    parts = {part for word in told for part in re.findall(r"[^\W\d_]{3,}", word) if "@" not in word}
    return any(word in said for word in told) or bool(parts & set(re.findall(r"\w+", said)))


def identified(given: Iterable[Contact], before: Iterable[Contact], new_id: Callable[[], str]) -> list[dict[str, Any]]:
    """The given contacts, each with an id: its own, else that of the contact before that says the same, else a new one."""
    listed = list(given)
    named = {contact["id"] for contact in listed if contact.get("id")}
    free: dict[tuple[str | None, ...], list[str]] = {}
    for contact in before:
        if contact["id"] not in named:
            free.setdefault(said(contact), []).append(contact["id"])

    def id_of(contact: Contact) -> str:
        known = free.get(said(contact))
        return contact.get("id") or (known.pop(0) if known else new_id())

    return [
        {"id": id_of(contact), **dict(zip(("name", "email", "phone"), said(contact), strict=True))}
        for contact in listed
    ]


def together(into: Iterable[Contact], others: Iterable[Contact], new_id: Callable[[], str]) -> list[dict[str, Any]]:
    """The contacts of two clients that become one: who says the same comes once; an id that both use is given anew."""
    kept = [dict(contact) for contact in into]
    told, ids = {said(contact) for contact in kept}, {contact["id"] for contact in kept}
    for contact in others:
        if said(contact) not in told:
            told.add(said(contact))
            kept.append({**contact, "id": new_id() if contact["id"] in ids else contact["id"]})
    return kept
