"""Checkpoints of the journal: C2SP tlog-checkpoints, which are C2SP signed notes with an Ed25519 signature."""

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519_ALGORITHM = b"\x01"
SIGNATURE_PREFIX = "— "
MAX_NOTE_LENGTH = 16_384  # with dozens of witnesses' signatures
MAX_SIGNATURES = 100
CONTROL_CHARACTERS = re.compile(r"[\x00-\x09\x0b-\x1f]")
VERIFIER_KEY_PATTERN = re.compile(r"([^\s+\x00-\x1f\x7f-\x9f]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")
SIGNATURE_PATTERN = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)")
SIZE_PATTERN = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Checkpoint:
    """What a note says of a journal: so many entries have this root."""

    origin: str
    size: int
    root: bytes


def format_verifier_key(name: str, public_key: Ed25519PublicKey) -> str:
    """The public key as auditors keep it."""
    raw = public_key.public_bytes_raw()
    return f"{name}+{_hash_key(name, raw).hex()}+{encode_base64(ED25519_ALGORITHM + raw)}"


def get_key_name(key: str) -> str | None:
    """The name in a verifier key; None if it is none."""
    opened = _parse_verifier_key(key)
    return opened[0] if opened else None


def sign_checkpoint(origin: str, size: int, root: bytes, key: Ed25519PrivateKey) -> str:
    """A signed checkpoint; the name of the key is the origin."""
    text = f"{origin}\n{size}\n{encode_base64(root)}\n"
    key_hash = _hash_key(origin, key.public_key().public_bytes_raw())
    return f"{text}\n— {origin} {encode_base64(key_hash + key.sign(text.encode()))}\n"


def parse_checkpoint_if_signed_by(note: str, key: str) -> Checkpoint | None:
    """What the note says, if this verifier key signed it; None if not. Others may have signed it too."""
    parts, opened = _split_signatures(note), _parse_verifier_key(key)
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
    return _parse_text(text) if ours else None


def split_notes(text: str) -> list[str]:
    """The notes of a file in which they stand one after another, each ending with its signatures."""
    notes, signed = [""], False
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        if signed and not line.startswith(SIGNATURE_PREFIX):
            notes.append("")
        signed = line.startswith(SIGNATURE_PREFIX)
        notes[-1] += line if notes[-1] else line.lstrip("\n")
    return [note for note in notes if note]


def _split_signatures(note: str) -> tuple[str, list[tuple[str, bytes]]] | None:
    """The signed text, and who signed with what."""
    text, blank, lines = note.rpartition("\n\n")
    if len(note) > MAX_NOTE_LENGTH or not blank or not lines.endswith("\n") or CONTROL_CHARACTERS.search(note):
        return None
    signatures: list[tuple[str, bytes]] = []
    for line in lines[:-1].split("\n"):
        match = SIGNATURE_PATTERN.fullmatch(line)
        raw = decode_base64(match[2]) if match else None
        if match is None or raw is None or len(raw) <= 4 or len(signatures) == MAX_SIGNATURES:
            return None
        signatures.append((match[1], raw))
    try:
        note.encode()
    except UnicodeEncodeError:
        return None
    return text + "\n", signatures


def _parse_text(text: str) -> Checkpoint | None:
    """Lines after the third are of others and mean nothing here."""
    lines = text.split("\n")
    if len(lines) < 4 or not all(lines[:-1]) or lines[-1] or not SIZE_PATTERN.fullmatch(lines[1]):
        return None
    root = decode_base64(lines[2])
    return Checkpoint(lines[0], int(lines[1]), root) if root is not None and len(root) == 32 else None


def _parse_verifier_key(key: str) -> tuple[str, bytes, Ed25519PublicKey] | None:
    match = VERIFIER_KEY_PATTERN.fullmatch(key)
    raw = decode_base64(match[3]) if match else None
    if match is None or raw is None or len(raw) != 33 or raw[:1] != ED25519_ALGORITHM:
        return None
    try:
        key_hash, public_key = _hash_key(match[1], raw[1:]), Ed25519PublicKey.from_public_bytes(raw[1:])
    except ValueError:
        return None
    return (match[1], key_hash, public_key) if key_hash.hex() == match[2] else None


def _hash_key(name: str, raw: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + ED25519_ALGORITHM + raw).digest()[:4]


def encode_base64(raw: bytes) -> str:
    return b64encode(raw).decode()


def decode_base64(text: str) -> bytes | None:
    """Only what is written in the one right way."""
    try:
        raw = b64decode(text, validate=True)
    except ValueError:
        return None
    return raw if encode_base64(raw) == text else None
