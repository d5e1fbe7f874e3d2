"""Checkpoints are written and read as C2SP says: signed notes of three lines."""

from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from services.clients.proofs.rules.checkpoints import (
    Checkpoint,
    format_verifier_key,
    get_key_name,
    parse_checkpoint_if_signed_by,
    sign_checkpoint,
    split_notes,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
VERIFIER = format_verifier_key("holdfast/journal", KEY.public_key())
ROOT = bytes(range(100, 132))
NOTE = sign_checkpoint("holdfast/journal", 4711, ROOT, KEY)
SAID = Checkpoint("holdfast/journal", 4711, ROOT)

# A checkpoint of the checksum database of Go, whose log has the same form, and its published key.
GO_KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
GO_NOTE = (
    "go.sum database tree\n6476701\nmb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk=\n\n"
    "— sum.golang.org Az3grsLX85Gz+s1SiTbgkuqxgItqFq7gsMUEyVnrsa9LM7Us9S+1xbFIGu95949rj4nPRYfvimWEPWL+o3GeoWwOoAw=\n"
)


def test_a_checkpoint_of_another_log_is_understood() -> None:
    said = parse_checkpoint_if_signed_by(GO_NOTE, GO_KEY)
    root = b64decode("mb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk=")
    assert said == Checkpoint("go.sum database tree", 6476701, root)
    assert parse_checkpoint_if_signed_by(GO_NOTE.replace("6476701", "6476702"), GO_KEY) is None


def test_what_is_written_is_read_and_verified() -> None:
    assert NOTE.startswith(f"holdfast/journal\n4711\n{b64encode(ROOT).decode()}\n\n— holdfast/journal ")
    assert parse_checkpoint_if_signed_by(NOTE, VERIFIER) == SAID
    assert get_key_name(VERIFIER) == "holdfast/journal"


def test_a_note_of_another_key_or_another_name_is_not_verified() -> None:
    assert parse_checkpoint_if_signed_by(NOTE, format_verifier_key("holdfast/journal", OTHER.public_key())) is None
    assert parse_checkpoint_if_signed_by(NOTE, format_verifier_key("holdfast/another", KEY.public_key())) is None
    assert parse_checkpoint_if_signed_by(sign_checkpoint("holdfast/journal", 4711, ROOT, OTHER), VERIFIER) is None


def test_every_edited_byte_is_noticed() -> None:
    raw = NOTE.encode()
    for place in range(len(raw)):
        for change in (1, 2, 32):
            edited = raw[:place] + bytes([raw[place] ^ change]) + raw[place + 1 :]
            assert parse_checkpoint_if_signed_by(edited.decode(errors="replace"), VERIFIER) is None, edited


def test_a_witness_may_sign_too_and_does_not_replace_us() -> None:
    witness = sign_checkpoint("witness.example", 4711, ROOT, OTHER).rpartition("\n\n")[2]
    assert parse_checkpoint_if_signed_by(NOTE + witness, VERIFIER) == SAID
    assert parse_checkpoint_if_signed_by(NOTE.rpartition("\n\n")[0] + "\n\n" + witness, VERIFIER) is None


def test_notes_that_stand_one_after_another_are_told_apart() -> None:
    witness = sign_checkpoint("witness.example", 4711, ROOT, OTHER).rpartition("\n\n")[2]
    kept = [NOTE, GO_NOTE, NOTE + witness, NOTE]
    assert split_notes("".join(kept)) == kept
    assert split_notes("\n".join(kept)) == kept
    assert split_notes("") == split_notes("\n\n") == []
    assert split_notes(NOTE + "garbage")[1:] == ["garbage"]


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "+",
        VERIFIER + "=",
        VERIFIER.replace("+", " "),
        "holdfast/another" + VERIFIER.removeprefix("holdfast/journal"),
        format_verifier_key("\x1b[2J", KEY.public_key()),
        "a+00000000+" + b64encode(b"\x02" + bytes(32)).decode(),
        "a+00000000+" + b64encode(b"\x01" + bytes(31)).decode(),
        "\ud800+00000000+" + b64encode(b"\x01" + bytes(32)).decode(),
    ],
)
def test_what_is_not_a_verifier_key_verifies_nothing(wrong: str) -> None:
    assert parse_checkpoint_if_signed_by(NOTE, wrong) is None
    assert get_key_name(wrong) is None


@given(st.text(), st.text())
def test_no_text_makes_it_stumble(note: str, key: str) -> None:
    assert parse_checkpoint_if_signed_by(note, VERIFIER) is parse_checkpoint_if_signed_by(NOTE, key) is None
    assert parse_checkpoint_if_signed_by(f"{note}\n1\n{key}\n\n— a b\n", VERIFIER) is None
    split_notes(note)
