"""A map is understood completely or refused with the place that is wrong."""

from datetime import date
from pathlib import Path

import pytest

from services.cli.imports.files import ImportFileError
from services.cli.imports.maps import ImportMap, MapError, read_map
from services.cli.imports.rows import read_mapped_rows


def a_map(folder: Path, text: str) -> ImportMap:
    path = folder / "map.toml"
    path.write_text(text, encoding="utf-8")
    return read_map(path)


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(MapError) as caught:
        a_map(folder, text)
    return str(caught.value)


ID = '[fields]\nid = "ID"\n'


def test_the_defaults_are_those_of_a_csv_file_with_a_header(tmp_path: Path) -> None:
    layout = a_map(tmp_path, ID).layout_of(Path("x.csv"))
    assert (layout.encoding, layout.delimiter, layout.columns, layout.row_end) == ("utf-8-sig", ",", (), "\n")
    assert (layout.quote, layout.null) == ('"', frozenset({""}))


def test_a_tsv_file_is_delimited_by_tabs_unless_the_map_says_otherwise(tmp_path: Path) -> None:
    assert a_map(tmp_path, ID).layout_of(Path("x.tsv")).delimiter == "\t"
    assert a_map(tmp_path, '[file]\ndelimiter = ";"\n' + ID).layout_of(Path("x.tsv")).delimiter == ";"


def test_a_joined_file_is_written_like_the_imported_one_but_for_its_own_options_and_columns(tmp_path: Path) -> None:
    map_ = a_map(
        tmp_path,
        '[file]\nencoding = "cp1251"\ndelimiter = "+|"\ncolumns = ["ID"]\n[files."d.csv"]\ndelimiter = "\\t"\n' + ID,
    )
    joined = map_.layout_of(Path("d.csv"), "d.csv")
    assert (joined.encoding, joined.delimiter, joined.columns) == ("cp1251", "\t", ())
    assert map_.layout_of(Path("e.csv"), "e.csv").delimiter == "+|"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[felds]\nid = "ID"', "felds"),
        (ID + '[file]\nseparator = ";"', "separator"),
        (ID + '[files."d.csv"]\nseparator = ";"', 'files."d.csv"'),
        (ID + '[file]\nencoding = "utf-99"', "file.encoding"),
        (ID + '[file]\nencoding = "rot13"', "file.encoding"),
        (ID + '[file]\ndelimiter = ""', "file.delimiter"),
        (ID + '[file]\nrow_end = ""', "file.row_end"),
        (ID + "[file]\nquote = \"''\"", "file.quote"),
        (ID + '[file]\nnull = "NULL"', "file.null"),
        (ID + "[file]\ndelimiter = 1", "file.delimiter"),
        ('[file]\nencoding = "utf-8"', "fields"),
        ("[fields]\nid = 1.5.2", "TOML"),
        ("[fields]\nid = 7", "fields.id"),
        ('[fields]\nid = ""', "fields.id"),
        ('[fields]\nid = "{ID"', "fields.id"),
        ('[fields]\nid = "ID}"', "fields.id"),
        ('[fields]\nid = { column = "ID", defalt = "x" }', "defalt"),
        ('[fields]\nid = { column = "ID", latest = "yesterday" }', "fields.id.latest"),
        ('[fields]\nid = { column = "ID", values = "x" }', "fields.id.values"),
        ('[fields]\nid = { column = "ID", format = "%-d.%Q" }', "fields.id.format"),
        ('[fields]\nid = { column = "ID", split = "" }', "fields.id.split"),
        ('[fields]\nid = { file = "d.csv", match = "ID" }', "take"),
        ('[fields]\nid = { file = "d.csv", take = "ID" }', "match"),
        ('[fields]\nid = { file = "d.csv", match = "ID", take = [] }', "fields.id.take"),
        ('[fields]\nid = { file = "d.csv", match = { here = "ID" }, take = "X" }', "fields.id.match"),
        ('[fields]\nid = { file = "d.csv", match = { hier = "ID" }, take = "X" }', "hier"),
        ('[fields]\nid = { file = "d.csv", match = "ID", take = "X", pick = "best" }', "fields.id.pick"),
        ('[fields]\nid = { file = "d.csv", match = "ID", take = "X", pik = "sum" }', "pik"),
        (ID + '[[where]]\ncolumn = "A"', "where[0]"),
        (ID + '[[where]]\nin = ["A"]', "where[0]"),
        (ID + '[[where]]\ncolumn = "A"\nin = "A"', "where[0].in"),
        (ID + '[[where]]\ncolumn = "A"\nis = ["A"]', "is"),
    ],
)
def test_a_wrong_key_or_value_is_refused_by_its_place(tmp_path: Path, text: str, named: str) -> None:
    assert named in refusal(tmp_path, text)


