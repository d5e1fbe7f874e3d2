"""Exports are read as the map says, and what cannot be read is named by line and column, never by content."""

import csv
import io
import json
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.maps import read_map
from services.cli.reading import BadRow, ImportFileError, Row, mapped_rows
from services.cli.tables import Layout, rows

TODAY = date(2026, 3, 2)
NORTHWIND = Path(__file__).parents[2] / "examples" / "northwind"
DEPARTMENT = '[fields]\nid = "id"\nname = "name"\n'
CLIENT = '[fields]\nid = "id"\nname = "name"\nowner_id = "owner"\n'
ORDER = (
    '[fields]\nid = "id"\nclient_id = { value = "c" }\nflow_id = { value = "f" }\norigin = { value = "own" }\n'
    'value = { column = "value", default = 1 }\n'
)


def imported(
    folder: Path, kind: str, content: str | bytes, text: str, name: str = "x.csv", **files: str | bytes
) -> list[Row | BadRow]:
    """What comes of a file and a map; further files are named by keyword, with `_csv` for `.csv`."""
    for file, inside in {name: content, **{key.replace("_", "."): value for key, value in files.items()}}.items():
        (folder / file).write_bytes(inside if isinstance(inside, bytes) else inside.encode())
    (folder / "map.toml").write_text(text, encoding="utf-8")
    return list(mapped_rows(kind, folder / name, read_map(folder / "map.toml"), TODAY))


def data(found: list[Row | BadRow]) -> list[dict[str, Any]]:
    assert all(isinstance(row, Row) for row in found), found
    return [row.data for row in found if isinstance(row, Row)]


def one(found: list[Row | BadRow]) -> dict[str, Any]:
    [only] = data(found)
    return only


# How files are written


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1251", "koi8-r"])
def test_any_codec_is_read(tmp_path: Path, encoding: str) -> None:
    text = "\ufeff" if encoding == "utf-16-le" else ""
    content = f"{text}id,name\n1,Отдел продаж\n".encode(encoding)
    found = imported(tmp_path, "departments", content, f'[file]\nencoding = "{encoding}"\n' + DEPARTMENT)
    assert one(found) == {"id": "1", "name": "Отдел продаж"}


def test_delimiters_of_several_characters_and_row_ends_with_line_breaks_inside_are_read(tmp_path: Path) -> None:
    content = '1+|Sales\nand more+|NULL&|\n2+|"East"+|1&|\n'.encode("utf-16")
    layout = '[file]\nencoding = "utf-16"\ndelimiter = "+|"\nrow_end = "&|\\n"\nquote = ""\nnull = ["NULL"]\n'
    text = layout + 'columns = ["id", "name", "up"]\n' + DEPARTMENT + 'parent_id = "up"'
    found = imported(tmp_path, "departments", content, text)
    assert data(found) == [{"id": "1", "name": "Sales\nand more"}, {"id": "2", "name": '"East"', "parent_id": "1"}]
    assert [row.line for row in found] == [1, 3]


def test_windows_line_ends_and_a_last_row_without_an_end_are_read(tmp_path: Path) -> None:
    assert data(imported(tmp_path, "departments", "id,name\r\n1,A\r\n\r\n2,B", DEPARTMENT)) == [
        {"id": "1", "name": "A"},
        {"id": "2", "name": "B"},
    ]


def test_a_row_end_of_carriage_returns_alone_is_read(tmp_path: Path) -> None:
    text = '[file]\nrow_end = "\\r"\n' + DEPARTMENT
    assert one(imported(tmp_path, "departments", "id,name\r1,A\r", text)) == {"id": "1", "name": "A"}


def test_quotes_hold_delimiters_line_breaks_empty_lines_and_doubled_quotes(tmp_path: Path) -> None:
    found = imported(tmp_path, "departments", 'id,name\n1,"A, ""B""\n\nC"\n"2",D\n', DEPARTMENT)
    assert data(found) == [{"id": "1", "name": 'A, "B"\n\nC'}, {"id": "2", "name": "D"}]
    assert [row.line for row in found] == [2, 5]


def test_other_quotes_can_be_named(tmp_path: Path) -> None:
    text = '[file]\nquote = "\'"\ndelimiter = ";"\n' + DEPARTMENT
    assert one(imported(tmp_path, "departments", "id;name\n1;'A;\"B\"'\n", text)) == {"id": "1", "name": 'A;"B"'}


