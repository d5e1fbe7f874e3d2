"""What the brake held: a person confirms or rejects it; and what a person has looked at."""

from collections.abc import Mapping
from typing import Any

from services.staff.domain.life import LifeNews, decided_at, hear
from services.staff.domain.person import public_state
from services.staff.handlers import refusals
from services.staff.handlers.employees import journal, keep, one, today
from services.staff.store import hris
from services.staff.store.people import Change, Loaded
from shared.contracts.staff import DepartureRejected
from shared.database import UnitOfWork
from shared.errors import NotFound
from shared.ids import uuid7


async def confirm(work: UnitOfWork, hold_id: str) -> Mapping[str, Any]:
    """Turns the hold into the departure that was announced. Raises `HoldDecided`, `OwnCase`."""
    hold, before = await _open(work, hold_id, "confirmed")
    if before is None:
        return hold
    person = before.person
    if person.status == "active" and person.employment_id == hold["employment_id"]:
        news = LifeNews(
            hold["kind"],
            decided_at(person, work.now),
            hold["notice_on"],
            hold["last_day"],
            hold["ends_on"],
            hold["left_on"],
        )
        heard = hear(person, news, uuid7())
        await keep(work, before, heard.person, Change(news.kind, hold["said_at"], hold["reason"]))
        return await _decided(work, hold_id)
    return await _close(work, before, hold_id, "confirmed")


async def reject(work: UnitOfWork, hold_id: str) -> Mapping[str, Any]:
    """Says that it was a mistake. Raises `HoldDecided`, `OwnCase`."""
    hold, before = await _open(work, hold_id, "rejected")
    return hold if before is None else await _close(work, before, hold_id, "rejected")


async def _open(work: UnitOfWork, hold_id: str, wanted: str) -> tuple[Mapping[str, Any], Loaded | None]:
    """The hold and its employee under lock; no employee where it has been decided the same way before."""
    hold = await _decided(work, hold_id)
    if hold["employee_id"] == work.actor:
        raise refusals.OwnCase
    before = await one(work, hold["employee_id"])
    hold = await _decided(work, hold_id)
    if hold["state"] == wanted:
        return hold, None
    if hold["state"] != "held":
        raise refusals.HoldDecided
    journal(work, f"hold.{wanted}", before.person.id, hold_id=hold_id)
    return hold, before


async def _close(work: UnitOfWork, before: Loaded, hold_id: str, state: str) -> Mapping[str, Any]:
    await hris.decide_hold(work, hold_id, state)
    work.publish(DepartureRejected(**public_state(before.person, today(work)), hold_id=hold_id))
    return await _decided(work, hold_id)


async def _decided(work: UnitOfWork, hold_id: str) -> Mapping[str, Any]:
    hold = await hris.get_hold(work, hold_id)
    if hold is None:
        raise NotFound
    return hold


async def look_at(work: UnitOfWork, message_id: str) -> None:
    """Somebody has looked at a message that was discarded or refused: its alarm ends."""
    found = await work.fetch_value(
        """
        UPDATE hris_messages SET seen_by = coalesce(seen_by, :actor), seen_at = coalesce(seen_at, :now)
        WHERE id = :id RETURNING id
        """,
        id=message_id,
        actor=work.actor,
        now=work.now,
    )
    if found is None:
        raise NotFound
