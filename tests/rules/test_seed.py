"""The made company is whole: everybody and everything it names is there, and the work fits those who do it."""

from collections import Counter
from datetime import date
from typing import Any

import pytest

from services.cli.imports.fields import FIELDS_BY_KIND
from services.cli.seed.company import FLOWS, SeedPlan

TODAY = date(2026, 3, 2)
SMALL = SeedPlan(employee_count=60, client_count=900, order_count=4_000, today=TODAY)


def by_id(rows: Any) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in rows}


DEPARTMENTS = by_id(SMALL.department_rows(headed=True))
EMPLOYEES = by_id(SMALL.employee_rows())
CLIENTS = by_id(SMALL.client_rows())
ORDERS = by_id(SMALL.order_rows())
FLOWS_OF = by_id(SMALL.flows())


def test_it_is_as_large_as_wanted_and_the_same_every_time() -> None:
    assert (len(EMPLOYEES), len(CLIENTS), len(ORDERS)) == (60, 900, 4_000)
    again = SeedPlan(employee_count=60, client_count=900, order_count=4_000, today=TODAY)
    assert list(again.employee_rows()) == list(EMPLOYEES.values())
    assert list(again.client_rows()) == list(CLIENTS.values())
    assert list(again.order_rows()) == list(ORDERS.values())


@pytest.mark.parametrize(
    ("kind", "rows"),
    [("departments", DEPARTMENTS), ("employees", EMPLOYEES), ("clients", CLIENTS), ("orders", ORDERS)],
)
def test_every_row_has_the_fields_that_an_import_needs_and_no_others(
    kind: str, rows: dict[str, dict[str, Any]]
) -> None:
    required = {name for name, field in FIELDS_BY_KIND[kind].items() if field.required}
    assert all(required <= row.keys() <= FIELDS_BY_KIND[kind].keys() for row in rows.values())


def test_managers_and_departments_lead_up_to_one_top_without_a_cycle() -> None:
    for rows, upward in ((EMPLOYEES, "manager_id"), (DEPARTMENTS, "parent_id")):
        tops = {id_ for id_, row in rows.items() if upward not in row}
        assert len(tops) == 1
        for id_ in rows:
            passed = [id_]
            while passed[-1] not in tops:
                passed.append(rows[passed[-1]][upward])
                assert len(passed) < 10


def test_a_department_is_headed_by_somebody_and_a_deputy_is_a_colleague_of_the_department() -> None:
    assert all(row["head_id"] in EMPLOYEES for row in DEPARTMENTS.values())
    for id_, row in EMPLOYEES.items():
        if "deputy_id" in row:
            assert row["deputy_id"] != id_
            assert EMPLOYEES[row["deputy_id"]]["department_id"] == row["department_id"]


@pytest.mark.parametrize("employees", [10, 11, 37, 1_000])
def test_any_number_of_employees_has_every_function(employees: int) -> None:
    rows = SeedPlan(employees, client_count=10, order_count=10, today=TODAY).employee_rows()
    assert {name for row in rows for name in row["functions"]} == {"sales", "engineering", "delivery"}


def test_a_client_belongs_to_a_salesperson_of_its_region_who_speaks_its_language() -> None:
    for client in CLIENTS.values():
        owner = EMPLOYEES[client["owner_id"]]
        assert "sales" in owner["functions"]
        assert owner["regions"] == client["regions"]
        assert set(client["languages"]) <= set(owner["languages"])


def test_every_stage_is_done_by_somebody_who_can_and_separated_stages_by_two() -> None:
    for order in ORDERS.values():
        assert order["client_id"] in CLIENTS
        assignees = order["assignees"]
        for stage, function, _, _ in FLOWS[order["flow_id"]]:
            assert function in EMPLOYEES[assignees[stage]]["functions"]
        for pair in FLOWS_OF[order["flow_id"]]["separate"]:
            assert len({assignees[stage] for stage in pair}) == 2


@pytest.mark.parametrize("company", [SMALL, SeedPlan(10, 2_000, 5_000, TODAY), SeedPlan(400, 50, 100, TODAY)])
def test_clients_and_open_stages_fit_everybodys_capacity(company: SeedPlan) -> None:
    load: Counter[str] = Counter()
    for client in company.client_rows():
        load[client["owner_id"]] += client["effort"]
    effort = {(flow["id"], stage["name"]): stage["effort"] for flow in company.flows() for stage in flow["stages"]}
    for order in company.order_rows():
        if "delivered_on" not in order and "cancelled_on" not in order:
            for stage, doer in order["assignees"].items():
                load[doer] += effort[order["flow_id"], stage]
    for employee in company.employee_rows():
        [capacity] = employee["functions"].values()
        assert load[employee["id"]] <= capacity


def test_a_few_orders_are_open_and_history_ends_before_today() -> None:
    done = [order.get("delivered_on") or order.get("cancelled_on") for order in ORDERS.values()]
    assert 0.03 < done.count(None) / len(done) < 0.05
    assert all(day < TODAY.isoformat() for day in done if day)
    for order in ORDERS.values():
        assert order["placed_on"] <= min(TODAY.isoformat(), order["promised_on"])
        assert order["placed_on"] <= (order.get("delivered_on") or order["placed_on"])
