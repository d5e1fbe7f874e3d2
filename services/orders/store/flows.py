"""Flows by id and version."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from services.orders.domain.flows import Flow, FlowStage
from shared.database import UnitOfWork
from shared.paging import Paging


async def current(work: UnitOfWork, flow_ids: Iterable[str]) -> dict[str, Flow]:
    """The newest version of each."""
    rows = await work.fetch_rows(
        "SELECT DISTINCT ON (flow_id) * FROM flows WHERE flow_id = ANY(:ids) ORDER BY flow_id, version DESC",
        ids=sorted(set(flow_ids)),
    )
    return {row["flow_id"]: _flow(row) for row in rows}


async def version(work: UnitOfWork, flow_id: str, number: int) -> Flow | None:
    row = await work.fetch_row(
        "SELECT * FROM flows WHERE flow_id = :id AND version = :number", id=flow_id, number=number
    )
    return _flow(row) if row else None


async def add(work: UnitOfWork, flow: Flow) -> bool:
    """False if this version of this flow exists."""
    added = await work.fetch_value(
        """
        INSERT INTO flows (flow_id, version, name, stages, separate, created_at)
        VALUES (:id, :version, :name, CAST(:stages AS jsonb), CAST(:separate AS jsonb), :now)
        ON CONFLICT DO NOTHING RETURNING 1
        """,
        id=flow.flow_id,
        version=flow.version,
        name=flow.name,
        stages=json.dumps(shown(flow)["stages"]),
        separate=json.dumps(flow.separate),
        now=work.now,
    )
    return added is not None


async def page_of(work: UnitOfWork, paging: Paging) -> list[dict[str, Any]]:
    rows = await work.fetch_rows(
        """
        SELECT DISTINCT ON (flow_id) * FROM flows
        WHERE CAST(:after AS text) IS NULL OR flow_id > :after ORDER BY flow_id, version DESC LIMIT :fetch
        """,
        after=paging.after[0] if paging.after else None,
        fetch=paging.fetch,
    )
    return [shown(_flow(row)) for row in rows]


def shown(flow: Flow) -> dict[str, Any]:
    stages = [
        {"name": stage.name, "function": stage.function, "effort": stage.effort, "days": stage.days}
        for stage in flow.stages
    ]
    return {
        "id": flow.flow_id,
        "version": flow.version,
        "name": flow.name,
        "stages": stages,
        "separate": [list(pair) for pair in flow.separate],
    }


def _flow(row: Mapping[str, Any]) -> Flow:
    return Flow(
        row["flow_id"],
        row["version"],
        row["name"],
        tuple(FlowStage(**stage) for stage in row["stages"]),
        tuple((one, other) for one, other in row["separate"]),
    )
