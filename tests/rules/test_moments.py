"""How a time in an export is read."""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.cli.imports.fields import parse_moment
from services.cli.imports.files import BadRow
from services.cli.imports.maps import read_map
from services.cli.imports.rows import ImportRow, read_mapped_rows
from tests.support.exports import TODAY

BERLIN = ZoneInfo("Europe/Berlin")
USAGE = (
    '[fields]\nemployee_id = "who"\nclient_id = "client"\naction = { column = "what", values = { V = "read" } }\n'
    'at = { column = "when", format = "%d.%m.%Y %H:%M" }\nsystem = { value = "crm" }\n'
)


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("2026-01-31T10:00:00Z", None, "2026-01-31T10:00:00+00:00"),
        ("2026-01-31 10:00", None, "2026-01-31T10:00:00+01:00"),
        ("2026-07-31T10:00:00", None, "2026-07-31T10:00:00+02:00"),
        ("2026-01-31T10:00:00-05:00", None, "2026-01-31T10:00:00-05:00"),
        ("31.01.2026 10:00", "%d.%m.%Y %H:%M", "2026-01-31T10:00:00+01:00"),
        ("31.01.2026 10:00 +0300", "%d.%m.%Y %H:%M %z", "2026-01-31T10:00:00+03:00"),
    ],
)
def test_a_time_without_an_offset_is_of_the_company(text: str, form: str | None, expected: str) -> None:
    assert parse_moment(text, form, BERLIN) == expected


@pytest.mark.parametrize(("text", "form"), [("yesterday", None), ("2026-01-31", "%d.%m.%Y"), ("", None)])
def test_what_is_no_time_is_refused(text: str, form: str | None) -> None:
    with pytest.raises(ValueError, match="not a time"):
        parse_moment(text, form, BERLIN)


def test_a_time_that_moves_keeps_its_hour() -> None:
    assert parse_moment("2026-03-28T10:00:00", None, BERLIN, timedelta(days=1)) == "2026-03-29T10:00:00+02:00"


def test_a_report_of_a_crm_is_read_as_its_map_says(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("who,client,what,when\nanna,c-1,V,02.03.2026 09:30\nanna,c-2,V,noon\n")
    (tmp_path / "map.toml").write_text(USAGE)
    found = list(read_mapped_rows("usage", tmp_path / "log.csv", read_map(tmp_path / "map.toml"), TODAY, zone=BERLIN))
    used = {"employee_id": "anna", "client_id": "c-1", "action": "read", "system": "crm"}
    assert found == [
        ImportRow(2, {**used, "at": "2026-03-02T09:30:00+01:00"}),
        BadRow(3, "at: column when: not a time"),
    ]
