"""A CRM's log goes in as usage, and a second time changes nothing."""

from datetime import timedelta
from pathlib import Path

from services.cli.imports.files import BadRow
from services.cli.imports.maps import read_map
from services.cli.imports.rows import read_mapped_rows
from services.cli.imports.upload import ImportReport, Upload
from tests.cli.test_import_command import client, employee, system_of, upload
from tests.support.house import House

MAP = (
    '[fields]\nid = "id"\nemployee_id = "who"\nclient_id = "client"\naction = "what"\nrows = "rows"\nat = "when"\n'
    'system = { value = "crm" }\n'
)


async def test_a_log_goes_in_and_a_second_time_changes_nothing(tmp_path: Path) -> None:
    async with House.start() as house:
        await upload(house, "employees", [employee("anna")])
        await upload(house, "clients", [client("c-1", "anna")])
        at = (house.clock() - timedelta(days=1)).strftime("%Y-%m-%d %H:%M:%S")
        lines = [f"{number},anna,c-1,read,3,{at}" for number in range(3)]
        lines += [f"7,anna,c-1,looked,1,{at}", f"8,nobody,c-1,read,1,{at}", f"9,anna,c-1,read,0,{at}"]
        (tmp_path / "log.csv").write_text("\n".join(["id,who,client,what,rows,when", *lines]))
        (tmp_path / "map.toml").write_text(MAP)

        async def once() -> ImportReport:
            rows = read_mapped_rows("usage", tmp_path / "log.csv", read_map(tmp_path / "map.toml"), house.clock.day())
            return await Upload(system_of(house), "usage").run(rows)

        first = await once()
        assert first.counts == {"created": 3, "refused": 3}
        assert sorted(first.refused, key=lambda refusal: refusal.line) == [
            BadRow(5, "invalid: action"),
            BadRow(6, "unknown_employee"),
            BadRow(7, "invalid: rows"),
        ]
        assert (await once()).counts == {"unchanged": 3, "refused": 3}
        assert await house.scalar("clients", "SELECT sum(rows) FROM usage") == 9
