"""Exports are read as the map says, and what cannot be read is named by line and column, never by content."""

import csv
import io
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.imports.files import BadRow, FileLayout, ImportFileError, read_rows
from services.cli.imports.maps import read_map
from services.cli.imports.rows import ImportRow, read_mapped_rows
from tests.support.exports import CLIENT, DEPARTMENT, ORDER, TODAY, get_only_row, get_row_data, read_rows_with_map

# How files are written


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1251", "koi8-r"])
def test_any_codec_is_read(tmp_path: Path, encoding: str) -> None:
    text = "\ufeff" if encoding == "utf-16-le" else ""
    content = f"{text}id,name\n1,Отдел продаж\n".encode(encoding)
    found = read_rows_with_map(tmp_path, "departments", content, f'[file]\nencoding = "{encoding}"\n' + DEPARTMENT)
    assert get_only_row(found) == {"id": "1", "name": "Отдел продаж"}


def test_delimiters_of_several_characters_and_row_ends_with_line_breaks_inside_are_read(tmp_path: Path) -> None:
    content = '1+|Sales\nand more+|NULL&|\n2+|"East"+|1&|\n'.encode("utf-16")
    layout = '[file]\nencoding = "utf-16"\ndelimiter = "+|"\nrow_end = "&|\\n"\nquote = ""\nnull = ["NULL"]\n'
    text = layout + 'columns = ["id", "name", "up"]\n' + DEPARTMENT + 'parent_id = "up"'
    found = read_rows_with_map(tmp_path, "departments", content, text)
    assert get_row_data(found) == [
        {"id": "1", "name": "Sales\nand more"},
        {"id": "2", "name": '"East"', "parent_id": "1"},
    ]
    assert [row.line for row in found] == [1, 3]


def test_windows_line_ends_and_a_last_row_without_an_end_are_read(tmp_path: Path) -> None:
    assert get_row_data(read_rows_with_map(tmp_path, "departments", "id,name\r\n1,A\r\n\r\n2,B", DEPARTMENT)) == [
        {"id": "1", "name": "A"},
        {"id": "2", "name": "B"},
    ]


def test_a_row_end_of_carriage_returns_alone_is_read(tmp_path: Path) -> None:
    text = '[file]\nrow_end = "\\r"\n' + DEPARTMENT
    assert get_only_row(read_rows_with_map(tmp_path, "departments", "id,name\r1,A\r", text)) == {"id": "1", "name": "A"}


def test_quotes_hold_delimiters_line_breaks_empty_lines_and_doubled_quotes(tmp_path: Path) -> None:
    found = read_rows_with_map(tmp_path, "departments", 'id,name\n1,"A, ""B""\n\nC"\n"2",D\n', DEPARTMENT)
    assert get_row_data(found) == [{"id": "1", "name": 'A, "B"\n\nC'}, {"id": "2", "name": "D"}]
    assert [row.line for row in found] == [2, 5]


def test_other_quotes_can_be_named(tmp_path: Path) -> None:
    text = '[file]\nquote = "\'"\ndelimiter = ";"\n' + DEPARTMENT
    assert get_only_row(read_rows_with_map(tmp_path, "departments", "id;name\n1;'A;\"B\"'\n", text)) == {
        "id": "1",
        "name": 'A;"B"',
    }


def test_tsv_is_read_by_its_name(tmp_path: Path) -> None:
    assert (
        get_only_row(read_rows_with_map(tmp_path, "departments", "id\tname\n1\tA, B\n", DEPARTMENT, "x.tsv"))["name"]
        == "A, B"
    )


