"""What of staff may be connected."""

from fastapi import APIRouter

import services.staff.departments.tables
import services.staff.departures.tables
import services.staff.employees.tables
import services.staff.erasure.tables
import services.staff.hris.tables
import services.staff.policies.tables  # noqa: F401
from services.staff.departments.api import router as departments_router
from services.staff.departures.api import router as departures_router
from services.staff.departures.handlers import on_offboarding_closed, on_offboarding_started, record_due_departures
from services.staff.departures.rules import DEPARTURE_EVENTS
from services.staff.employees.api import router as employees_router
from services.staff.employees.handlers import on_access_changed
from services.staff.employees.store import is_caller_frozen
from services.staff.erasure.api import router as erasure_router
from services.staff.erasure.handlers import on_erasure_done, on_journal_held, on_journal_released
from services.staff.hiring.api import router as hiring_router
from services.staff.hris.api import router as hris_router
from services.staff.hris.handlers import retry_pending_messages, update_alarm_gauges
from services.staff.imports.api import router as imports_router
from services.staff.metadata import metadata
from services.staff.personal_data.api import router as personal_data_router
from services.staff.policies.api import router as policies_router
from services.staff.republication.handlers import republish_everything
from shared.contracts.clients import (
    AccessFrozen,
    AccessUnfrozen,
    ErasureDone,
    JournalEntry,
    JournalHeld,
    JournalReleased,
)
from shared.contracts.offboarding import OffboardingCancelled, OffboardingCleared, OffboardingStarted
from shared.contracts.staff import EMPLOYEE_EVENTS, DepartmentChanged, PolicyAcknowledged, PolicyPublished
from shared.service import Service, Ticker

router = APIRouter()
for subject_router in (
    departments_router,
    employees_router,
    policies_router,
    departures_router,
    hris_router,
    hiring_router,
    imports_router,
    personal_data_router,
    erasure_router,
):
    router.include_router(subject_router)

SERVICE = Service(
    name="staff",
    summary="Who works here: employees, employments, departments, deputies, absences, and the link to the HRIS.",
    router=router,
    metadata=metadata,
    publishes=(*EMPLOYEE_EVENTS, DepartmentChanged, PolicyPublished, PolicyAcknowledged, JournalEntry),
    subscribes={
        "clients": {
            AccessFrozen: on_access_changed,
            AccessUnfrozen: on_access_changed,
            JournalHeld: on_journal_held,
            JournalReleased: on_journal_released,
            ErasureDone: on_erasure_done,
        },
        "orders": {ErasureDone: on_erasure_done},
        "offboarding": {
            OffboardingStarted: on_offboarding_started,
            OffboardingCleared: on_offboarding_closed,
            OffboardingCancelled: on_offboarding_closed,
            ErasureDone: on_erasure_done,
        },
    },
    obeys={},
    is_frozen=is_caller_frozen,
    republish=republish_everything,
    retains=DEPARTURE_EVENTS,
    tickers=(
        Ticker("see_off", 10, record_due_departures),
        Ticker("take_in_pending", 1, retry_pending_messages),
        Ticker("count_alarms", 5, update_alarm_gauges),
    ),
)