def test_tsv_is_read_by_its_name(tmp_path: Path) -> None:
    assert one(imported(tmp_path, "departments", "id\tname\n1\tA, B\n", DEPARTMENT, "x.tsv"))["name"] == "A, B"


def test_values_are_stripped_and_those_that_say_nothing_are_left_out(tmp_path: Path) -> None:
    text = '[file]\nnull = ["NULL", "-"]\n' + DEPARTMENT + 'parent_id = "up"\nhead_id = "head"\n'
    found = imported(tmp_path, "departments", "id,name,up,head\n 1 , A ,NULL, - \n2,B,,7\n", text)
    assert data(found) == [{"id": "1", "name": "A"}, {"id": "2", "name": "B", "head_id": "7"}]


def test_ndjson_is_read_with_its_numbers_exactly_and_its_lists_and_objects_as_they_are(tmp_path: Path) -> None:
    row = {
        "id": 7,
        "name": "A",
        "owner": "e",
        "team": {"sales": 3},
        "regions": ["us", None],
        "contacts": [{"name": "N"}],
    }
    content = json.dumps(row)[:-1] + ', "value": 12345678901234.565, "gone": null}\n\n'
    text = CLIENT + 'value = "value"\nteam = "team"\nregions = "regions"\ncontacts = "contacts"\neffort = "gone"\n'
    assert one(imported(tmp_path, "clients", content, text, "x.ndjson")) == {
        "id": "7",
        "name": "A",
        "owner_id": "e",
        "value": "12345678901234.57",
        "team": {"sales": "3"},
        "regions": ["us"],
        "contacts": [{"name": "N"}],
    }


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")), min_size=3, max_size=3),
        min_size=1,
    )
)
def test_what_a_csv_writer_wrote_is_read_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, table: list[list[str]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "round.csv"
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\n").writerows(table)
    path.write_bytes(written.getvalue().encode())
    read = [cells for _, cells in rows(path, Layout(columns=("a", "b", "c")), ("a", "b", "c"))]
    assert read == [{name: text.strip() or None for name, text in zip("abc", row, strict=True)} for row in table]


# One error for the file


def test_a_missing_column_is_named_with_those_that_exist_before_any_row(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match=r"x.csv: column name is missing; the columns are id, title"):
        imported(tmp_path, "departments", "id,title\n1,A\n", DEPARTMENT)
    with pytest.raises(ImportFileError, match=r"x.ndjson: column name is missing"):
        imported(tmp_path, "departments", '{"id": 1}\n', DEPARTMENT, "x.ndjson")


def test_a_missing_column_of_a_condition_or_a_joined_file_is_named_too(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="column type is missing"):
        imported(tmp_path, "departments", "id,name\n", DEPARTMENT + '[[where]]\ncolumn = "type"\nin = ["a"]')
    join = 'head_id = { file = "d.csv", match = "id", take = "head" }'
    with pytest.raises(ImportFileError, match=r"d.csv: column head is missing"):
        imported(tmp_path, "departments", "id,name\n1,A\n", DEPARTMENT + join, d_csv="id\n1\n")
    (tmp_path / "d.csv").unlink()
    with pytest.raises(ImportFileError, match=r"d.csv: the joined file is neither beside x.csv nor beside the map"):
        imported(tmp_path, "departments", "id,name\n1,A\n", DEPARTMENT + join)


def test_a_column_that_exists_twice_is_refused_only_if_it_is_used(tmp_path: Path) -> None:
    assert one(imported(tmp_path, "departments", "id,x,name,x\n1,2,A,3\n", DEPARTMENT))["name"] == "A"
    with pytest.raises(ImportFileError, match="column name exists more than once"):
        imported(tmp_path, "departments", "id,name,name\n1,A,B\n", DEPARTMENT)


def test_a_wrong_encoding_is_told_by_its_byte_before_any_row(tmp_path: Path) -> None:
    good = b"id,name\n" + b"1,A\n" * 200_000
    with pytest.raises(ImportFileError, match=f"x.csv: byte {len(good) + 2} is not utf-8-sig"):
        imported(tmp_path, "departments", good + b"2,\xcf\xf0\n", DEPARTMENT)
    with pytest.raises(ImportFileError, match="byte 0 is not utf-8-sig"):
        imported(tmp_path, "departments", "id,name\n1,A\n".encode("utf-16"), DEPARTMENT)
    with pytest.raises(ImportFileError, match="is not utf-16"):
        imported(tmp_path, "departments", "id,name\n1,Aбв\n1", '[file]\nencoding = "utf-16-be"\n' + DEPARTMENT)


def test_an_empty_file_is_refused_and_one_with_only_a_header_has_no_rows(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="empty"):
        imported(tmp_path, "departments", "", DEPARTMENT)
    assert imported(tmp_path, "departments", "id,name\n", DEPARTMENT) == []


# Broken rows


def test_broken_rows_are_told_by_line_and_the_good_ones_are_kept(tmp_path: Path) -> None:
    content = (
        "id,name,owner,value\n1,A,e,1.5\n2,B,e\n3,C,e,1,5\n4,D,e,secret\n,E,e,1\n6,F,,\n7,\0,e,\n8,H,e,1e99\n9,I,e,2\n"
    )
    found = imported(tmp_path, "clients", content, CLIENT + 'value = "value"')
    assert [row.data["id"] for row in found if isinstance(row, Row)] == ["1", "9"]
    assert [row for row in found if isinstance(row, BadRow)] == [
        BadRow(3, "3 fields instead of 4"),
        BadRow(4, "5 fields instead of 4"),
        BadRow(5, "value: column value: not a number"),
        BadRow(6, "id: missing"),
        BadRow(7, "owner_id: missing"),
        BadRow(8, "a NUL character"),
        BadRow(9, "value: column value: too large a number"),
    ]


@pytest.mark.parametrize("broken", ['2,"B', '2,"B" b', '"2,"B"'])
@pytest.mark.parametrize("after", ["3,C\n4,D\n", '3,"C"\n4,D\n', '3,C\n4,"D ""x"""\n'])
def test_a_quote_that_is_not_closed_costs_only_its_own_row(tmp_path: Path, broken: str, after: str) -> None:
    found = imported(tmp_path, "departments", f"id,name\n1,A\n{broken}\n{after}", DEPARTMENT)
    assert [row.data["id"] for row in found if isinstance(row, Row)] == ["1", "3", "4"]
    [bad] = [row for row in found if isinstance(row, BadRow)]
    assert bad.line == 3
    assert "quote" in bad.reason


def test_a_quote_opened_in_a_long_file_does_not_swallow_it(tmp_path: Path) -> None:
    content = 'id,name\n1,"A\n' + "".join(f"{number},{'x' * 50}\n" for number in range(2, 60_000))
    found = imported(tmp_path, "departments", content, DEPARTMENT)
    assert Counter(type(row) for row in found) == {Row: 59_998, BadRow: 1}


def test_broken_lines_of_ndjson_are_told_by_line(tmp_path: Path) -> None:
    content = '{"id": 1, "name": "A"}\n{"id": 2\n[3]\n{"id": 4, "name": "\\u0000"}\n{"id": 5, "name": "\\ud800"}\n' + (
        "[" * 100_000 + '\n{"id": 6, "name": {"a": 1}}\n{"id": 7, "name": "\\u0416"}'
    )
    found = imported(tmp_path, "departments", content, DEPARTMENT, "x.jsonl")
    assert [row.line for row in found if isinstance(row, Row)] == [1, 8]
    assert [row for row in found if isinstance(row, BadRow)] == [
        BadRow(2, "not JSON"),
        BadRow(3, "not a JSON object"),
        BadRow(4, "a NUL character"),
        BadRow(5, "not JSON"),
        BadRow(6, "not JSON"),
        BadRow(7, "name: column name: not a single value"),
    ]


@pytest.mark.parametrize("text", ["yesterday", "2020-02-30", "13/45/2020", "NaN", "1_000", "١٢"])
def test_no_reason_repeats_what_is_in_the_file(tmp_path: Path, text: str) -> None:
    content = f"id,placed,value\n1,{text},\n2,2020-01-01,{text}\n"
    found = imported(tmp_path, "orders", content, ORDER + 'placed_on = "placed"')
    assert found == [
        BadRow(2, "placed_on: column placed: not a date"),
        BadRow(3, "value: column value: not a number"),
    ]


# What a map can say


def test_a_template_puts_columns_together_and_leaves_no_gap_for_an_empty_one(tmp_path: Path) -> None:
    content = "id,first,middle,last,owner\n1,Ann,,Lee,e\n2,,,,e\n"
    found = imported(tmp_path, "clients", content, CLIENT.replace('"name"', '"{first} {middle} {last}"'))
    assert found == [Row(2, {"id": "1", "name": "Ann Lee", "owner_id": "e"}), BadRow(3, "name: missing")]


def test_constants_defaults_and_translated_values_become_what_the_field_needs(tmp_path: Path) -> None:
    text = CLIENT + (
        'value = { value = 7 }\neffort = { column = "size", values = { big = 3, none = "" }, default = 0.5 }\n'
    )
    found = imported(tmp_path, "clients", "id,name,owner,size\n1,A,e,big\n2,B,e,\n3,C,e,2.50\n4,D,e,none\n", text)
    assert [(row["value"], row["effort"]) for row in data(found)] == [
        ("7.00", 3),
        ("7.00", 0.5),
        ("7.00", 2.5),
        ("7.00", 0.5),
    ]


def test_lists_take_columns_constants_translations_and_split_texts_each_once(tmp_path: Path) -> None:
    text = CLIENT + (
        'regions = [{ column = "country", values = { US = "us" } }, { column = "more", split = ";" }, '
        '{ value = "eu" }]\n'
        'languages = { column = "tongues", split = "|", default = "en", values = { x = "" } }\n'
    )
    content = "id,name,owner,country,more,tongues\n1,A,e,US,de; us ;,fr|x\n2,B,e,,,\n3,C,e,FR,eu,x\n"
    found = data(imported(tmp_path, "clients", content, text))
    assert [row["regions"] for row in found] == [["us", "de", "eu"], ["eu"], ["FR", "eu"]]
    assert [row["languages"] for row in found] == [["fr"], ["en"], ["en"]]


def test_contacts_team_and_functions_are_nested_and_empty_ones_left_out(tmp_path: Path) -> None:
    text = CLIENT + (
        'contacts = [{ name = "{first} {last}", phone = "phone" }, { email = "mail" }]\n'
        'team = { engineering = "engineer", delivery = { value = "d" } }\n'
    )
    content = "id,name,owner,first,last,phone,mail,engineer\n1,A,e,Ann,Lee,5,a@b,x\n2,B,e,,,,,\n"
    first, second = data(imported(tmp_path, "clients", content, text))
    assert first["contacts"] == [{"name": "Ann Lee", "phone": "5"}, {"email": "a@b"}]
    assert first["team"] == {"engineering": "x", "delivery": "d"}
    assert "contacts" not in second
    assert second["team"] == {"delivery": "d"}
    text = (
        '[fields]\nid = "id"\nname = "id"\nemail = "id"\nhired_on = { value = 2020-01-01 }\n'
        'functions = { sales = { value = 40 }, engineering = "hours" }\n'
    )
    employees = data(imported(tmp_path, "employees", "id,hours\n1,\n2,7.5\n", text))
    assert [row["functions"] for row in employees] == [{"sales": 40}, {"sales": 40, "engineering": 7.5}]
    assert employees[0]["hired_on"] == "2020-01-01"


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("2011-05-31", ""),
        ("2011-05-31 00:00:00.000", ""),
        ("2011-05-31T23:59:59Z", ""),
        ("05/31/2011", ', format = "%m/%d/%Y"'),
        ("31.05.2011 12:00", ', format = "%d.%m.%Y %H:%M"'),
    ],
)
def test_dates_are_iso_or_in_the_form_that_the_map_names(tmp_path: Path, written: str, form: str) -> None:
    text = ORDER + f'placed_on = {{ column = "placed"{form} }}'
    assert one(imported(tmp_path, "orders", f"id,placed,value\n1,{written},\n", text))["placed_on"] == "2011-05-31"


