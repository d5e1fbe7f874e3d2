"""`holdfast up` as a real process: killed in the middle of a case, and started again."""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stories.actions import (
    approve_plan,
    as_employee,
    carry_out_introductions,
    check_access,
    complete_tasks,
    get_case,
    get_certificate,
    get_owners,
    list_introductions,
    list_open_tasks,
    list_owners,
    resign,
    send_hris_message,
)
from tests.stories.company import OWNERS, build_company
from tests.stories.remote_house import RemoteHouse, wait_for_step
from tests.support.processes import Process, find_free_port, is_answering

REPOSITORY = Path(__file__).parents[2]
ANNAS = [client for client, owner in OWNERS.items() if owner == "anna"]
STARTED = 60.0  # seconds, a first start of PostgreSQL among them

pytestmark = pytest.mark.processes


def holdfast(data: Path, port: int, name: str = "up") -> Process:
    env = {"PATH": os.environ["PATH"], "HOME": str(data), "HOLDFAST_LAST_RESORT": "dora", "LOG_LEVEL": "WARNING"}
    command = [sys.executable, "-m", "services", "up", "--port", str(port), "--data-dir", str(data / "holdfast")]
    return Process(name, command, env, data / f"{name}.log", REPOSITORY)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="holdfast-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def up(folder: Path) -> Iterator[Process]:
    process = holdfast(folder, find_free_port())
    process.start()
    try:
        ready(process)
        yield process
    finally:
        process.stop()


def port_of(process: Process) -> int:
    return int(process.command[process.command.index("--port") + 1])


def ready(process: Process) -> None:
    url = f"http://127.0.0.1:{port_of(process)}/readyz"
    process.wait_until(lambda: is_answering(url), STARTED, "is ready")


def kill_and_start(process: Process) -> None:
    process.kill()
    process.start()
    ready(process)


async def test_killed_in_the_middle_of_a_case_up_again_goes_on_to_the_certificate(up: Process, folder: Path) -> None:
    house = RemoteHouse(f"http://127.0.0.1:{port_of(up)}", folder / "holdfast" / "signing-key.pem")
    try:
        await depart(house, up)
    finally:
        await house.http.aclose()


async def depart(house: RemoteHouse, up: Process) -> None:
    await build_company(house)
    await resign(house, "anna")
    kill_and_start(up)  # the word of the HRIS is accepted, and nobody may have heard it yet

    async def frozen() -> bool:
        return await check_access(house, "anna", "c-1") == "frozen"

    await house.until(frozen, "anna is refused")
    assert await list_owners(house, ANNAS) == {"ben"}
    kill_and_start(up)  # the plan is being made, or waits

    await wait_for_step(house, "anna", "plan", "waiting")
    planned = {item["client_id"]: item["to_id"] for item in (await approve_plan(house, "anna"))["items"]}
    kill_and_start(up)  # the transfer is under way
    await wait_for_step(house, "anna", "transfer", "done")
    assert await get_owners(house, ANNAS) == planned

    first, *others = await list_introductions(house, "anna")
    await carry_out_introductions(house, first)
    path = f"/offboarding/v1/introductions/{others[0]['id']}"
    await house.ok(as_employee(others[0]["to_id"]), "POST", f"{path}/accept")
    kill_and_start(up)  # one introduction is over, another one begun
    await carry_out_introductions(house, *others)
    await complete_tasks(house, "anna")
    await wait_for_step(house, "anna", "hand_over", "done")
    await send_hris_message(house, "employee.left", "anna", on=str(house.clock.day()))
    kill_and_start(up)  # the last day is over, and the case may not know it yet

    await wait_for_step(house, "anna", "clear", "done")
    assert not await list_open_tasks(house, (await get_case(house, "anna"))["id"])
    assert (await get_certificate(house, "anna"))["employee_id"] == "anna"


async def test_a_second_up_on_the_same_data_folder_is_refused(up: Process, folder: Path) -> None:
    second = holdfast(folder, find_free_port(), "second")
    second.start()
    assert second.wait_for_end(STARTED) != 0
    assert "another" in second.tail()
    assert is_answering(f"http://127.0.0.1:{port_of(up)}/readyz")
