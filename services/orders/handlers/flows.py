"""Flows: made once, changed by new versions."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from services.orders.domain.flows import Flow, FlowStage, flow
from services.orders.store import flows as store
from shared.database import UnitOfWork
from shared.errors import Exists, NotFound


async def create(
    work: UnitOfWork, flow_id: str, name: str, stages: Sequence[FlowStage], separate: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """Version 1. The same again is the same flow. Raises `Exists` where its first version was another."""
    wanted = flow(flow_id, 1, name, stages, separate)
    if not await store.add(work, wanted) and await store.version(work, flow_id, 1) != wanted:
        raise Exists
    return store.shown(wanted)


async def change(
    work: UnitOfWork, flow_id: str, name: str, stages: Sequence[FlowStage], separate: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """The next version; orders keep theirs. What is in force already makes no new one. Raises `NotFound`."""
    await work.execute("SELECT 1 FROM flows WHERE flow_id = :id AND version = 1 FOR UPDATE", id=flow_id)
    present: Flow | None = (await store.current(work, [flow_id])).get(flow_id)
    if present is None:
        raise NotFound
    wanted = flow(flow_id, present.version, name, stages, separate)
    if wanted != present:
        wanted = replace(wanted, version=present.version + 1)
        await store.add(work, wanted)
    return store.shown(wanted)


async def read(work: UnitOfWork, flow_id: str, version: int | None = None) -> dict[str, Any]:
    """The newest version, or this one. Raises `NotFound`."""
    found = (
        (await store.current(work, [flow_id])).get(flow_id)
        if version is None
        else await store.version(work, flow_id, version)
    )
    if found is None:
        raise NotFound
    return store.shown(found)
