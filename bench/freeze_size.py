"""The freeze of somebody with 100,000 clients against that of somebody with 10: everything that the announcement does in
`clients`, the caretaker in place, the journal, the event and the commit among it."""

import uuid
from datetime import UTC, datetime

from bench.company import clients_sql, people_sql, run_statements
from bench.embedded import open_clients
from bench.figures import FigureRow, create_service_database, format_percentiles, p50
from bench.timing import time_call
from services.clients.access.store.checks import REACH_EVERYBODY, AccessQuestion
from shared.contracts.staff import EmployeeResigned
from shared.messages import encode_record, get_events_topic
from shared.people.handlers import end_freeze_ground
from shared.replica import Replica

MANY, FEW = 100_000, 10
OF_MANY, OF_FEW = "e-900", "e-901"
ROUNDS, WARM = 150, 10
TODAY = datetime.now(UTC).date()


class RepeatedLeaver:
    """Somebody who resigns again and again, each time a new announcement."""

    def __init__(self, runtime: Replica, employee_id: str) -> None:
        self.runtime, self.employee_id, self.sequence = runtime, employee_id, 1

    async def resign(self) -> None:
        self.sequence += 1
        event = EmployeeResigned(
            employee_id=self.employee_id,
            employment_id=f"m-{self.employee_id[2:]}",
            status="resigned",
            department_id="d-1",
            manager_id="e-1",
            deputy_id="e-2",
            notice_on=TODAY,
            last_day=TODAY,
            caretakers=["e-2", "e-1"],
        )
        row = {
            "event_id": uuid.uuid4(),
            "type": event.type,
            "source": "/holdfast/staff",
            "subject": event.subject,
            "sequence": self.sequence,
            "time": datetime.now(UTC),
            "cause": None,
            "traceparent": None,
            "topic": get_events_topic("staff"),
            "body": event.model_dump_json(),
        }
        await self.runtime.receive([encode_record(row)])

    async def stay(self) -> None:
        await self.runtime.transact(end_freeze_ground, self.employee_id, f"m-{self.employee_id[2:]}", "departure", None)


async def measure() -> list[FigureRow]:
    url = await create_service_database("clients", "bench_freeze_size")
    of_many = clients_sql(f"'{OF_MANY}'", 0, MANY)
    of_few = clients_sql(f"'{OF_FEW}'", MANY, FEW)
    await run_statements(url, people_sql(), of_many, of_few)
    async with open_clients(url) as (runtime, _):
        await runtime.service.open(runtime)  # type: ignore[misc]
        many, few = RepeatedLeaver(runtime, OF_MANY), RepeatedLeaver(runtime, OF_FEW)
        taken: tuple[list[float], list[float]] = ([], [])
        for turn in range(ROUNDS + WARM):
            in_turn = zip((many, few), taken, strict=True)
            for leaver, times in in_turn if turn % 2 else reversed(list(in_turn)):
                times.append(await time_call(leaver.resign))
            await assert_caretaker_in_place(runtime)
            await many.stay()
            await few.stay()
    large, small = taken[0][WARM:], taken[1][WARM:]
    return [
        FigureRow(
            figure=f"freeze with caretaker, {MANY:,} clients",
            value=format_percentiles(large),
            against=f"the same with {FEW} clients: {format_percentiles(small)}",
            ratio=round(p50(large) / p50(small), 2),
            aim="≤ 1.2",
            note=f"{ROUNDS} freezes each, in turn, in one database",
        )
    ]


async def assert_caretaker_in_place(runtime: Replica) -> None:
    """Asserts that the last client of both is refused to them and open to the caretaker."""
    ask = runtime.state["check_batcher"].check
    for employee, client in ((OF_MANY, MANY - 1), (OF_FEW, MANY + FEW - 1)):
        said = [
            (await ask(AccessQuestion(who, f"c-{client}", "read", "bench", REACH_EVERYBODY))).reason
            for who in (employee, "e-2")
        ]
        assert said == ["frozen", "caretaker"], said
