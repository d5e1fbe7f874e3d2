"""The REST door of `staff`."""

from fastapi import APIRouter

from services.staff.api import departments, departures, employees, erasures, hris, imports, personal, policies

router = APIRouter()
for part in (departments, employees, departures, erasures, hris, imports, personal, policies):
    router.include_router(part.router)
