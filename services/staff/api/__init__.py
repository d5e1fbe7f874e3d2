"""The REST door of `staff`."""

from fastapi import APIRouter

from services.staff.api import departments, departures, employees, erasures, hris, imports, personal

router = APIRouter()
for part in (departments, employees, departures, erasures, hris, imports, personal):
    router.include_router(part.router)
