"""An export reaches the services row by row: what it refers to is waited for, what is wrong is listed with its line."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from services.__main__ import app
from services.cli.imports.files import BadRow
from services.cli.imports.maps import read_map
from services.cli.imports.rows import ImportRow, read_mapped_rows
from services.cli.imports.upload import BATCH_ROWS, ImportReport, Upload, split_into_batches
from services.cli.system import System
from tests.support.house import House

NORTHWIND = Path(__file__).parents[2] / "examples" / "northwind"


class Housed(System):
    """The system of a house, which moves only when it is told to settle."""

    house: House

    async def settle(self) -> None:
        await self.house.settle()


def system_of(house: House) -> System:
    runtimes = list(house.embedded.replicas.values())
    system = Housed(house.http, runtimes[0].keys, None, runtimes)
    object.__setattr__(system, "house", house)
    return system


async def upload(house: House, kind: str, rows: Iterable[dict[str, Any] | BadRow], **options: Any) -> ImportReport:
    numbered = [row if isinstance(row, BadRow) else ImportRow(line, row) for line, row in enumerate(rows, 2)]
    return await Upload(system_of(house), kind, **options).run(numbered)


async def import_northwind(house: House, kind: str, file: str) -> ImportReport:
    today = house.clock.day()
    rows = read_mapped_rows(kind, NORTHWIND / file, read_map(NORTHWIND / f"{kind}.toml"), today)
    return await Upload(system_of(house), kind).run(rows)


def employee(id_: str, **more: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "name": f"Employee {id_}",
        "email": f"{id_}@company.example",
        "hired_on": "2020-01-01",
        "functions": {"sales": 40},
        **more,
    }


def client(id_: str, owner_id: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "name": f"Client {id_}", "owner_id": owner_id, **more}


async def test_northwind_goes_in_and_a_second_time_changes_nothing() -> None:
    async with House.start() as house:
        first = await import_northwind(house, "departments", "departments.csv")
        assert first.headless_department_ids == ["sales"]
        assert (await import_northwind(house, "employees", "employees.csv")).counts == {"created": 9}
        assert (await import_northwind(house, "departments", "departments.csv")).counts == {"updated": 1}
        flow = json.loads((NORTHWIND / "flow.json").read_text())
        await house.ok("director", "POST", "/orders/v1/flows", json=flow)
        assert (await import_northwind(house, "clients", "customers.csv")).counts == {"created": 91}
        assert (await import_northwind(house, "orders", "orders.csv")).counts == {"created": 830}
        for kind, file, rows in (
            ("departments", "departments.csv", 1),
            ("employees", "employees.csv", 9),
            ("clients", "customers.csv", 91),
            ("orders", "orders.csv", 830),
        ):
            assert (await import_northwind(house, kind, file)).counts == {"unchanged": rows}


async def test_a_manager_may_stand_further_down_and_one_who_is_nowhere_is_named_by_the_line() -> None:
    async with House.start("staff") as house:
        report = await upload(
            house,
            "employees",
            [
                employee("7", manager_id="8"),
                employee("8", manager_id="9"),
                employee("9"),
                employee("5", manager_id="4"),
            ],
        )
        assert report.counts == {"created": 3, "refused": 1}
        assert report.refused == [BadRow(5, "unknown_manager")]


async def test_clients_of_people_who_do_not_work_here_go_to_whom_the_command_names() -> None:
    async with House.start("staff", "clients") as house:
        await upload(house, "employees", [employee("1"), employee("2")])
        left = {"on": str(house.clock.day(-1))}
        await house.ok("hr", "POST", "/staff/v1/employees/2/departure", json=left)
        rows = [client("a", "1"), client("b", "2"), client("c", "nobody"), {"id": "d", "name": "Client d"}]
        report = await upload(house, "clients", rows, orphans_to="1")
        assert report.counts == {"created": 4}
        assert sorted(report.orphans) == ["b", "c", "d"]
        owned = await house.ok("service", "GET", "/clients/v1/clients?owner_id=1")
        assert [item["id"] for item in owned["items"]] == ["a", "b", "c", "d"]


async def test_importing_orphans_again_changes_nothing() -> None:
    async with House.start("staff", "clients") as house:
        await upload(house, "employees", [employee("1")])
        rows = [client("a", "1"), client("b", "nobody"), {"id": "c", "name": "Client c"}]
        await upload(house, "clients", rows, orphans_to="1")
        assert (await upload(house, "clients", rows, orphans_to="1")).counts == {"unchanged": 3}


async def test_orphans_are_listed_that_were_given_away_and_only_those() -> None:
    async with House.start("staff", "clients") as house:
        await upload(house, "employees", [employee("1")])
        rows = [client("a", "nobody"), {"id": "b", "name": "Client b"}]
        refused = await upload(house, "clients", rows, orphans_to="unknown", dry_run=True)
        assert (refused.counts["refused"], refused.orphans) == (2, [])
        assert sorted((await upload(house, "clients", rows, orphans_to="1")).orphans) == ["a", "b"]
        assert (await upload(house, "clients", rows, orphans_to="1")).orphans == []


async def test_of_an_id_that_comes_twice_the_first_counts_at_every_run() -> None:
    async with House.start("staff", "clients") as house:
        await upload(house, "employees", [employee("1")])
        rows = [client("a", "1"), client("a", "1"), {**client("a", "1"), "name": "Another"}]
        for outcome in ("created", "unchanged"):
            report = await upload(house, "clients", rows)
            assert report.refused == [BadRow(4, "repeated_id")]
            assert report.counts[outcome] >= 1
            assert report.counts["updated"] == 0


async def test_without_a_name_for_orphans_they_are_refused_and_the_others_kept() -> None:
    async with House.start("staff", "clients") as house:
        await upload(house, "employees", [employee("1")])
        report = await upload(house, "clients", [client("a", "1"), client("b", "nobody"), BadRow(4, "name: missing")])
        assert report.counts == {"created": 1, "refused": 2}
        assert report.refused == [BadRow(3, "unknown_employee"), BadRow(4, "name: missing")]


async def test_a_dry_run_tells_what_would_be_done_and_does_nothing() -> None:
    async with House.start("staff") as house:
        report = await upload(house, "employees", [employee("1"), employee("2", manager_id="1")], dry_run=True)
        assert report.counts == {"created": 2}
        assert (await house.ok("hr", "GET", "/staff/v1/employees"))["items"] == []


def test_a_batch_holds_no_more_than_a_door_accepts() -> None:
    small = list(split_into_batches(ImportRow(line, {"id": str(line)}) for line in range(BATCH_ROWS * 2 + 1)))
    assert [batch.count for batch in small] == [BATCH_ROWS, BATCH_ROWS, 1]
    large = list(split_into_batches(ImportRow(line, {"name": "n" * 9_000_000}) for line in range(3)))
    assert [len(batch.body) < 32_000_000 for batch in large] == [True, True, True]


@pytest.mark.parametrize(
    "arguments",
    [
        ["import", "birds", "{csv}", "--map", "{map}"],
        ["import", "orders", "{csv}", "--map", "{map}", "--orphans-to", "5"],
        ["import", "employees", "no-such-file.csv", "--map", "{map}"],
        ["import", "employees", "{csv}", "--map", "{csv}"],
        ["import", "clients", "{csv}", "--map", "{map}"],
    ],
)
def test_wrong_usage_ends_with_status_2_and_starts_nothing(arguments: list[str], tmp_path: Path) -> None:
    known = {"csv": NORTHWIND / "employees.csv", "map": NORTHWIND / "employees.toml"}
    given = [argument.format(**known) for argument in arguments]
    result = CliRunner().invoke(app, [*given, "--data-dir", str(tmp_path / "data")])
    assert result.exit_code == 2
    assert not (tmp_path / "data").exists()


# -- the command itself ------------------------------------------------------------------------------------------------

EMPLOYEES = """
[fields]
id = "ID"
name = "{First} {Last}"
email = "Mail"
hired_on = { column = "Hired", format = "%d.%m.%Y" }
manager_id = "Boss"
functions = { sales = { value = 40 } }
"""
HEADER = "ID,First,Last,Mail,Hired,Boss"
ANNA, BEN = "1,Anna,Ek,anna@example.org,01.02.2020,", "2,Ben,Ek,ben@example.org,01.02.2021,1"


class Import:
    """`holdfast import employees` of one file, again and again, on a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.file, self.map, self.data = folder / "staff.csv", folder / "staff.toml", folder / "data"
        self.map.write_text(EMPLOYEES)

    def write(self, *lines: str, encoding: str = "utf-8") -> None:
        self.file.write_text("\n".join(lines) + "\n", encoding=encoding)

    def __call__(self, *options: str) -> Result:
        given = ["import", "employees", str(self.file), "--map", str(self.map), "--data-dir", str(self.data)]
        result: Result = CliRunner().invoke(app, [*given, *options])  # type: ignore[assignment]
        return result

    def report(self, *options: str) -> tuple[int, dict[str, Any]]:
        """The exit status, and what was printed."""
        result = self("--json", *options)
        return result.exit_code, json.loads(result.stdout)


