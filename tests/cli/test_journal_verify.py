"""`holdfast journal verify`: an auditor's look at an exported journal, with nothing but files."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from services.__main__ import app
from services.cli import journal
from services.clients.proofs.rules.export_format import LEAF_PREFIX
from tests.support.journal_exports import (
    OTHER_KEY,
    make_checkpoint,
    make_leaves,
    make_range_export,
    make_selection_export,
    make_verifier_key,
)

LEAVES = make_leaves(1000)
LINES = make_range_export(LEAVES, 0, (300, 700))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "journal.ndjson"
    path.write_bytes(b"".join(LINES))
    return path


@pytest.fixture
def checkpoints(tmp_path: Path) -> Path:
    """As the service appends them."""
    path = tmp_path / "checkpoints.txt"
    path.write_text("".join(make_checkpoint(LEAVES[:size]) for size in (300, 512, 700, 1000)))
    return path


def called(*arguments: str | Path) -> Result:
    result: Result = CliRunner().invoke(app, ["journal", "verify", *map(str, arguments)])  # type: ignore[assignment]
    return result


def told(*arguments: str | Path, status: int = 0) -> Any:
    result = called(*arguments, "--json")
    assert result.exit_code == status, result.output
    return json.loads(result.stdout)


def test_an_untouched_file_is_good(file: Path, checkpoints: Path) -> None:
    said = told(file, "--checkpoint", checkpoints, "--key", make_verifier_key())
    assert (said["good"], said["faults"], said["entries"]) == (True, [], 1000)
    assert (said["checkpoints"], said["given_agree"], said["key_given"]) == (3, 4, True)
    shown = called(file, "--checkpoint", checkpoints, "--key", make_verifier_key())
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert "Nothing is wrong." in shown.stdout


def test_the_key_may_stand_in_a_file(file: Path, tmp_path: Path) -> None:
    (tmp_path / "journal.key").write_text(make_verifier_key() + "\n")
    assert told(file, "--key", tmp_path / "journal.key")["key"] == make_verifier_key()


def test_key_and_checkpoints_may_be_kept_as_the_service_answered(file: Path, tmp_path: Path) -> None:
    (tmp_path / "journal.key").write_text(json.dumps({"key": make_verifier_key()}))
    answers = [{"size": size, "note": make_checkpoint(LEAVES[:size])} for size in (300, 1000)]
    (tmp_path / "checkpoints.txt").write_text("".join(map(json.dumps, answers)))
    said = told(file, "--key", tmp_path / "journal.key", "--checkpoint", tmp_path / "checkpoints.txt")
    assert (said["good"], said["given_agree"], said["key"]) == (True, 2, make_verifier_key())
    for broken in ("{", '{"note": 7}', '{"other": "x"}', json.dumps(answers[0]) + "x"):
        (tmp_path / "checkpoints.txt").write_text(broken)
        assert told(file, "--checkpoint", tmp_path / "checkpoints.txt", status=1)["good"] is False


def test_without_a_key_or_an_outside_checkpoint_it_says_that_this_proves_less(file: Path) -> None:
    shown = called(file)
    assert shown.exit_code == 0
    assert "proves less" in shown.stderr
    assert "No checkpoint kept elsewhere was compared" in " ".join(shown.stderr.split())


def test_a_changed_entry_is_named(file: Path) -> None:
    place = next(i for i, line in enumerate(LINES) if line.startswith(LEAVES[321]))
    file.write_bytes(b"".join([*LINES[:place], LEAF_PREFIX + b"1}\n", *LINES[place + 1 :]]))
    shown = called(file, "--key", make_verifier_key())
    assert (shown.exit_code, "entry 321" in shown.stdout) == (1, True)
    (fault,) = told(file, "--key", make_verifier_key(), status=1)["faults"]
    assert (fault["kind"], fault["first"], fault["last"]) == ("changed", 321, 321)
    assert fault["where"].startswith("entry 321, line ")


def test_a_history_written_anew_contradicts_what_was_kept_elsewhere(file: Path, checkpoints: Path) -> None:
    file.write_bytes(b"".join(make_range_export([*LEAVES[:600], *LEAVES[601:]], 0, (300, 700))))
    assert told(file, "--key", make_verifier_key())["good"]
    contradicts, shorter = told(file, "--key", make_verifier_key(), "--checkpoint", checkpoints, status=1)["faults"]
    assert (contradicts["kind"], contradicts["where"]) == ("contradicts", "entries 512 to 699, given checkpoint 3")
    assert (shorter["kind"], shorter["where"]) == ("shorter", "entry 999")


def test_a_file_of_another_key_is_refused(file: Path) -> None:
    file.write_bytes(b"".join(make_range_export(LEAVES, 0, (), OTHER_KEY)))
    assert told(file)["good"]
    assert {fault["kind"] for fault in told(file, "--key", make_verifier_key(), status=1)["faults"]} == {
        "key",
        "forged",
    }


def test_a_file_that_ends_before_a_kept_checkpoint_was_cut_back_unless_it_is_said_to_be_older(
    file: Path, checkpoints: Path
) -> None:
    file.write_bytes(b"".join(make_range_export(LEAVES[:700], 0, (300,))))
    (fault,) = told(file, "--key", make_verifier_key(), "--checkpoint", checkpoints, status=1)["faults"]
    assert (fault["kind"], fault["where"]) == ("shorter", "entries 700 to 999")
    shown = called(file, "--key", make_verifier_key(), "--checkpoint", checkpoints, "--part")
    assert shown.exit_code == 0
    assert "know of 1,000 entries; this file ends after 700" in " ".join(shown.stderr.split())


def test_picked_entries_are_verified_too(file: Path) -> None:
    file.write_bytes(b"".join(make_selection_export(LEAVES, [3, 500])))
    assert told(file, "--key", make_verifier_key())["entries"] == 2
    assert "whether all that were asked for are here" in " ".join(called(file).stderr.split())


def test_many_faults_are_counted(file: Path) -> None:
    lines = [
        LEAF_PREFIX + b"1}\n" if i % 3 == 0 and line.startswith(LEAF_PREFIX) else line for i, line in enumerate(LINES)
    ]
    file.write_bytes(b"".join(lines))
    shown = called(file)
    assert shown.exit_code == 1
    assert "… and 2" in shown.stdout


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe\x00", b"{}\n", b"[" * 100_000, b"\x1b[2J\n"])
def test_what_is_no_journal_is_a_fault(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert [fault["where"] for fault in told(file, status=1)["faults"]] == ["line 1"]


def test_a_line_without_end_is_not_kept_in_memory(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "LONGEST_LINE", 20_000)
    file.write_bytes(b"".join(LINES[:-1]) + b"x" * 100_000)
    assert told(file, status=1)["faults"][0]["kind"] == "garbage"


def test_a_large_file_shows_how_far_it_is(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "PROGRESS_FROM_BYTES", 1000)
    monkeypatch.setattr(journal, "LINES_PER_STEP", 10)
    shown = called(file)
    assert (shown.exit_code, "Verifying" in shown.stderr) == (0, True)


def test_wrong_usage_is_told_apart(file: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    (tmp_path / "binary").write_bytes(b"\xff\x00")
    assert called().exit_code == 2
    assert called(tmp_path / "none").exit_code == 2
    assert called(tmp_path).exit_code == 2
    assert called(file, "--key", "no-key").exit_code == 2
    assert called(file, "--key", tmp_path / "binary").exit_code == 2
    assert called(file, "--checkpoint", tmp_path / "none").exit_code == 2
    assert called(file, "--checkpoint", tmp_path / "empty").exit_code == 2


def test_a_checkpoint_file_of_garbage_is_a_fault(file: Path, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\x00")
    (fault,) = told(file, "--checkpoint", tmp_path / "binary", status=1)["faults"]
    assert (fault["kind"], fault["where"]) == ("forged", "given checkpoint 1")