DATES = "id,placed,promised,done,value\n1,01/10/1998,1998-02-01,,\n2,01/20/1998,1998-03-01,1998-01-25,\n3,bad,,,\n"


def test_latest_moves_all_dates_by_one_number_of_days(tmp_path: Path) -> None:
    text = ORDER + (
        'placed_on = { column = "placed", format = "%m/%d/%Y", latest = "today" }\npromised_on = "promised"\n'
        'delivered_on = "done"\ncancelled_on = { column = "done", default = "1998-01-01" }\n'
    )
    first, second, bad = imported(tmp_path, "orders", DATES, text)
    assert isinstance(first, Row)
    assert isinstance(second, Row)
    assert bad == BadRow(4, "placed_on: column placed: not a date")
    assert (first.data["placed_on"], first.data["promised_on"]) == ("2026-02-20", "2026-03-14")
    assert (second.data["placed_on"], second.data["promised_on"]) == ("2026-03-02", "2026-04-11")
    assert second.data["delivered_on"] == second.data["cancelled_on"] == "2026-03-07"
    assert first.data["cancelled_on"] == "1998-01-01", "what the map states itself stays"


def test_latest_on_several_dates_is_one_shift_by_the_newest_of_them(tmp_path: Path) -> None:
    text = ORDER + (
        'placed_on = { column = "placed", format = "%m/%d/%Y", latest = "today" }\n'
        'promised_on = { column = "promised", latest = "today" }\n[[where]]\ncolumn = "id"\nnot_in = [3]\n'
    )
    assert [(row["placed_on"], row["promised_on"]) for row in data(imported(tmp_path, "orders", DATES, text))] == [
        ("2026-01-11", "2026-02-02"),
        ("2026-01-21", "2026-03-02"),
    ]


