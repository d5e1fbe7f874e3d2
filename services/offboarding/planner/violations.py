"""Whether a plan that a person has edited may be carried out."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from services.offboarding.planner.costs import ROUNDING_TOLERANCE
from services.offboarding.planner.problem import OWNER_FUNCTION, PlanningProblem


@dataclass(frozen=True, slots=True)
class Violation:
    """One breach of a rule. `forbids_approval`: the plan must not be approved so; else it is shown, and the head decides.

    | code | forbids_approval | what |
    |---|---|---|
    | `unknown` | yes | the client or stage is not part of this handover |
    | `not_eligible` | yes | the leaver, or somebody who cannot take over now |
    | `no_function` | yes | the colleague does not have the function |
    | `separation` | yes | the stage must be in other hands than one that this colleague does |
    | `over` | no | the colleague gets `points` more than the capacity for `function` |
    """

    code: str
    forbids_approval: bool
    employee_id: str
    client_id: str | None = None
    order_id: str | None = None
    stage: str | None = None
    function: str | None = None
    points: float = 0.0


def find_violations(
    problem: PlanningProblem, to_id_by_client: Mapping[str, str], to_id_by_stage: Mapping[tuple[str, str], str]
) -> list[Violation]:
    """What is wrong with giving these clients (by id) and stages (by order id and stage) to these employees.

    Sorted by item, the ones over capacity last. What is not named stays where it is and is not judged.
    """
    colleagues = {c.id: c for c in problem.colleagues if c.id != problem.leaver_id}
    client = {c.id: c for c in problem.clients}
    stage = {(s.order_id, s.stage): s for s in problem.stages}
    together: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for (order_id, name), to_id in to_id_by_stage.items():
        together[order_id, to_id].add(name)
    found: list[Violation] = []
    added: defaultdict[tuple[str, str], float] = defaultdict(float)

    def apart(order_id: str, name: str) -> frozenset[str]:
        other = stage.get((order_id, name))
        return other.apart if other else frozenset()

    def give(
        to_id: str, function: str, effort: float, client_id: str | None, key: tuple[str | None, str | None]
    ) -> None:
        colleague = colleagues.get(to_id)
        if colleague is None:
            found.append(Violation("not_eligible", True, to_id, client_id, *key, function))
        elif function not in colleague.capacity:
            found.append(Violation("no_function", True, to_id, client_id, *key, function))
        else:
            added[to_id, function] += effort

    for client_id, to_id in sorted(to_id_by_client.items()):
        if client_id in client:
            give(to_id, OWNER_FUNCTION, client[client_id].effort, client_id, (None, None))
        else:
            found.append(Violation("unknown", True, to_id, client_id))
    for key, to_id in sorted(to_id_by_stage.items()):
        item = stage.get(key)
        if item is None:
            found.append(Violation("unknown", True, to_id, None, *key))
            continue
        give(to_id, item.function, item.effort, item.client_id, key)
        beside = together[item.order_id, to_id] - {item.stage}
        if to_id in item.barred or beside & item.apart or any(item.stage in apart(item.order_id, s) for s in beside):
            found.append(Violation("separation", True, to_id, item.client_id, *key, item.function))
    for (to_id, function), points in sorted(added.items()):
        over = colleagues[to_id].load.get(function, 0.0) + points - colleagues[to_id].capacity[function]
        if points > 0 and over > ROUNDING_TOLERANCE:
            found.append(Violation("over", False, to_id, function=function, points=over))
    return found
