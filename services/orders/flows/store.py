"""Flows by id and version."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from services.orders.flows import rules
from shared.database import UnitOfWork
from shared.paging import Paging

COLUMNS = "flow_id, version, name, stages, separate"


async def list_current_flows(work: UnitOfWork, flow_ids: Iterable[str]) -> dict[str, rules.Flow]:
    """The newest version of each."""
    flows = await work.fetch_all(
        _make_flow,
        f"SELECT DISTINCT ON (flow_id) {COLUMNS} FROM flows WHERE flow_id = ANY(:ids) ORDER BY flow_id, version DESC",
        ids=sorted(set(flow_ids)),
    )
    return {flow.flow_id: flow for flow in flows}


async def get_flow_version(work: UnitOfWork, flow_id: str, version: int) -> rules.Flow | None:
    return await work.fetch_one(
        _make_flow,
        f"SELECT {COLUMNS} FROM flows WHERE flow_id = :id AND version = :version",
        id=flow_id,
        version=version,
    )


async def list_flows(work: UnitOfWork, paging: Paging) -> list[rules.Flow]:
    """All flows by id, each in its newest version."""
    return await work.fetch_all(
        _make_flow,
        f"""
        SELECT DISTINCT ON (flow_id) {COLUMNS} FROM flows
        WHERE CAST(:after AS text) IS NULL OR flow_id > :after ORDER BY flow_id, version DESC LIMIT :fetch
        """,
        after=paging.after[0] if paging.after else None,
        fetch=paging.fetch,
    )


async def lock_flow(work: UnitOfWork, flow_id: str) -> None:
    """Two changes of one flow wait for each other here."""
    await work.execute("SELECT 1 FROM flows WHERE flow_id = :id AND version = 1 FOR UPDATE", id=flow_id)


async def insert_flow_version(work: UnitOfWork, flow: rules.Flow) -> bool:
    """False if this version of this flow exists."""
    inserted = await work.execute(
        f"""
        INSERT INTO flows ({COLUMNS}, created_at)
        VALUES (:id, :version, :name, CAST(:stages AS jsonb), CAST(:separate AS jsonb), :now) ON CONFLICT DO NOTHING
        """,
        id=flow.flow_id,
        version=flow.version,
        name=flow.name,
        stages=json.dumps([asdict(stage) for stage in flow.stages]),
        separate=json.dumps(flow.separate),
    )
    return inserted > 0


def _make_flow(
    flow_id: str, version: int, name: str, stages: Sequence[dict[str, Any]], separate: Sequence[Sequence[str]]
) -> rules.Flow:
    return rules.Flow(
        flow_id,
        version,
        name,
        tuple(rules.FlowStage(**stage) for stage in stages),
        tuple((one, other) for one, other in separate),
    )
