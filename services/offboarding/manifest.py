"""What of offboarding may be connected."""

from collections.abc import Mapping

import services.offboarding.cases.tables
import services.offboarding.checklist.tables
import services.offboarding.documents.tables
import services.offboarding.follow_up.tables
import services.offboarding.introductions.tables
import services.offboarding.jobs.tables
import services.offboarding.moves.tables
import services.offboarding.plans.tables
import services.offboarding.risks.tables
import services.offboarding.tasks.tables
import services.offboarding.visits.tables  # noqa: F401
from services.offboarding.cases import api as cases_api
from services.offboarding.cases.handlers import on_command_answered, republish_cases, watch_deadlines
from services.offboarding.certificates import api as certificates_api
from services.offboarding.checklist import api as checklist_api
from services.offboarding.departures.handlers import (
    on_access_changed,
    on_employee_departed,
    on_employee_event,
    on_employee_rehired,
    on_resignation_changed,
    on_resignation_withdrawn,
)
from services.offboarding.documents import api as documents_api
from services.offboarding.erasure.handlers import on_client_erased, on_employee_erased
from services.offboarding.follow_up import api as follow_up_api
from services.offboarding.follow_up.handlers import collect_follow_up_figures
from services.offboarding.introductions import api as introductions_api
from services.offboarding.introductions.handlers import on_client_merged, on_client_transferred
from services.offboarding.jobs.handlers import Computation, run_next_job
from services.offboarding.metadata import metadata
from services.offboarding.moves.handlers import prepare_remainder_moves
from services.offboarding.personal_data import api as personal_data_api
from services.offboarding.plans import api as plans_api
from services.offboarding.plans.handlers import draft_plan
from services.offboarding.risks.handlers import rank_clients_and_open_visits
from services.offboarding.tasks import api as tasks_api
from services.offboarding.visits import api as visits_api
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
from shared.contracts.staff import (
    EMPLOYEE_EVENTS,
    DepartmentChanged,
    DepartureReversed,
    EmployeeErased,
    EmployeeLeft,
    EmployeeRehired,
    EmployeeResigned,
    ResignationChanged,
    ResignationWithdrawn,
)
from shared.people.store import apply_department_event, are_roles_frozen
from shared.service import Runtime, Service, Ticker

COMPUTATIONS: Mapping[str, Computation] = {
    "ranking": rank_clients_and_open_visits,
    "draft": draft_plan,
    "remainder": prepare_remainder_moves,
    "figures": collect_follow_up_figures,
}


async def run_due_job(runtime: Runtime) -> bool:
    return await run_next_job(runtime, COMPUTATIONS)


SERVICE = Service(
    name="offboarding",
    summary=(
        "The handover of each leaver: its steps, its plan, the human tasks, the documents, the introductions and visits, "
        "the certificate and the year after."
    ),
    routers=(
        cases_api.router,
        certificates_api.router,
        follow_up_api.router,
        plans_api.router,
        tasks_api.router,
        checklist_api.router,
        documents_api.router,
        introductions_api.router,
        visits_api.router,
        personal_data_api.router,
    ),
    metadata=metadata,
    publishes=(*offboarding.EVENTS, JournalEntry, ErasureDone),
    subscribes={
        "staff": {
            **dict.fromkeys(EMPLOYEE_EVENTS, on_employee_event),
            EmployeeResigned: on_employee_departed,
            EmployeeLeft: on_employee_departed,
            ResignationChanged: on_resignation_changed,
            ResignationWithdrawn: on_resignation_withdrawn,
            DepartureReversed: on_resignation_withdrawn,
            EmployeeRehired: on_employee_rehired,
            EmployeeErased: on_employee_erased,
            DepartmentChanged: apply_department_event,
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
    are_roles_frozen=are_roles_frozen,
    republish=republish_cases,
    tickers=(Ticker("jobs", 0.5, run_due_job), Ticker("deadlines", 30, watch_deadlines)),
)