def test_latest_looks_only_at_rows_that_are_kept(tmp_path: Path) -> None:
    text = ORDER + ('placed_on = { column = "promised", latest = "today" }\n[[where]]\ncolumn = "id"\nin = [1]\n')
    assert one(imported(tmp_path, "orders", DATES, text))["placed_on"] == "2026-03-02"


def test_conditions_must_all_hold_and_an_empty_cell_is_the_empty_text(tmp_path: Path) -> None:
    content = "id,name,type,gone\n1,A,SP,\n2,B,EM,\n3,C,SP,yes\n4,D,,NULL\n"
    layout = '[file]\nnull = ["NULL"]\n'

    def kept(conditions: str) -> list[str]:
        return [row["id"] for row in data(imported(tmp_path, "departments", content, layout + DEPARTMENT + conditions))]

    by_type = '[[where]]\ncolumn = "type"\n'
    assert kept(by_type + 'in = ["SP"]') == ["1", "3"]
    assert kept(by_type + 'in = ["SP", ""]') == ["1", "3", "4"]
    assert kept(by_type + 'not_in = ["SP"]') == ["2", "4"]
    assert kept(by_type + 'in = ["SP"]\n[[where]]\ncolumn = "gone"\nin = ["NULL"]') == ["1"]
    assert kept('[[where]]\ncolumn = "gone"\nnot_in = [""]') == ["3"]


