"""A flow: the stages of one kind of order, and which of them must be in different hands."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from shared.errors import Unprocessable


class StagesNamedTwice(Unprocessable, code="stages_named_twice"):
    """Each stage of a flow needs a name of its own."""


class SeparatesUnknownStages(Unprocessable, code="separates_unknown_stages"):
    """`separate` holds pairs of two different stages of this flow."""


@dataclass(frozen=True, slots=True)
class FlowStage:
    """`effort` in points, `days` working days from the end of the stage before to its own."""

    name: str
    function: str
    effort: float
    days: int


@dataclass(frozen=True)
class Flow:
    flow_id: str
    version: int
    name: str
    stages: tuple[FlowStage, ...]
    separate: tuple[tuple[str, str], ...]

    @cached_property
    def apart(self) -> Mapping[str, tuple[str, ...]]:
        """By stage: the stages that whoever does it may not do."""
        others: dict[str, set[str]] = {stage.name: set() for stage in self.stages}
        for one, other in self.separate:
            others[one].add(other)
            others[other].add(one)
        return {name: tuple(sorted(names)) for name, names in others.items()}


def build_flow(
    flow_id: str, version: int, name: str, stages: Sequence[FlowStage], separate: Sequence[tuple[str, str]]
) -> Flow:
    """A flow that can be worked by. Raises `StagesNamedTwice`, `SeparatesUnknownStages`."""
    names = Counter(stage.name for stage in stages)
    if any(count > 1 for count in names.values()):
        raise StagesNamedTwice
    if any(one == other or one not in names or other not in names for one, other in separate):
        raise SeparatesUnknownStages
    return Flow(flow_id, version, name, tuple(stages), tuple((one, other) for one, other in separate))
