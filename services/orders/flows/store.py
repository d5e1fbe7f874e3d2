"""Flows by id and version."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from services.orders.flows import rules
from shared.database import UnitOfWork
from shared.paging import Paging


async def list_current_flows(work: UnitOfWork, flow_ids: Iterable[str]) -> dict[str, rules.Flow]:
    """The newest version of each."""
    rows = await work.fetch_rows(
        "SELECT DISTINCT ON (flow_id) * FROM flows WHERE flow_id = ANY(:ids) ORDER BY flow_id, version DESC",
        ids=sorted(set(flow_ids)),
    )
    return {row["flow_id"]: _flow_from_row(row) for row in rows}


async def get_flow_version(work: UnitOfWork, flow_id: str, number: int) -> rules.Flow | None:
    row = await work.fetch_row(
        "SELECT * FROM flows WHERE flow_id = :id AND version = :number", id=flow_id, number=number
    )
    return _flow_from_row(row) if row else None


async def insert_flow_version(work: UnitOfWork, flow: rules.Flow) -> bool:
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
        stages=json.dumps(flow_as_dict(flow)["stages"]),
        separate=json.dumps(flow.separate),
        now=work.now,
    )
    return added is not None


async def list_flows(work: UnitOfWork, paging: Paging) -> list[dict[str, Any]]:
    rows = await work.fetch_rows(
        """
        SELECT DISTINCT ON (flow_id) * FROM flows
        WHERE CAST(:after AS text) IS NULL OR flow_id > :after ORDER BY flow_id, version DESC LIMIT :fetch
        """,
        after=paging.after[0] if paging.after else None,
        fetch=paging.fetch,
    )
    return [flow_as_dict(_flow_from_row(row)) for row in rows]


def flow_as_dict(flow: rules.Flow) -> dict[str, Any]:
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


def _flow_from_row(row: Mapping[str, Any]) -> rules.Flow:
    return rules.Flow(
        row["flow_id"],
        row["version"],
        row["name"],
        tuple(rules.FlowStage(**stage) for stage in row["stages"]),
        tuple((one, other) for one, other in row["separate"]),
    )