JOINED = "id,who,at\n1,x,1\n1,y,2\n1,y,3\n1,x,4\n1,z,5\n,w,6\n2,,7\n"


@pytest.mark.parametrize(
    ("pick", "owner"), [(', pick = "most"', "x"), (', pick = "first"', "x"), ("", "x"), (', pick = "last"', "z")]
)
def test_a_join_picks_among_the_rows_with_the_same_key(tmp_path: Path, pick: str, owner: str) -> None:
    join = f'{{ file = "d.csv", match = "id", take = "who", default = "5"{pick} }}'
    text = CLIENT.replace('"owner"', join)
    found = data(imported(tmp_path, "clients", "id,name\n1,A\n2,B\n3,C\n", text, d_csv=JOINED))
    assert [row["owner_id"] for row in found] == [owner, "5", "5"]


def test_a_join_has_columns_of_other_names_options_of_its_own_and_translated_values(tmp_path: Path) -> None:
    join = '{ file = "d.csv", match = { here = "code", there = "no" }, take = "{a} {b}", values = { "x y" = "e-1" } }'
    text = CLIENT.replace('"owner"', join) + '[files."d.csv"]\ndelimiter = "\\t"\nencoding = "cp1251"\n'
    found = imported(tmp_path, "clients", "id,name,code\n1,A,Ж\n", text, d_csv="no\ta\tb\nЖ\tx\ty\n".encode("cp1251"))
    assert one(found)["owner_id"] == "e-1"


def test_a_sum_is_exact_and_a_list_is_multiplied(tmp_path: Path) -> None:
    join = 'value = { file = "d.csv", match = "id", take = ["price", "count"], pick = "sum" }\nplaced_on = "placed"\n'
    text = ORDER.replace('value = { column = "value", default = 1 }\n', "") + join
    details = "id,price,count\n1,0.1,3\n1,0.2,\n1,9.80000019,10\n2,1,x\n2,1,1\n3,1\n"
    found = imported(tmp_path, "orders", "id,placed\n1,2020-01-01\n2,2020-01-01\n3,2020-01-01\n", text, d_csv=details)
    assert found[0] == BadRow(7, "d.csv: 2 fields instead of 3")
    assert isinstance(found[1], Row)
    assert found[1].data["value"] == "98.30"
    assert found[2:] == [BadRow(3, "value: d.csv line 5, column count: not a number"), BadRow(4, "value: missing")]


