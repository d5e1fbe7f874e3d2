"""`holdfast import`: the command, its progress and its report."""

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.progress import Progress, TaskID

from services.cli.imports import fields, files, maps, upload
from services.cli.imports.rows import read_mapped_rows
from services.cli.options import DataDirOption, JsonOption, TokenOption, UrlOption
from services.cli.output import exit_with_error, make_progress_bars, output, print_result, print_table
from services.cli.system import make_target, run_on_system

LISTED_ROWS = 30  # refused rows listed in the table; --json lists all
OUTCOMES = ("created", "updated", "unchanged", "refused")


def import_file(
    kind: Annotated[str, typer.Argument(help=", ".join(fields.FIELDS_BY_KIND), metavar="KIND")],
    file: Annotated[Path, typer.Argument(help="CSV, TSV or NDJSON.", exists=True, dir_okay=False, readable=True)],
    map_file: Annotated[
        Path, typer.Option("--map", help="What the columns mean (TOML).", exists=True, dir_okay=False, readable=True)
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    as_json: JsonOption = False,
    orphans_to: Annotated[
        str | None, typer.Option(help="Give clients whose owner does not work here to this employee, and list them.")
    ] = None,
    url: UrlOption = None,
    token: TokenOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Import an export of another system, by id: a second run of the same file changes nothing.

    Example: holdfast import clients customers.csv --map clients.toml --orphans-to 5
    """
    if kind not in fields.FIELDS_BY_KIND:
        raise typer.BadParameter(f"give one of {', '.join(fields.FIELDS_BY_KIND)}")
    if orphans_to is not None and kind != "clients":
        raise typer.BadParameter("--orphans-to is for clients")
    try:
        map_ = maps.read_map(map_file)
        target = make_target(url, token, data_dir)
        zone = ZoneInfo(target.settings.timezone)
        optional_fields = {"owner_id"} if orphans_to is not None else set()
        with make_progress_bars(shown=not as_json) as bars:
            shown = ImportProgress(bars, bars.add_task(f"Importing {kind}", total=file.stat().st_size, note=""))
            today = datetime.now(zone).date()
            rows = read_mapped_rows(
                kind, file, map_, today, zone=zone, optional_fields=optional_fields, progress=shown.read
            )
            report = run_on_system(
                target, lambda system: upload.Upload(system, kind, dry_run, orphans_to, sent=shown.sent).run(rows)
            )
    except (maps.MapError, files.ImportFileError) as error:
        exit_with_error(str(error), 2)
    result = report_as_dict(report, kind, dry_run=dry_run)
    print_result(as_json, result, lambda: print_report(report, kind, dry_run=dry_run))
    if report.refused:
        raise typer.Exit(1)


@dataclass
class ImportProgress:
    """The bar of an import: the bytes that were read, and the rows that are done."""

    bars: Progress
    bar: TaskID
    rows: int = 0

    def read(self, at: int, _: int) -> None:
        self.bars.update(self.bar, completed=at)

    def sent(self, rows: int) -> None:
        self.rows += rows
        self.bars.update(self.bar, note=f"{self.rows:,} rows")


def report_as_dict(report: upload.ImportReport, kind: str, *, dry_run: bool) -> dict[str, object]:
    return {
        "kind": kind,
        "dry_run": dry_run,
        **{outcome: report.counts[outcome] for outcome in OUTCOMES},
        "bad_rows": [asdict(refusal) for refusal in report.refused],
        "orphans": report.orphans,
        "without_head": report.headless_department_ids,
    }


def print_report(report: upload.ImportReport, kind: str, *, dry_run: bool) -> None:
    title = "Dry run: nothing was done" if dry_run else None
    print_table(("", *OUTCOMES), [(kind, *(report.counts[outcome] for outcome in OUTCOMES))], title)
    if report.refused:
        listed = ((str(refusal.line), refusal.reason) for refusal in report.refused[:LISTED_ROWS])
        print_table(("line", "reason"), listed, "Refused rows")
        if len(report.refused) > LISTED_ROWS:
            output.print(f"… and {len(report.refused) - LISTED_ROWS:,} more; --json lists all of them.")
    if report.orphans:
        output.print(
            f"Given to another owner ({len(report.orphans):,}): {_format_ids(report.orphans)}", highlight=False
        )
    if report.headless_department_ids:
        output.print(
            f"Heads not known yet ({len(report.headless_department_ids):,}): {_format_ids(report.headless_department_ids)}. "
            "Import the departments again after the employees.",
            highlight=False,
        )


def _format_ids(ids: list[str]) -> str:
    more = f" … and {len(ids) - LISTED_ROWS:,} more" if len(ids) > LISTED_ROWS else ""
    return ", ".join(ids[:LISTED_ROWS]) + more
