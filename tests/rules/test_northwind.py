"""The example is whole, and its maps give what the demo tells of it."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from services.cli.imports.maps import read_map
from services.cli.imports.rows import read_mapped_rows
from tests.support.exports import TODAY, get_row_data

NORTHWIND = Path(__file__).parents[2] / "examples" / "northwind"


def northwind(kind: str, file: str) -> dict[str, dict[str, Any]]:
    found = get_row_data(list(read_mapped_rows(kind, NORTHWIND / file, read_map(NORTHWIND / f"{kind}.toml"), TODAY)))
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