def test_a_file_can_be_joined_with_itself(tmp_path: Path) -> None:
    join = 'head_id = { file = "x.csv", match = { here = "boss", there = "login" }, take = "id" }'
    text = '[file]\ncolumns = ["id", "name", "login", "boss"]\n' + DEPARTMENT + join
    assert data(imported(tmp_path, "departments", "1,A,a,b\n2,B,b,\n", text)) == [
        {"id": "1", "name": "A", "head_id": "2"},
        {"id": "2", "name": "B"},
    ]


def test_a_joined_file_may_lie_beside_the_map(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.csv").write_text("id,name\n1,A\n")
    (tmp_path / "d.csv").write_text("id,head\n1,7\n")
    map_path = tmp_path / "map.toml"
    map_path.write_text(DEPARTMENT + 'head_id = { file = "d.csv", match = "id", take = "head" }')
    assert (
        one(list(mapped_rows("departments", tmp_path / "data" / "x.csv", read_map(map_path), TODAY)))["head_id"] == "7"
    )


def test_progress_ends_at_the_size_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,name\n" + "".join(f"{number},Name\n" for number in range(60_000)))
    (tmp_path / "map.toml").write_text(DEPARTMENT)
    told: list[tuple[int, int]] = []
    found = mapped_rows(
        "departments",
        path,
        read_map(tmp_path / "map.toml"),
        TODAY,
        progress=lambda done, total: told.append((done, total)),
    )
    assert next(iter(found)) == Row(2, {"id": "0", "name": "Name"})
    assert told[-1][0] < path.stat().st_size
    assert len(list(found)) == 59_999
    assert told[-1] == (path.stat().st_size, path.stat().st_size)


# The example


def northwind(kind: str, file: str) -> dict[str, dict[str, Any]]:
    found = data(list(mapped_rows(kind, NORTHWIND / file, read_map(NORTHWIND / f"{kind}.toml"), TODAY)))
    return {row["id"]: row for row in found}


def test_northwind_has_9_employees_who_report_to_each_other_and_one_department() -> None:
    employees = northwind("employees", "employees.csv")
    assert len(employees) == 9
    assert {id_: row.get("manager_id") for id_, row in employees.items() if id_ in "126"} == {
        "1": "2",
        "2": None,
        "6": "5",
    }
    assert employees["1"]["hired_on"] == "1992-05-01"
    assert employees["1"]["email"] == "Nancy.Davolio@northwind.example"
    [department] = northwind("departments", "departments.csv").values()
    assert department["head_id"] in employees
    assert {row["department_id"] for row in employees.values()} == {department["id"]}


def test_northwind_has_91_clients_each_within_its_owners_capacity_and_2_without_orders_at_employee_5() -> None:
    clients = northwind("clients", "customers.csv")
    employees = northwind("employees", "employees.csv")
    flow = json.loads((NORTHWIND / "flow.json").read_text())
    placement = next(stage for stage in flow["stages"] if stage["name"] == "placement")
    assert len(clients) == 91
    assert clients["FISSA"]["owner_id"] == clients["PARIS"]["owner_id"] == "5"
    assert clients["ALFKI"]["contacts"] == [{"name": "Maria Anders", "phone": "030-0074321"}]
    assert {region for row in clients.values() for region in row["regions"]} == {"americas", "europe"}
    load = {id_: Decimal(0) for id_ in employees}
    for client in clients.values():
        load[client["owner_id"]] += 1
    for order in northwind("orders", "orders.csv").values():
        if "delivered_on" not in order:
            load[order["assignees"]["placement"]] += Decimal(str(placement["effort"]))
    assert all(load[id_] <= row["functions"]["sales"] for id_, row in employees.items())


def test_northwind_has_830_orders_whose_newest_is_of_today_and_21_are_open() -> None:
    orders = northwind("orders", "orders.csv")
    assert len(orders) == 830
    assert max(row["placed_on"] for row in orders.values()) == TODAY.isoformat()
    assert sum("delivered_on" not in row for row in orders.values()) == 21
    assert Decimal(orders["10248"]["value"]) == 440
    day = {name: date.fromisoformat(orders["10248"][name]) for name in ("placed_on", "promised_on", "delivered_on")}
    assert (day["promised_on"] - day["placed_on"]).days == 28, "from 1996-07-04 to 1996-08-01"
    assert (day["delivered_on"] - day["placed_on"]).days == 12
    flow = json.loads((NORTHWIND / "flow.json").read_text())
    assert {row["flow_id"] for row in orders.values()} == {flow["id"]}
