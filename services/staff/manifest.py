"""What of staff may be connected."""

from fastapi import APIRouter

from services.staff import api, webhooks
from services.staff.handlers import departures, erasing, hearing, news
from services.staff.store import metadata
from services.staff.store.people import is_frozen
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

doors = APIRouter()
doors.include_router(api.router)
doors.include_router(webhooks.router)

SERVICE = Service(
    name="staff",
    summary="Who works here: employees, employments, departments, deputies, absences, and the link to the HRIS.",
    router=doors,
    metadata=metadata,
    publishes=(*EMPLOYEE_EVENTS, DepartmentChanged, PolicyPublished, PolicyAcknowledged, JournalEntry),
    subscribes={
        "clients": {
            AccessFrozen: hearing.hear_access,
            AccessUnfrozen: hearing.hear_access,
            JournalHeld: erasing.hear_held,
            JournalReleased: erasing.hear_released,
            ErasureDone: erasing.hear_done,
        },
        "orders": {ErasureDone: erasing.hear_done},
        "offboarding": {
            OffboardingStarted: erasing.hear_started,
            OffboardingCleared: erasing.hear_closed,
            OffboardingCancelled: erasing.hear_closed,
            ErasureDone: erasing.hear_done,
        },
    },
    obeys={},
    is_frozen=is_frozen,
    republish=hearing.republish,
    retains=hearing.DEPARTURES,
    tickers=(
        Ticker("see_off", 10, departures.see_off),
        Ticker("take_in_pending", 1, news.take_in_pending),
        Ticker("count_alarms", 5, news.count_alarms),
    ),
)
