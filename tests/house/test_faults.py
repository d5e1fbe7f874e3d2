"""Mistakes that would break what must be true always, each planted in a copy of the tree: the test against it fails there."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Fault:
    """`text` of the `file` is replaced by `fault`; the `test` fails then."""

    file: str
    text: str
    fault: str
    test: str


FAULTS = {
    "the frozen are asked for no pass": Fault(
        "services/clients/access/store/decision.py",
        "WHEN p.frozen THEN CASE",
        "WHEN false THEN CASE",
        "tests/services/clients/test_checks.py::test_a_frozen_employee_may_still_ask_about_themselves",
    ),
    "a pass never ends": Fault(
        "services/clients/access/store/decision.py",
        "v.from_time <= a.moment AND a.moment < v.until_time",
        "v.from_time <= a.moment",
        "tests/services/clients/test_passes.py::test_a_pass_opens_one_client_for_its_time_and_purpose",
    ),
    "a rehired person serves the teams of before": Fault(
        "services/clients/access/store/decision.py",
        "s.client_id = c.client_id AND NOT p.settling",
        "s.client_id = c.client_id",
        "tests/services/clients/test_freezes.py::test_a_rehired_person_serves_none_of_the_teams_of_before",
    ),
    "an absent colleague becomes caretaker": Fault(
        "shared/people/rules.py",
        "person.may_be_given_work and not is_absent(person.absences, day)",
        "person.may_be_given_work",
        "tests/services/clients/test_freezes.py::test_absent_frozen_and_unknown_candidates_are_passed_over",
    ),
    "those whose caretaker leaves too keep them": Fault(
        "shared/people/store.py",
        "WHERE employee_id = :id OR stand_in_id = :id",
        "WHERE employee_id = :id",
        "tests/services/clients/test_freezes.py::test_when_a_caretaker_leaves_too_the_next_one_has_both_portfolios",
    ),
    "the inbox takes everything": Fault(
        "shared/outbox/inbox.py",
        "noted.event_id IS NOT NULL AND row_number()",
        "row_number()",
        "tests/conformance/test_delivery.py::test_what_the_bus_hands_in_again_takes_effect_once[in_process]",
    ),
    "an older epoch is obeyed": Fault(
        "shared/outbox/inbox.py",
        "if newest > command.epoch:",
        "if False:",
        "tests/services/clients/test_transfers.py::test_an_older_epoch_of_the_case_moves_nothing",
    ),
    "older news of the HRIS outranks newer": Fault(
        "services/staff/employees/rules.py",
        "name not in said_at_by_field or said_at_by_field[name] <= at",
        "True",
        "tests/services/staff/test_webhooks.py::test_out_of_order_news_ends_in_the_state_of_the_newest",
    ),
    "anybody signs a webhook": Fault(
        "services/staff/hris/vendors/generic.py",
        "Webhook(secret).verify(body, dict(headers), json_parse=False)",
        "Webhook(secret)",
        "tests/services/staff/test_webhooks.py::test_who_cannot_sign_gets_the_same_answer_whatever_was_wrong",
    ),
    "nothing brakes a mass departure": Fault(
        "services/staff/departures/rules.py",
        "return max(MIN_DEPARTURES_ALLOWED, int(float(setting[:-1]) * staff_count / 100))",
        "return 1_000_000",
        "tests/services/staff/test_brake.py::test_more_departures_than_allowed_in_a_day_are_held",
    ),
    "one person does stages that must be apart": Fault(
        "services/orders/staffing/rules.py",
        "if employee_id in need.barred:",
        "if False:",
        "tests/services/orders/test_orders.py::test_a_breach_of_separation_is_refused_and_says_who_could",
    ),
    "capacity is a hint": Fault(
        "services/orders/staffing/rules.py",
        "> capacity.capacity + ROUNDING",
        "> 1e9 + ROUNDING",
        "tests/services/orders/test_orders.py::test_a_breach_of_capacity_is_refused_and_says_who_could",
    ),
    "a month of somebody who is held goes": Fault(
        "services/clients/archive/store.py",
        ") AS is_held",
        ") AND false AS is_held",
        "tests/services/clients/test_archiving.py::test_no_month_with_somebody_who_is_held_goes_and_none_after_it",
    ),
    "today is that of Greenwich": Fault(
        "shared/calendar.py",
        "return moment.astimezone(ZoneInfo(timezone)).date()",
        'return moment.astimezone(ZoneInfo("UTC")).date()',
        "tests/services/staff/test_departures.py::test_the_last_day_ends_where_the_company_works",
    ),
    "leaves and nodes of the journal are hashed alike": Fault(
        "services/clients/journal/rules.py",
        'return sha256(b"\\x00" + data).digest()',
        'return sha256(b"\\x01" + data).digest()',
        "tests/rules/test_clients_tree.py::test_the_roots_are_those_of_the_published_vectors",
    ),
    "the day of 25 hours gets a pass of 25": Fault(
        "services/offboarding/introductions/rules.py",
        "begin.astimezone(UTC) + PASS_DURATION",
        "begin + PASS_DURATION",
        "tests/rules/test_offboarding_introductions.py::"
        "test_it_never_lasts_longer_than_24_hours_on_a_day_on_which_summer_time_begins_or_ends",
    ),
}
IN_SHORT = 2  # faults that `make test` plants


def plants() -> list[Any]:
    """The last faults need no database: they stand for all in `make test`, the others are long."""
    names = list(FAULTS)
    return [*(pytest.param(name, marks=pytest.mark.long) for name in names[:-IN_SHORT]), *names[-IN_SHORT:]]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for folder in ("shared", "services", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", plants(), ids=lambda name: name.replace(" ", "-"))
def test_a_planted_fault_is_found_by_the_test_against_it(copy: Path, name: str) -> None:
    fault = FAULTS[name]
    source = (copy / fault.file).read_text()
    assert source.count(fault.text) == 1, f"{fault.file} has changed: plant the fault anew"
    (copy / fault.file).write_text(source.replace(fault.text, fault.fault))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "0", "--long", fault.test]
    run = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False, timeout=300)
    assert run.returncode == 1, run.stdout[-3000:] + run.stderr
    assert " failed" in run.stdout.splitlines()[-1], run.stdout[-3000:]
