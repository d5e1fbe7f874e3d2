"""What is said of a policy and of an acknowledgement, checked field by field."""

from typing import Annotated

from pydantic import Field, StringConstraints

from shared.http.fields import Body, Day, NotBoolean, Paragraphs, ShortText
from shared.ids import Id

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]
PolicyText = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", min_length=1, max_length=100_000)]


class NewPolicyVersionBody(Body):
    """`effective_on`: today, if left out. `grace_days` for those hired before it was published. `applies_to` departments,
    with those below; to all if left out. What is `required_for_access` shuts whoever has not acknowledged it out."""

    title: ShortText
    texts: Annotated[dict[Language, PolicyText], Field(min_length=1, max_length=50)]
    effective_on: Day | None = None
    grace_days: Annotated[int, Field(ge=0, le=365), NotBoolean] = 14
    required_for_access: bool = False
    applies_to: Annotated[list[Id], Field(max_length=1_000)] = Field(default_factory=list)


class NewPolicyBody(NewPolicyVersionBody):
    id: Id | None = None


class AcknowledgementBody(Body):
    """Nothing to say for oneself; `evidence` (where the signed paper is) for somebody else; or `declined`, and why."""

    evidence: ShortText | None = None
    declined: bool = False
    reason: Paragraphs | None = None
