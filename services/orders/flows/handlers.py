"""Flows: made once, changed by new versions."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import holidays

from services.orders.flows import rules, store
from shared.database import UnitOfWork
from shared.errors import Exists, NotFound


async def create_flow(
    work: UnitOfWork, flow_id: str, name: str, stages: Sequence[rules.FlowStage], separate: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """Version 1. The same again is the same flow. Raises `Exists` where its first version was another."""
    wanted = rules.build_flow(flow_id, 1, name, stages, separate)
    if not await store.insert_flow_version(work, wanted) and await store.get_flow_version(work, flow_id, 1) != wanted:
        raise Exists
    return store.flow_as_dict(wanted)


async def change_flow(
    work: UnitOfWork, flow_id: str, name: str, stages: Sequence[rules.FlowStage], separate: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """The next version; orders keep theirs. What is in force already makes no new one. Raises `NotFound`."""
    await work.execute("SELECT 1 FROM flows WHERE flow_id = :id AND version = 1 FOR UPDATE", id=flow_id)
    present: rules.Flow | None = (await store.list_current_flows(work, [flow_id])).get(flow_id)
    if present is None:
        raise NotFound
    wanted = rules.build_flow(flow_id, present.version, name, stages, separate)
    if wanted != present:
        wanted = replace(wanted, version=present.version + 1)
        await store.insert_flow_version(work, wanted)
    return store.flow_as_dict(wanted)


async def get_flow(work: UnitOfWork, flow_id: str, version: int | None = None) -> dict[str, Any]:
    """The newest version, or this one. Raises `NotFound`."""
    found = (
        (await store.list_current_flows(work, [flow_id])).get(flow_id)
        if version is None
        else await store.get_flow_version(work, flow_id, version)
    )
    if found is None:
        raise NotFound
    return store.flow_as_dict(found)


@cache
def _calendar_of_country(name: str | None) -> rules.AddWorkingDays:
    if name is None:
        return rules.make_calendar()
    country, _, part = name.partition("-")
    return rules.make_calendar(holidays.country_holidays(country, subdiv=part or None))


def get_working_days(work: UnitOfWork) -> rules.AddWorkingDays:
    return _calendar_of_country(work.settings.holidays)
