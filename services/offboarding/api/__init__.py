"""The doors of offboarding."""

from fastapi import APIRouter

from services.offboarding.api import cases, introductions, personal, plans, tasks

router = APIRouter()
for part in (cases, plans, tasks, introductions, personal):
    router.include_router(part.router)
