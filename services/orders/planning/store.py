"""Open stages of one employee, and loads of all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from shared.contracts.orders import StageStatus
from shared.database import UnitOfWork


@dataclass(frozen=True, slots=True)
class OpenStage:
    """`taken`: who does the other stages of the order, by stage; `apart`: those of them that must be in different hands."""

    order_id: str
    client_id: str
    stage: str
    function: str
    effort: float
    status: StageStatus
    due_on: date
    taken: Mapping[str, str]
    apart: Sequence[str]


@dataclass(frozen=True, slots=True)
class FunctionLoad:
    """The effort points of an employee's open stages in one function."""

    employee_id: str
    function: str
    load: float


async def list_loads(work: UnitOfWork) -> list[FunctionLoad]:
    return await work.fetch_all(
        FunctionLoad,
        """
        SELECT employee_id, function, sum(effort) AS load FROM stages
        WHERE open AND employee_id IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
        """,
    )


async def list_open_stages(work: UnitOfWork, employee_id: str) -> list[OpenStage]:
    return await work.fetch_all(
        OpenStage,
        """
        SELECT s.order_id, o.client_id, s.name AS stage, s.function, s.effort, s.status, s.due_on, s.apart,
               (SELECT coalesce(jsonb_object_agg(t.name, t.employee_id), '{}') FROM stages t
                WHERE t.order_id = s.order_id AND t.position <> s.position AND t.employee_id IS NOT NULL) AS taken
        FROM stages s JOIN orders o ON o.order_id = s.order_id
        WHERE s.employee_id = :id AND s.open ORDER BY s.order_id, s.position
        """,
        id=employee_id,
    )
