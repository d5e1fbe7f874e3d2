"""Each thing that a map can say does to a row what it says."""

from pathlib import Path

import pytest

from services.cli.imports.files import BadRow
from services.cli.imports.maps import read_map
from services.cli.imports.rows import ImportRow, read_mapped_rows
from tests.support.exports import CLIENT, DEPARTMENT, ORDER, TODAY, get_only_row, get_row_data, read_rows_with_map


def test_a_template_puts_columns_together_and_leaves_no_gap_for_an_empty_one(tmp_path: Path) -> None:
    content = "id,first,middle,last,owner\n1,Ann,,Lee,e\n2,,,,e\n"
    found = read_rows_with_map(tmp_path, "clients", content, CLIENT.replace('"name"', '"{first} {middle} {last}"'))
    assert found == [ImportRow(2, {"id": "1", "name": "Ann Lee", "owner_id": "e"}), BadRow(3, "name: missing")]


def test_constants_defaults_and_translated_values_become_what_the_field_needs(tmp_path: Path) -> None:
    text = CLIENT + (
        'value = { value = 7 }\neffort = { column = "size", values = { big = 3, none = "" }, default = 0.5 }\n'
    )
    found = read_rows_with_map(
        tmp_path, "clients", "id,name,owner,size\n1,A,e,big\n2,B,e,\n3,C,e,2.50\n4,D,e,none\n", text
    )
    assert [(row["value"], row["effort"]) for row in get_row_data(found)] == [
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
    found = get_row_data(read_rows_with_map(tmp_path, "clients", content, text))
    assert [row["regions"] for row in found] == [["us", "de", "eu"], ["eu"], ["FR", "eu"]]
    assert [row["languages"] for row in found] == [["fr"], ["en"], ["en"]]


def test_ids_of_other_systems_and_of_contacts_status_and_expected_value_are_mapped(tmp_path: Path) -> None:
    text = CLIENT + (
        'contacts = [{ id = "contact", name = "who" }]\nexternal_ids = { crm = "CustomerID", erp = "erp" }\n'
        'status = { column = "state", values = { P = "prospect" }, default = "active" }\nexpected_value = "hope"\n'
    )
    content = "id,name,owner,contact,who,CustomerID,erp,state,hope\n1,A,e,k-1,Ann,4711,,P,12.5\n2,B,e,,Bob,,,,\n"
    first, second = get_row_data(read_rows_with_map(tmp_path, "clients", content, text))
    assert first["contacts"] == [{"id": "k-1", "name": "Ann"}]
    assert first["external_ids"] == {"crm": "4711"}
    assert (first["status"], first["expected_value"]) == ("prospect", "12.50")
    assert second["contacts"] == [{"name": "Bob"}]
    assert second["status"] == "active"
    assert not {"external_ids", "expected_value"} & second.keys()


def test_contacts_team_and_functions_are_nested_and_empty_ones_left_out(tmp_path: Path) -> None:
    text = CLIENT + (
        'contacts = [{ name = "{first} {last}", phone = "phone" }, { email = "mail" }]\n'
        'team = { engineering = "engineer", delivery = { value = "d" } }\n'
    )
    content = "id,name,owner,first,last,phone,mail,engineer\n1,A,e,Ann,Lee,5,a@b,x\n2,B,e,,,,,\n"
    first, second = get_row_data(read_rows_with_map(tmp_path, "clients", content, text))
    assert first["contacts"] == [{"name": "Ann Lee", "phone": "5"}, {"email": "a@b"}]
    assert first["team"] == {"engineering": "x", "delivery": "d"}
    assert "contacts" not in second
    assert second["team"] == {"delivery": "d"}
    text = (
        '[fields]\nid = "id"\nname = "id"\nemail = "id"\nhired_on = { value = 2020-01-01 }\n'
        'functions = { sales = { value = 40 }, engineering = "hours" }\n'
    )
    employees = get_row_data(read_rows_with_map(tmp_path, "employees", "id,hours\n1,\n2,7.5\n", text))
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
    assert (
        get_only_row(read_rows_with_map(tmp_path, "orders", f"id,placed,value\n1,{written},\n", text))["placed_on"]
        == "2011-05-31"
    )


DATES = "id,placed,promised,done,value\n1,01/10/1998,1998-02-01,,\n2,01/20/1998,1998-03-01,1998-01-25,\n3,bad,,,\n"


def test_latest_moves_all_dates_by_one_number_of_days(tmp_path: Path) -> None:
    text = ORDER + (
        'placed_on = { column = "placed", format = "%m/%d/%Y", latest = "today" }\npromised_on = "promised"\n'
        'delivered_on = "done"\ncancelled_on = { column = "done", default = "1998-01-01" }\n'
    )
    first, second, bad = read_rows_with_map(tmp_path, "orders", DATES, text)
    assert isinstance(first, ImportRow)
    assert isinstance(second, ImportRow)
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
    assert [
        (row["placed_on"], row["promised_on"])
        for row in get_row_data(read_rows_with_map(tmp_path, "orders", DATES, text))
    ] == [
        ("2026-01-11", "2026-02-02"),
        ("2026-01-21", "2026-03-02"),
    ]


def test_latest_looks_only_at_rows_that_are_kept(tmp_path: Path) -> None:
    text = ORDER + ('placed_on = { column = "promised", latest = "today" }\n[[where]]\ncolumn = "id"\nin = [1]\n')
    assert get_only_row(read_rows_with_map(tmp_path, "orders", DATES, text))["placed_on"] == "2026-03-02"


def test_conditions_must_all_hold_and_an_empty_cell_is_the_empty_text(tmp_path: Path) -> None:
    content = "id,name,type,gone\n1,A,SP,\n2,B,EM,\n3,C,SP,yes\n4,D,,NULL\n"
    layout = '[file]\nnull = ["NULL"]\n'

    def kept(conditions: str) -> list[str]:
        return [
            row["id"]
            for row in get_row_data(
                read_rows_with_map(tmp_path, "departments", content, layout + DEPARTMENT + conditions)
            )
        ]

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
    found = get_row_data(read_rows_with_map(tmp_path, "clients", "id,name\n1,A\n2,B\n3,C\n", text, d_csv=JOINED))
    assert [row["owner_id"] for row in found] == [owner, "5", "5"]


def test_a_join_has_columns_of_other_names_options_of_its_own_and_translated_values(tmp_path: Path) -> None:
    join = '{ file = "d.csv", match = { here = "code", there = "no" }, take = "{a} {b}", values = { "x y" = "e-1" } }'
    text = CLIENT.replace('"owner"', join) + '[files."d.csv"]\ndelimiter = "\\t"\nencoding = "cp1251"\n'
    found = read_rows_with_map(
        tmp_path, "clients", "id,name,code\n1,A,Ж\n", text, d_csv="no\ta\tb\nЖ\tx\ty\n".encode("cp1251")
    )
    assert get_only_row(found)["owner_id"] == "e-1"


def test_a_sum_is_exact_and_a_list_is_multiplied(tmp_path: Path) -> None:
    join = 'value = { file = "d.csv", match = "id", take = ["price", "count"], pick = "sum" }\nplaced_on = "placed"\n'
    text = ORDER.replace('value = { column = "value", default = 1 }\n', "") + join
    details = "id,price,count\n1,0.1,3\n1,0.2,\n1,9.80000019,10\n2,1,x\n2,1,1\n3,1\n"
    found = read_rows_with_map(
        tmp_path, "orders", "id,placed\n1,2020-01-01\n2,2020-01-01\n3,2020-01-01\n", text, d_csv=details
    )
    assert found[0] == BadRow(7, "d.csv: 2 fields instead of 3")
    assert isinstance(found[1], ImportRow)
    assert found[1].data["value"] == "98.30"
    assert found[2:] == [BadRow(3, "value: d.csv line 5, column count: not a number"), BadRow(4, "value: missing")]


def test_a_file_can_be_joined_with_itself(tmp_path: Path) -> None:
    join = 'head_id = { file = "x.csv", match = { here = "boss", there = "login" }, take = "id" }'
    text = '[file]\ncolumns = ["id", "name", "login", "boss"]\n' + DEPARTMENT + join
    assert get_row_data(read_rows_with_map(tmp_path, "departments", "1,A,a,b\n2,B,b,\n", text)) == [
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
        get_only_row(list(read_mapped_rows("departments", tmp_path / "data" / "x.csv", read_map(map_path), TODAY)))[
            "head_id"
        ]
        == "7"
    )
