"""Checkpoints of the journal: C2SP tlog-checkpoints, which are C2SP signed notes with an Ed25519 signature."""

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
SIGNED = "— "
LONGEST = 16_384  # with dozens of witnesses' signatures
SIGNATURES = 100
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
VERIFIER_KEY = re.compile(r"([^\s+\x00-\x1f\x7f-\x9f]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")
SIGNATURE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)")
SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Checkpoint:
    """What a note says of a journal: so many entries have this root."""

    origin: str
    size: int
    root: bytes


def verifier_key(name: str, public_key: Ed25519PublicKey) -> str:
    """The public key as auditors keep it."""
    raw = public_key.public_bytes_raw()
    return f"{name}+{_key_hash(name, raw).hex()}+{_text(ED25519 + raw)}"


def name_of(key: str) -> str | None:
    """The name in a verifier key; None if it is none."""
    opened = _opened(key)
    return opened[0] if opened else None


def write(origin: str, size: int, root: bytes, key: Ed25519PrivateKey) -> str:
    """A signed checkpoint; the name of the key is the origin."""
    text = f"{origin}\n{size}\n{_text(root)}\n"
    key_hash = _key_hash(origin, key.public_key().public_bytes_raw())
    return f"{text}\n— {origin} {_text(key_hash + key.sign(text.encode()))}\n"


def parse(note: str) -> Checkpoint | None:
    """What the note says, whoever signed it; None if it is not a checkpoint."""
    parts = _parts(note)
    return _checkpoint(parts[0]) if parts else None


def verify(note: str, key: str) -> Checkpoint | None:
    """What the note says, if this verifier key signed it; None if not. Others may have signed it too."""
    parts, opened = _parts(note), _opened(key)
    if parts is None or opened is None:
        return None
    text, signatures = parts
    name, key_hash, public_key = opened
    ours = [raw[4:] for by, raw in signatures if (by, raw[:4]) == (name, key_hash)]
    try:
        for signature in ours:
            public_key.verify(signature, text.encode())
    except InvalidSignature:
        return None
    return _checkpoint(text) if ours else None


def split(text: str) -> list[str]:
    """The notes of a file in which they stand one after another, each ending with its signatures."""
    notes, signed = [""], False
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        if signed and not line.startswith(SIGNED):
            notes.append("")
        signed = line.startswith(SIGNED)
        notes[-1] += line if notes[-1] else line.lstrip("\n")
    return [note for note in notes if note]


def _parts(note: str) -> tuple[str, list[tuple[str, bytes]]] | None:
    """The signed text, and who signed with what."""
    text, blank, lines = note.rpartition("\n\n")
    if len(note) > LONGEST or not blank or not lines.endswith("\n") or CONTROL.search(note):
        return None
    signatures: list[tuple[str, bytes]] = []
    for line in lines[:-1].split("\n"):
        match = SIGNATURE.fullmatch(line)
        raw = _bytes(match[2]) if match else None
        if match is None or raw is None or len(raw) <= 4 or len(signatures) == SIGNATURES:
            return None
        signatures.append((match[1], raw))
    try:
        note.encode()
    except UnicodeEncodeError:
        return None
    return text + "\n", signatures


def _checkpoint(text: str) -> Checkpoint | None:
    """Lines after the third are of others and mean nothing here."""
    lines = text.split("\n")
    if len(lines) < 4 or not all(lines[:-1]) or lines[-1] or not SIZE.fullmatch(lines[1]):
        return None
    root = _bytes(lines[2])
    return Checkpoint(lines[0], int(lines[1]), root) if root is not None and len(root) == 32 else None


def _opened(key: str) -> tuple[str, bytes, Ed25519PublicKey] | None:
    match = VERIFIER_KEY.fullmatch(key)
    raw = _bytes(match[3]) if match else None
    if match is None or raw is None or len(raw) != 33 or raw[:1] != ED25519:
        return None
    try:
        key_hash, public_key = _key_hash(match[1], raw[1:]), Ed25519PublicKey.from_public_bytes(raw[1:])
    except ValueError:
        return None
    return (match[1], key_hash, public_key) if key_hash.hex() == match[2] else None


def _key_hash(name: str, raw: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + ED25519 + raw).digest()[:4]


def _text(raw: bytes) -> str:
    return b64encode(raw).decode()


def _bytes(text: str) -> bytes | None:
    """Only what is written in the one right way."""
    try:
        raw = b64decode(text, validate=True)
    except ValueError:
        return None
    return raw if _text(raw) == text else None
