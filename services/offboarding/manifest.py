"""What may be connected to offboarding."""

from collections.abc import Mapping

from fastapi import APIRouter

from services.offboarding.cases import tables as cases_tables
from services.offboarding.cases.api import router as cases_router
from services.offboarding.cases.handlers import on_command_answered, republish_cases, watch_deadlines
from services.offboarding.certificates.api import router as certificates_router
from services.offboarding.checklist import tables as checklist_tables
from services.offboarding.checklist.api import router as checklist_router
from services.offboarding.departures.handlers import on_access_changed, on_employee_event
from services.offboarding.documents import tables as documents_tables
from services.offboarding.documents.api import router as documents_router
from services.offboarding.erasure.api import router as erasure_router
from services.offboarding.erasure.handlers import on_client_erased, on_employee_erased
from services.offboarding.follow_up import tables as follow_up_tables
from services.offboarding.follow_up.api import router as follow_up_router
from services.offboarding.follow_up.handlers import compute_follow_up
from services.offboarding.introductions import tables as introductions_tables
from services.offboarding.introductions.api import router as introductions_router
from services.offboarding.introductions.handlers import on_client_merged, on_client_transferred
from services.offboarding.jobs import tables as jobs_tables
from services.offboarding.jobs.handlers import Computation, run_next_job
from services.offboarding.metadata import metadata
from services.offboarding.moves import tables as moves_tables
from services.offboarding.moves.handlers import compute_remainder
from services.offboarding.plans import tables as plans_tables
from services.offboarding.plans.api import router as plans_router
from services.offboarding.plans.handlers.drafts import compute_draft
from services.offboarding.risks import tables as risks_tables
from services.offboarding.risks.handlers import compute_ranking
from services.offboarding.tasks import tables as tasks_tables
from services.offboarding.tasks.api import router as tasks_router
from services.offboarding.visits import tables as visits_tables
from services.offboarding.visits.api import router as visits_router
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

# Every table of the service, so that its `metadata` is complete.
TABLES = (
    cases_tables,
    jobs_tables,
    risks_tables,
    plans_tables,
    moves_tables,
    tasks_tables,
    documents_tables,
    introductions_tables,
    visits_tables,
    follow_up_tables,
    checklist_tables,
)
COMPUTATIONS: Mapping[str, Computation] = {
    "ranking": compute_ranking,
    "draft": compute_draft,
    "remainder": compute_remainder,
    "figures": compute_follow_up,
}

router = APIRouter()
for subject_router in (
    cases_router,
    certificates_router,
    follow_up_router,
    plans_router,
    tasks_router,
    checklist_router,
    documents_router,
    introductions_router,
    visits_router,
    erasure_router,
):
    router.include_router(subject_router)


async def run_jobs(runtime: Runtime) -> bool:
    return await run_next_job(runtime, COMPUTATIONS)


SERVICE = Service(
    name="offboarding",
    summary=(
        "The handover of each leaver: its steps, its plan, the human tasks, the documents, the introductions and visits, "
        "the certificate and the year after."
    ),
    router=router,
    metadata=metadata,
    publishes=(*offboarding.EVENTS, JournalEntry, ErasureDone),
    subscribes={
        "staff": {
            **dict.fromkeys(EMPLOYEE_EVENTS, on_employee_event),
            EmployeeErased: on_employee_erased,
            DepartmentChanged: save_department,
        },
        "clients": {
            CommandAnswered: on_command_answered,
            AccessFrozen: on_access_changed,
            AccessUnfrozen: on_access_changed,
            ClientTransferred: on_client_transferred,
            ClientMerged: on_client_merged,
            ClientErased: on_client_erased,
            ContactErased: on_client_erased,
        },
        "orders": {CommandAnswered: on_command_answered},
    },
    obeys={},
    is_frozen=is_frozen,
    republish=republish_cases,
    tickers=(Ticker("jobs", 0.5, run_jobs), Ticker("deadlines", 30, watch_deadlines)),
)
