"""What staff is made of: its subjects in the order of the floors, a subject importing only from those before it."""

import services.staff.departments.tables
import services.staff.departures.tables
import services.staff.employees.tables
import services.staff.erasure.tables
import services.staff.hris.tables
import services.staff.policies.tables  # noqa: F401
from services.staff.departments import api as departments_api
from services.staff.departments.handlers import republish_departments
from services.staff.departures import api as departures_api
from services.staff.departures.handlers import (
    on_offboarding_closed,
    on_offboarding_started,
    record_due_departures,
    republish_standing_departures,
)
from services.staff.departures.rules import DEPARTURE_EVENTS, UNDOING_EVENTS
from services.staff.employees import api as employees_api
from services.staff.employees.handlers import on_access_changed, republish_employees
from services.staff.employees.store import are_roles_frozen
from services.staff.erasure import api as erasure_api
from services.staff.erasure.handlers import on_erasure_done, on_journal_held, on_journal_released, republish_erasures
from services.staff.hiring import api as hiring_api
from services.staff.hris import api as hris_api
from services.staff.hris.handlers import retry_pending_messages, update_alarm_gauges
from services.staff.imports import api as imports_api
from services.staff.metadata import metadata
from services.staff.personal_data import api as personal_data_api
from services.staff.policies import api as policies_api
from services.staff.policies.handlers import republish_acknowledgements, republish_policy_versions
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
from shared.outbox.republication import republish_in_batches
from shared.service import Runtime, Service, Ticker


async def republish(runtime: Runtime) -> int:
    """The present state of all departments, employees and policies, and the departures that stand."""
    return await republish_in_batches(
        runtime,
        republish_departments,
        republish_employees,
        republish_erasures,
        republish_policy_versions,
        republish_acknowledgements,
        republish_standing_departures,
    )


SERVICE = Service(
    name="staff",
    summary="Who works here: employees, employments, departments, deputies, absences, and the link to the HRIS.",
    routers=(
        departments_api.router,
        employees_api.router,
        policies_api.router,
        departures_api.router,
        hris_api.router,
        hiring_api.router,
        imports_api.router,
        personal_data_api.router,
        erasure_api.router,
    ),
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
    are_roles_frozen=are_roles_frozen,
    republish=republish,
    retains=(*DEPARTURE_EVENTS, *UNDOING_EVENTS),
    tickers=(
        Ticker("record_due_departures", 10, record_due_departures),
        Ticker("retry_pending_messages", 1, retry_pending_messages),
        Ticker("update_alarm_gauges", 5, update_alarm_gauges),
    ),
)