@pytest.fixture
def importing(tmp_path: Path) -> Import:
    return Import(tmp_path)


def test_broken_rows_are_listed_with_line_and_reason_and_the_good_ones_kept(importing: Import) -> None:
    importing.write(
        HEADER,
        ANNA,
        "3,Carl,Ek,carl@example.org,30.02.2020,",
        "4,Dora,Ek,dora@example.org",
        BEN,
        ",Emil,Ek,emil@example.org,01.02.2020,",
        '6,"Fred,Ek,fred@example.org,01.02.2020,',
        "1,Gina,Ek,gina@example.org,01.02.2020,",
        "8,Hugo,Ek,hugo@example.org,01.02.2020,nobody",
    )
    status, report = importing.report()
    assert (status, report["created"], report["refused"]) == (1, 2, 6)
    assert report["bad_rows"] == [
        {"line": 3, "reason": "hired_on: column Hired: not a date"},
        {"line": 4, "reason": "4 fields instead of 6"},
        {"line": 6, "reason": "id: missing"},
        {"line": 7, "reason": "a quote is opened and never closed"},
        {"line": 8, "reason": "repeated_id"},
        {"line": 9, "reason": "unknown_manager"},
    ]
    importing.write(HEADER, ANNA, BEN)
    status, report = importing.report()
    assert (status, report["created"], report["unchanged"], report["bad_rows"]) == (0, 0, 2, [])


