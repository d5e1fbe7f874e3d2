"""What is known of a client, the people at a client, and how clients are searched for."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypedDict

from services.clients.names.rules import apply_external_id_changes
from shared.http.fields import Money, Total

MAX_CONTACTS = 100  # of one client
Status = Literal["prospect", "active", "dormant", "closed"]


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody at a client."""

    id: str  # empty until one is assigned
    name: str
    email: str | None = None
    phone: str | None = None

    @property
    def details(self) -> tuple[str | None, ...]:
        """Two contacts of a client with the same details are one."""
        return self.name, self.email, self.phone


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a client beside who owns it. `team`: by function who serves it. Without a `value` its orders count."""

    name: str
    value: Decimal | None
    expected_value: Decimal | None
    status: str
    effort: float
    regions: Sequence[str]
    languages: Sequence[str]
    contacts: Sequence[Contact]
    external_ids: Mapping[str, str]
    team: Mapping[str, str]


PROFILE_FIELDS = tuple(field.name for field in fields(Profile))


class ProfileChanges(TypedDict, total=False):
    """The fields of a profile that are given anew."""

    name: str
    value: Decimal | None
    expected_value: Decimal | None
    status: str
    effort: float
    regions: Sequence[str]
    languages: Sequence[str]
    contacts: Sequence[Contact]
    external_ids: Mapping[str, str | None]


class ContactChanges(TypedDict, total=False):
    """What is given anew of a contact."""

    name: str
    email: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class Client:
    """`owner_id` is the acting owner; `record_owner_id` the owner of record, where it differs. `expected_value` is what
    it may bring one day. `external_ids`: what other systems call it."""

    id: str
    name: str
    owner_id: str
    record_owner_id: str | None
    unowned: bool
    value: Total
    expected_value: Money | None
    status: Status
    effort: float
    regions: Sequence[str]
    languages: Sequence[str]
    contacts: Sequence[Contact]
    team: Mapping[str, str]
    external_ids: Mapping[str, str]
    registered_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class Registration:
    """A client to be registered. `body` is what was sent, always in the same form.

    `fingerprint` tells it from another registration; `digest` is what an import compares: all but owner and team,
    which it never takes of a client that exists. Neither depends on ids of contacts that are made here.
    """

    client_id: str
    owner_id: str
    profile: Profile
    body: str
    fingerprint: bytes
    digest: bytes

    @property
    def people(self) -> tuple[str, ...]:
        return self.owner_id, *self.profile.team.values()


def build_registration(client_id: str, owner_id: str, profile: Profile, body: str) -> Registration:
    """What is at its default and came later than others is left out of the `body`."""
    compared = {name: value for name, value in json.loads(body).items() if name not in ("owner_id", "team")}
    digest = hashlib.sha256(json.dumps(compared, sort_keys=True).encode()).digest()
    return Registration(client_id, owner_id, profile, body, hashlib.sha256(body.encode()).digest(), digest)


def change_profile(before: Profile, changes: ProfileChanges, new_id: Callable[[], str]) -> Profile:
    """Contacts keep the ids that they have."""
    after = replace(before, **{name: value for name, value in changes.items() if name != "external_ids"})  # type: ignore[arg-type]
    return replace(
        after,
        contacts=assign_contact_ids(after.contacts, before.contacts, new_id),
        external_ids=apply_external_id_changes(before.external_ids, changes.get("external_ids", {})),
    )


# -- contacts ----------------------------------------------------------------------------------------------------------


def mentions_person(reason: str, words: Iterable[str | None]) -> bool:
    """Whether a reason tells who it was: by one of these names, addresses or numbers, or a word of a name."""
    folded = reason.casefold()
    personal = {word.casefold() for word in words if word and len(word) > 2}
    parts = {part for word in personal for part in re.findall(r"[^\W\d_]{3,}", word) if "@" not in word}
    return any(word in folded for word in personal) or bool(parts & set(re.findall(r"\w+", folded)))


def assign_contact_ids(
    contacts: Sequence[Contact], before: Iterable[Contact], new_id: Callable[[], str]
) -> list[Contact]:
    """The contacts, each with an id: its own, else that of the contact before with the same details, else a new one."""
    named = {contact.id for contact in contacts if contact.id}
    free: dict[tuple[str | None, ...], list[str]] = {}
    for contact in before:
        if contact.id not in named:
            free.setdefault(contact.details, []).append(contact.id)

    def choose_id(contact: Contact) -> str:
        known = free.get(contact.details)
        return contact.id or (known.pop(0) if known else new_id())

    return [replace(contact, id=choose_id(contact)) for contact in contacts]


def merge_contacts(into: Iterable[Contact], others: Iterable[Contact], new_id: Callable[[], str]) -> list[Contact]:
    """The contacts of two clients that become one: the same details come once; an id that both use is given anew."""
    merged = list(into)
    known, ids = {contact.details for contact in merged}, {contact.id for contact in merged}
    for contact in others:
        if contact.details not in known:
            known.add(contact.details)
            merged.append(replace(contact, id=new_id()) if contact.id in ids else contact)
    return merged


# -- search ------------------------------------------------------------------------------------------------------------
# The terms of a client are made by the database (`search_terms` in functions.sql), so that no way of writing can forget
# them: words in lower case without accents; whole mail addresses; of a phone number its digits without leading zeros, from
# the first on behind `=` and from the last on behind `#`. So a number is found with and without codes before it.

MIN_PHONE_DIGITS = 7  # digits that tell a number from others
MAX_WORD_LENGTH = 500  # characters; the database parts longer words, for it keeps none of more than 2,046 bytes
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
