"""The REST door of `staff`."""

from fastapi import APIRouter

from services.staff.api import departments, departures, employees, erasures, hris, imports

router = APIRouter()
for part in (departments, employees, departures, erasures, hris, imports):
    router.include_router(part.router)
