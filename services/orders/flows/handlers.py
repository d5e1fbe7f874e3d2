"""Flows: made once, changed by new versions."""

from collections.abc import Sequence
from dataclasses import replace

from services.orders.flows import rules, store
from shared.database import UnitOfWork
from shared.errors import IdTaken, NotFound


async def create_flow(
    work: UnitOfWork, flow_id: str, name: str, stages: Sequence[rules.FlowStage], separate: Sequence[tuple[str, str]]
) -> rules.Flow:
    """Version 1. The same again is the same flow. Raises `IdTaken` where its first version was another."""
    flow = rules.build_flow(flow_id, 1, name, stages, separate)
    if not await store.insert_flow_version(work, flow) and await store.get_flow_version(work, flow_id, 1) != flow:
        raise IdTaken
    return flow


async def change_flow(
    work: UnitOfWork, flow_id: str, name: str, stages: Sequence[rules.FlowStage], separate: Sequence[tuple[str, str]]
) -> rules.Flow:
    """The next version; orders keep theirs. What is in force already makes no new one. Raises `NotFound`."""
    await store.lock_flow(work, flow_id)
    present = await get_flow(work, flow_id)
    flow = rules.build_flow(flow_id, present.version, name, stages, separate)
    if flow != present:
        flow = replace(flow, version=present.version + 1)
        await store.insert_flow_version(work, flow)
    return flow


async def get_flow(work: UnitOfWork, flow_id: str, version: int | None = None) -> rules.Flow:
    """The newest version, or this one. Raises `NotFound`."""
    if version is None:
        flow = (await store.list_current_flows(work, [flow_id])).get(flow_id)
    else:
        flow = await store.get_flow_version(work, flow_id, version)
    if flow is None:
        raise NotFound
    return flow