def test_a_dry_run_says_what_would_be_done_and_does_nothing(importing: Import) -> None:
    importing.write(HEADER, ANNA, "3,Carl,Ek,carl@example.org,yesterday,", BEN)
    status, report = importing.report("--dry-run")
    assert (status, report["dry_run"], report["created"], report["refused"]) == (1, True, 2, 1)
    status, report = importing.report()
    assert (status, report["dry_run"], report["created"], report["refused"]) == (1, False, 2, 1)


def test_a_file_in_another_encoding_than_the_map_says_is_wrong_usage_and_imports_nothing(importing: Import) -> None:
    many = [f"{number},Anna,Ek,{number}@example.org,01.02.2020," for number in range(10_000)]  # more than one piece
    importing.write(HEADER, *many, "x,Zoë,Ek,zoe@example.org,01.02.2020,", encoding="latin-1")
    result = importing("--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is not utf-8-sig: another encoding?" in " ".join(result.stderr.split())
    assert not importing.data.exists()
    importing.map.write_text('[file]\nencoding = "latin-1"\n' + EMPLOYEES)
    importing.write(HEADER, "x,Zoë,Ek,zoe@example.org,01.02.2020,", encoding="latin-1")
    assert importing.report()[1]["created"] == 1


@pytest.mark.parametrize("column", ["Hired", "Last"])
def test_a_column_that_the_map_names_and_the_file_lacks_is_wrong_usage_and_imports_nothing(
    importing: Import, column: str
) -> None:
    importing.write(HEADER.replace(column, "Other"), ANNA)
    result = importing("--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"staff.csv: column {column} is missing" in " ".join(result.stderr.split())
    assert "Anna" not in result.stderr
    assert not importing.data.exists()