def test_a_map_that_does_not_exist_or_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MapError, match="cannot be read"):
        read_map(tmp_path / "none.toml")
    (tmp_path / "map.toml").write_bytes("[fields]\nid = 'Код'".encode("cp1251"))
    with pytest.raises(MapError, match="byte 15 is not UTF-8"):
        read_map(tmp_path / "map.toml")


CLIENT = ID + 'name = "Name"\nowner_id = "Owner"\n'


@pytest.mark.parametrize(
    ("kind", "text", "named"),
    [
        ("clients", CLIENT + 'nam = "Name"', "fields.nam"),
        ("clients", ID + 'name = "Name"', "fields.owner_id"),
        ("clients", CLIENT + 'value = ["Value"]', "fields.value"),
        ("clients", CLIENT + 'value = { colum = "Value" }', "colum"),
        ("clients", CLIENT + 'value = { value = "much" }', "fields.value"),
        ("clients", CLIENT + 'value = { column = "Value", latest = "today" }', "fields.value"),
        ("clients", CLIENT + 'value = { column = "Value", split = ";" }', "fields.value.split"),
        ("clients", CLIENT + 'regions = { column = "R", format = "%d" }', "fields.regions"),
        ("clients", CLIENT + "regions = { value = [[1]] }", "fields.regions"),
        ("clients", CLIENT + 'regions = [{ us = "R" }]', "fields.regions"),
        ("clients", CLIENT + 'contacts = [{ nme = "Name" }]', "fields.contacts"),
        ("clients", CLIENT + 'contacts = ["Name"]', "fields.contacts"),
        ("clients", CLIENT + 'team = ["Name"]', "fields.team"),
        ("clients", CLIENT + 'team = { sales = ["Name"] }', "fields.team.sales"),
        ("departments", ID + 'name = "Name"\nhead = "Head"', "fields.head"),
        ("employees", ID + 'name = "N"\nemail = "E"\nhired_on = { value = "May" }', "fields.hired_on"),
        (
            "employees",
            ID + 'name = "N"\nemail = "E"\nhired_on = { column = "H", default = "5/1/20" }',
            "fields.hired_on",
        ),
        (
            "employees",
            ID + 'name = "N"\nemail = "E"\nhired_on = "H"\nfunctions = { sales = { value = "some" } }',
            "fields.functions.sales",
        ),
    ],
)
def test_a_map_that_does_not_fit_the_kind_is_refused_before_any_file_is_read(
    tmp_path: Path, kind: str, text: str, named: str
) -> None:
    map_ = a_map(tmp_path, text)
    with pytest.raises(MapError) as caught:
        read_mapped_rows(kind, tmp_path / "absent.csv", map_, date(2026, 1, 1))
    assert named in str(caught.value)


def test_a_field_that_the_caller_fills_in_may_be_without_a_source(tmp_path: Path) -> None:
    map_ = a_map(tmp_path, ID + 'name = "Name"')
    (tmp_path / "c.csv").write_text("ID,Name\n1,Acme\n")
    [row] = read_mapped_rows("clients", tmp_path / "c.csv", map_, date(2026, 1, 1), optional_fields=("owner_id",))
    assert row.data == {"id": "1", "name": "Acme"}  # type: ignore[union-attr]


def test_a_file_that_does_not_exist_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match=r"absent\.csv: cannot be read"):
        read_mapped_rows("clients", tmp_path / "absent.csv", a_map(tmp_path, CLIENT), date(2026, 1, 1))
