"""What a CRM knows of clients goes in by one command for each kind, and a second time changes nothing."""

from pathlib import Path

import pytest

from services.cli.imports.files import BadRow
from services.cli.imports.maps import read_map
from services.cli.imports.rows import read_mapped_rows
from services.cli.imports.upload import ImportReport, Upload
from tests.cli.test_import_command import client, employee, system_of, upload
from tests.support.house import House

FILES = {
    "interactions": (
        'client_id = "client"\nemployee_id = "who"\nkind = { column = "how", values = { Besuch = "meeting" } }\n'
        'at = { column = "when", format = "%d.%m.%Y %H:%M" }\nsummary = "about"\n',
        ["client,who,how,when,about", "c-1,anna,Besuch,05.01.2026 10:00,prices", "c-1,anna,mail,05.01.2026 11:00,"],
        "c-1,nobody,mail,05.01.2026 12:00,",
        "unknown_employee",
    ),
    "feedback": (
        'id = "no"\nclient_id = "client"\nscore = "points"\nat = "when"\nnote = "text"\n',
        ["no,client,points,when,text", "1,c-1,9,2026-01-05,on time", "2,c-1,3,2026-02-05,late"],
        "3,c-1,11,2026-02-05,",
        "invalid: score",
    ),
    "team": (
        'client_id = "client"\nfunction = { value = "delivery" }\nemployee_id = "who"\n',
        ["client,who", "c-1,anna", "c-2,anna"],
        "c-3,anna",
        "unknown_client",
    ),
    "contacts": (
        'client_id = "client"\nname = "{first} {last}"\nemail = "mail"\n',
        ["client,first,last,mail", "c-1,Erika,Muster,e@m.example", "c-1,Otto,Muster,"],
        "c-3,Ida,Muster,",
        "unknown_client",
    ),
}


@pytest.mark.parametrize("kind", FILES)
async def test_a_file_goes_in_and_a_second_time_changes_nothing(kind: str, tmp_path: Path) -> None:
    mapped, lines, wrong, reason = FILES[kind]
    (tmp_path / "file.csv").write_text("\n".join([*lines, wrong]))
    (tmp_path / "map.toml").write_text(f"[fields]\n{mapped}")
    async with House.start() as house:
        await upload(house, "employees", [employee("anna")])
        await upload(house, "clients", [client("c-1", "anna"), client("c-2", "anna")])

        async def once() -> ImportReport:
            rows = read_mapped_rows(kind, tmp_path / "file.csv", read_map(tmp_path / "map.toml"), house.clock.day())
            return await Upload(system_of(house), kind).run(rows)

        first = await once()
        assert first.counts == {"created": 2, "refused": 1}
        assert first.refused == [BadRow(4, reason)]
        assert (await once()).counts == {"unchanged": 2, "refused": 1}


async def test_a_place_that_two_rows_give_to_different_people_is_refused() -> None:
    async with House.start() as house:
        await upload(house, "employees", [employee("anna"), employee("ben")])
        await upload(house, "clients", [client("c-1", "anna")])
        rows = [{"client_id": "c-1", "function": "delivery", "employee_id": who} for who in ("anna", "ben", "anna")]
        report = await upload(house, "team", rows)
        assert report.counts == {"created": 1, "unchanged": 1, "refused": 1}
        assert report.refused == [BadRow(3, "repeated_id")]