def test_values_are_stripped_and_those_that_say_nothing_are_left_out(tmp_path: Path) -> None:
    text = '[file]\nnull = ["NULL", "-"]\n' + DEPARTMENT + 'parent_id = "up"\nhead_id = "head"\n'
    found = read_rows_with_map(tmp_path, "departments", "id,name,up,head\n 1 , A ,NULL, - \n2,B,,7\n", text)
    assert get_row_data(found) == [{"id": "1", "name": "A"}, {"id": "2", "name": "B", "head_id": "7"}]


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
    assert get_only_row(read_rows_with_map(tmp_path, "clients", content, text, "x.ndjson")) == {
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
    read = [cells for _, cells in read_rows(path, FileLayout(columns=("a", "b", "c")), ("a", "b", "c"))]
    assert read == [{name: text.strip() or None for name, text in zip("abc", row, strict=True)} for row in table]


# One error for the file


def test_a_missing_column_is_named_with_those_that_exist_before_any_row(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match=r"x.csv: column name is missing; the columns are id, title"):
        read_rows_with_map(tmp_path, "departments", "id,title\n1,A\n", DEPARTMENT)
    with pytest.raises(ImportFileError, match=r"x.ndjson: column name is missing"):
        read_rows_with_map(tmp_path, "departments", '{"id": 1}\n', DEPARTMENT, "x.ndjson")


def test_a_missing_column_of_a_condition_or_a_joined_file_is_named_too(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="column type is missing"):
        read_rows_with_map(tmp_path, "departments", "id,name\n", DEPARTMENT + '[[where]]\ncolumn = "type"\nin = ["a"]')
    join = 'head_id = { file = "d.csv", match = "id", take = "head" }'
    with pytest.raises(ImportFileError, match=r"d.csv: column head is missing"):
        read_rows_with_map(tmp_path, "departments", "id,name\n1,A\n", DEPARTMENT + join, d_csv="id\n1\n")
    (tmp_path / "d.csv").unlink()
    with pytest.raises(ImportFileError, match=r"d.csv: the joined file is neither beside x.csv nor beside the map"):
        read_rows_with_map(tmp_path, "departments", "id,name\n1,A\n", DEPARTMENT + join)


def test_a_column_that_exists_twice_is_refused_only_if_it_is_used(tmp_path: Path) -> None:
    assert (
        get_only_row(read_rows_with_map(tmp_path, "departments", "id,x,name,x\n1,2,A,3\n", DEPARTMENT))["name"] == "A"
    )
    with pytest.raises(ImportFileError, match="column name exists more than once"):
        read_rows_with_map(tmp_path, "departments", "id,name,name\n1,A,B\n", DEPARTMENT)


def test_a_wrong_encoding_is_told_by_its_byte_before_any_row(tmp_path: Path) -> None:
    good = b"id,name\n" + b"1,A\n" * 200_000
    with pytest.raises(ImportFileError, match=f"x.csv: byte {len(good) + 2} is not utf-8-sig"):
        read_rows_with_map(tmp_path, "departments", good + b"2,\xcf\xf0\n", DEPARTMENT)
    with pytest.raises(ImportFileError, match="byte 0 is not utf-8-sig"):
        read_rows_with_map(tmp_path, "departments", "id,name\n1,A\n".encode("utf-16"), DEPARTMENT)
    with pytest.raises(ImportFileError, match="is not utf-16"):
        read_rows_with_map(
            tmp_path, "departments", "id,name\n1,Aбв\n1", '[file]\nencoding = "utf-16-be"\n' + DEPARTMENT
        )


def test_an_empty_file_is_refused_and_one_with_only_a_header_has_no_rows(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="empty"):
        read_rows_with_map(tmp_path, "departments", "", DEPARTMENT)
    assert read_rows_with_map(tmp_path, "departments", "id,name\n", DEPARTMENT) == []


# Broken rows


def test_broken_rows_are_told_by_line_and_the_good_ones_are_kept(tmp_path: Path) -> None:
    content = (
        "id,name,owner,value\n1,A,e,1.5\n2,B,e\n3,C,e,1,5\n4,D,e,secret\n,E,e,1\n6,F,,\n7,\0,e,\n8,H,e,1e99\n9,I,e,2\n"
    )
    found = read_rows_with_map(tmp_path, "clients", content, CLIENT + 'value = "value"')
    assert [row.data["id"] for row in found if isinstance(row, ImportRow)] == ["1", "9"]
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
    found = read_rows_with_map(tmp_path, "departments", f"id,name\n1,A\n{broken}\n{after}", DEPARTMENT)
    assert [row.data["id"] for row in found if isinstance(row, ImportRow)] == ["1", "3", "4"]
    [bad] = [row for row in found if isinstance(row, BadRow)]
    assert bad.line == 3
    assert "quote" in bad.reason


def test_a_quote_opened_in_a_long_file_does_not_swallow_it(tmp_path: Path) -> None:
    content = 'id,name\n1,"A\n' + "".join(f"{number},{'x' * 50}\n" for number in range(2, 60_000))
    found = read_rows_with_map(tmp_path, "departments", content, DEPARTMENT)
    assert Counter(type(row) for row in found) == {ImportRow: 59_998, BadRow: 1}


def test_broken_lines_of_ndjson_are_told_by_line(tmp_path: Path) -> None:
    content = '{"id": 1, "name": "A"}\n{"id": 2\n[3]\n{"id": 4, "name": "\\u0000"}\n{"id": 5, "name": "\\ud800"}\n' + (
        "[" * 100_000 + '\n{"id": 6, "name": {"a": 1}}\n{"id": 7, "name": "\\u0416"}'
    )
    found = read_rows_with_map(tmp_path, "departments", content, DEPARTMENT, "x.jsonl")
    assert [row.line for row in found if isinstance(row, ImportRow)] == [1, 8]
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
    found = read_rows_with_map(tmp_path, "orders", content, ORDER + 'placed_on = "placed"')
    assert found == [
        BadRow(2, "placed_on: column placed: not a date"),
        BadRow(3, "value: column value: not a number"),
    ]


def test_progress_ends_at_the_size_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,name\n" + "".join(f"{number},Name\n" for number in range(60_000)))
    (tmp_path / "map.toml").write_text(DEPARTMENT)
    told: list[tuple[int, int]] = []
    found = read_mapped_rows(
        "departments",
        path,
        read_map(tmp_path / "map.toml"),
        TODAY,
        progress=lambda done, total: told.append((done, total)),
    )
    assert next(iter(found)) == ImportRow(2, {"id": "0", "name": "Name"})
    assert told[-1][0] < path.stat().st_size
    assert len(list(found)) == 59_999
    assert told[-1] == (path.stat().st_size, path.stat().st_size)
