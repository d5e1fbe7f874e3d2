"""`journal verify`: looks at an exported journal without the system that wrote it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.table import Table

from services.cli.options import JsonOption
from services.cli.output import errors, make_progress_bars, output, print_result, print_table
from services.clients.proofs.rules.checkpoints import get_key_name, split_notes
from services.clients.proofs.rules.verdict import Verdict
from services.clients.proofs.rules.verification import verify_export

journal_app = typer.Typer(help="The record of all decisions, for auditors.", no_args_is_help=True)

LONGEST_LINE = 8_000_000  # what is longer is none of ours; it is not read into memory whole
PROGRESS_FROM_BYTES = 20_000_000
LINES_PER_STEP = 10_000  # lines between two steps of the bar

KeyOption = Annotated[
    str | None, typer.Option("--key", help="The verifier key of the journal, or a file with it.", show_default=False)
]
PartOption = Annotated[
    bool,
    typer.Option(
        "--part", help="The file is an older export or a part: that the given checkpoints know more is no fault."
    ),
]
CheckpointsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--checkpoint",
        help="A file of checkpoints kept elsewhere, one or many after another; may be given several times.",
        exists=True,
        dir_okay=False,
        readable=True,
        show_default=False,
    ),
]


@journal_app.callback()
def describe_journal_commands() -> None:
    """The record of all decisions, for auditors."""


@journal_app.command("verify")
def verify_journal_file(
    file: Annotated[
        Path,
        typer.Argument(help="What GET /clients/v1/journal/export gave.", exists=True, dir_okay=False, readable=True),
    ],
    checkpoint: CheckpointsOption = None,
    key: KeyOption = None,
    part: PartOption = False,
    as_json: JsonOption = False,
) -> None:
    """Verify an exported journal offline. Exit status: 0 nothing is wrong, 1 something is, 2 wrong usage.

    Example: holdfast journal verify journal.ndjson --key journal.key --checkpoint checkpoints.txt
    """
    trusted = _read_key(key)
    kept = [note for path in checkpoint or [] for note in _read_checkpoints(path)]
    size = file.stat().st_size
    with file.open("rb") as opened, make_progress_bars(shown=not as_json and size > PROGRESS_FROM_BYTES) as bars:
        bar = bars.add_task("Verifying", total=size, note="")
        verdict = verify_export(
            read_lines(opened, lambda now: bars.update(bar, completed=now)), trusted, kept, is_part=part
        )
    faults = [{**asdict(fault), "where": fault.where, "text": fault.text} for fault in verdict.faults]
    result = {"good": verdict.good, **asdict(verdict), "faults": faults}
    print_result(as_json, result, lambda: _print_verdict(verdict))
    if not verdict.good:
        raise typer.Exit(1)


def _read_key(given: str | None) -> str | None:
    """Raises `typer.BadParameter`."""
    if given is None or get_key_name(given):
        return given
    try:
        text = _extract_field(Path(given).read_text("utf-8"), "key").strip()
    except (OSError, ValueError):
        text = ""
    if get_key_name(text) is None:
        raise typer.BadParameter("give a verifier key (name+hash+key), or a file that holds one", param_hint="--key")
    return text


def _read_checkpoints(path: Path) -> list[str]:
    """Raises `typer.BadParameter`."""
    found = split_notes(_extract_field(path.read_bytes().decode(errors="replace"), "note"))
    if not found:
        raise typer.BadParameter("a file given is empty: it holds no checkpoint", param_hint="--checkpoint")
    return found


def _extract_field(text: str, name: str) -> str:
    """What answers of the service say under this name, one after another; other text is what it is."""
    rest, said = text.lstrip(), ""
    try:
        while rest.startswith("{"):
            answer, end = json.JSONDecoder().raw_decode(rest)
            said, rest = said + answer[name], rest[end:].lstrip()
    except (ValueError, KeyError, TypeError, RecursionError):
        return text
    return said if said and not rest else text


def read_lines(file: BinaryIO, read: Callable[[int], None]) -> Iterator[bytes]:
    """The lines of a file, and to `read` how many bytes that is by now."""
    lines = iter(partial(file.readline, LONGEST_LINE), b"")
    before = -1
    while (now := file.tell()) != before:
        read(now)
        before = now
        yield from islice(lines, LINES_PER_STEP)


def _print_verdict(verdict: Verdict) -> None:
    table = Table(show_header=False)
    table.add_row("journal", verdict.origin)
    if verdict.selection:
        table.add_row("entries", f"{verdict.entries:,} picked out of {verdict.end:,}")
    else:
        table.add_row("entries", f"{verdict.entries:,}, from {verdict.start:,} up to {verdict.end:,}")
    table.add_row("checkpoints of the file that agree", f"{verdict.checkpoints:,}")
    table.add_row("given checkpoints that agree", f"{verdict.given_agree:,}")
    if verdict.given_outside:
        table.add_row("given ones that this file cannot answer for", f"{verdict.given_outside:,}")
    output.print(table, markup=False, highlight=False)
    if verdict.faults:
        print_table(("where", "what is wrong"), ((fault.where, fault.text) for fault in verdict.faults), "Faults")
        if verdict.more:
            output.print(f"… and {verdict.more:,} more.", highlight=False)
    for remark in _list_caveats(verdict):
        errors.print(remark, style="yellow", highlight=False)
    if verdict.good:
        output.print("Nothing is wrong.", style="green")
    else:
        output.print("This file is not what the journal was.", style="red")


def _list_caveats(verdict: Verdict) -> Iterator[str]:
    """What was not proved."""
    if not verdict.key_given:
        yield "The key that the file itself names was trusted, which proves less: give the real one with --key."
    if not verdict.given_agree:
        yield "No checkpoint kept elsewhere was compared: who holds the key could have written everything anew."
    if verdict.largest_given > verdict.end:
        yield f"The given checkpoints know of {verdict.largest_given:,} entries; this file ends after {verdict.end:,}."
    if verdict.selection:
        yield "Each of these entries is in the journal; whether all that were asked for are here, only the whole shows."
