"""The REST door of `staff`."""

from fastapi import APIRouter

from services.staff.api import departments, departures, employees, hris, imports

router = APIRouter()
for part in (departments, employees, departures, hris, imports):
    router.include_router(part.router)
