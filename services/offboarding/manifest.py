"""What may be connected to offboarding."""

from services.offboarding import api
from services.offboarding.handlers import answers, departures, erasing, repeating
from services.offboarding.jobs.computing import KINDS
from services.offboarding.jobs.deadlines import watch
from services.offboarding.jobs.queue import run_next
from services.offboarding.store import metadata
from shared.contracts import offboarding
from shared.contracts.clients import (
    AccessFrozen,
    AccessUnfrozen,
    ClientErased,
    ClientMerged,
    ClientTransferred,
    CommandAnswered,
    ContactErased,
    ErasureDone,
    JournalEntry,
)
from shared.contracts.staff import EMPLOYEE_EVENTS, DepartmentChanged, EmployeeErased
from shared.people.store import is_frozen, save_department
from shared.service import Runtime, Service, Ticker


async def work_off(runtime: Runtime) -> bool:
    return await run_next(runtime, KINDS)


SERVICE = Service(
    name="offboarding",
    summary=(
        "The handover of each leaver: its steps, its plan, the human tasks, the documents, the introductions and visits, "
        "the certificate and the year after."
    ),
    router=api.router,
    metadata=metadata,
    publishes=(*offboarding.EVENTS, JournalEntry, ErasureDone),
    subscribes={
        "staff": {
            **dict.fromkeys(EMPLOYEE_EVENTS, departures.hear_employee),
            EmployeeErased: erasing.hear_erased,
            DepartmentChanged: save_department,
        },
        "clients": {
            CommandAnswered: answers.hear_answer,
            AccessFrozen: departures.hear_access,
            AccessUnfrozen: departures.hear_access,
            ClientTransferred: answers.hear_transferred,
            ClientMerged: answers.hear_merged,
            ClientErased: erasing.hear_client_erased,
            ContactErased: erasing.hear_client_erased,
        },
        "orders": {CommandAnswered: answers.hear_answer},
    },
    obeys={},
    is_frozen=is_frozen,
    republish=repeating.republish,
    tickers=(Ticker("jobs", 0.5, work_off), Ticker("deadlines", 30, watch)),
)
