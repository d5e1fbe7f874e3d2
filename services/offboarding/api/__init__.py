"""The doors of offboarding."""

from fastapi import APIRouter

from services.offboarding.api import cases, introductions, plans, tasks

router = APIRouter()
for part in (cases, plans, tasks, introductions):
    router.include_router(part.router)
