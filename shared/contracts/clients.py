"""What `clients` publishes and obeys."""

from datetime import date, datetime
from typing import ClassVar, Literal

from shared.messages import Command, Event, Message, MessagePart, list_messages

GroundKind = Literal["departure", "incident", "emergency", "hold"]
TransferKind = Literal["permanent", "returned", "manual"]


class Ground(MessagePart):
    """Why somebody is frozen. `ref` of a departure is the sequence of the announcing event."""

    kind: GroundKind
    ref: str


class Ownership(MessagePart):
    """Who is owner of record of a client. `sequence` counts the changes of that client, also across bulk events."""

    client_id: str
    from_id: str | None = None
    to_id: str
    sequence: int


class OwnerOfRecordEvent(Event):
    """One client (`client_id, from_id, to_id, sequence`) or, in bulk, `items` of up to 1,000 under a subject of their own."""

    client_id: str | None = None
    from_id: str | None = None
    to_id: str | None = None
    sequence: int | None = None
    kind: TransferKind | None = None
    case_id: str | None = None
    batch_id: str | None = None
    items: list[Ownership] = []

    @property
    def subject(self) -> str:
        return f"client/{self.client_id}" if self.client_id else f"batch/{self.batch_id}"

    def changes(self) -> list[Ownership]:
        if self.client_id is None or self.to_id is None:
            return self.items
        return [
            Ownership(client_id=self.client_id, from_id=self.from_id, to_id=self.to_id, sequence=self.sequence or 0)
        ]


class ClientRegistered(OwnerOfRecordEvent):
    type: ClassVar[str] = "client.registered"


class ClientTransferred(OwnerOfRecordEvent):
    type: ClassVar[str] = "client.transferred"


class ClientChanged(Event):
    type: ClassVar[str] = "client.changed"
    aggregate: ClassVar[str] = "client"
    client_id: str
    owner_id: str
    value: str | None = None
    effort: float = 1
    regions: list[str] = []
    languages: list[str] = []
    team: dict[str, str] = {}
    status: Literal["prospect", "active", "dormant", "closed"] = "active"
    expected_value: str | None = None


class ClientErased(Event):
    """Who this client was is gone from `clients`, and is to go everywhere, also under the ids of those that were merged
    into it; the ids and the figures stay."""

    type: ClassVar[str] = "client.erased"
    aggregate: ClassVar[str] = "client"
    client_id: str
    merged_ids: list[str] = []


class ContactErased(ClientErased):
    """A person at the client: what was noted of the client in free text may name them, and goes."""

    type: ClassVar[str] = "contact.erased"
    contact_id: str


class ClientMerged(Event):
    """This client is part of another now, for which its id stands from here on. `owner_id` is of record of the other."""

    type: ClassVar[str] = "client.merged"
    aggregate: ClassVar[str] = "client"
    client_id: str
    into_id: str
    owner_id: str


class FreezeEvent(Event):
    aggregate: ClassVar[str] = "employee"
    employee_id: str
    employment_id: str
    grounds: list[Ground]
    case_id: str | None = None
    caretaker_id: str | None = None
    clients: int = 0
    frozen_at: datetime | None = None


class AccessFrozen(FreezeEvent):
    type: ClassVar[str] = "access.frozen"


class AccessUnfrozen(FreezeEvent):
    type: ClassVar[str] = "access.unfrozen"


class PassEvent(Event):
    aggregate: ClassVar[str] = "employee"
    pass_id: str
    employee_id: str
    client_id: str
    purpose: Literal["introduction", "work"]
    from_time: datetime
    until_time: datetime


class PassGranted(PassEvent):
    type: ClassVar[str] = "pass.granted"


class PassWithdrawn(PassEvent):
    type: ClassVar[str] = "pass.withdrawn"


class AccessLimitReached(Event):
    """An export was refused: on this day so many `clients` were exported, and no more than `limit` may be."""

    type: ClassVar[str] = "access.limit_reached"
    aggregate: ClassVar[str] = "employee"
    employee_id: str
    day: date
    limit: int
    clients: int


class ClientSingleThreaded(Event):
    """A client of high value is known by one of us alone, from now on or by somebody else than before."""

    type: ClassVar[str] = "client.single_threaded"
    aggregate: ClassVar[str] = "client"
    client_id: str
    employee_id: str
    value: str


class JournalEntry(Event):
    """A decision or change of responsibility taken in another service, for the journal that `clients` keeps."""

    type: ClassVar[str] = "journal.entry"
    kind: str
    actor_id: str
    employee_id: str | None = None
    client_id: str | None = None
    details: dict[str, str | int | bool | None] = {}

    @property
    def subject(self) -> str:
        return f"employee/{self.employee_id or self.actor_id}"


class JournalHeld(Event):
    """A legal hold: the journal keeps who this employee is until it ends, so nobody erases it."""

    type: ClassVar[str] = "journal.held"
    aggregate: ClassVar[str] = "employee"
    employee_id: str


class JournalReleased(JournalHeld):
    type: ClassVar[str] = "journal.released"


class ErasureDone(Event):
    """What a service has erased of an employee: how many of each kind. `held`: what the journal keeps for a legal hold."""

    type: ClassVar[str] = "erasure.done"
    aggregate: ClassVar[str] = "employee"
    employee_id: str
    what: dict[str, int]
    held: bool = False


class Result(MessagePart):
    """What became of one item of a command: `done`, or the refusal's word."""

    id: str
    outcome: str
    detail: str | None = None


class CommandAnswered(Event):
    """The one answer to a command: `done`, `refused` (with a reason) or `stale` (a newer epoch of the case is known)."""

    type: ClassVar[str] = "command.answered"
    aggregate: ClassVar[str] = "employee"
    command_id: str
    case_id: str
    employee_id: str
    outcome: Literal["done", "refused", "stale"]
    reason: str | None = None
    results: list[Result] = []


class ClientsCommand(Command):
    receiver: ClassVar[str] = "clients"


class FreezeAccess(ClientsCommand):
    """Freeze for the departure announced by the event with this `ref`, and bind the freeze to the case."""

    type: ClassVar[str] = "freeze_access"
    employment_id: str
    ref: str
    caretakers: list[str] = []


class UnfreezeAccess(ClientsCommand):
    """Take away the departure's ground of this case; with the last ground go the stand-in and the freeze."""

    type: ClassVar[str] = "unfreeze_access"
    employment_id: str
    ref: str


class ClientMove(MessagePart):
    client_id: str
    from_id: str
    to_id: str


class TransferClients(ClientsCommand):
    """Up to 1,000 moves of the owner of record; a result for each, `done` also where it was done before."""

    type: ClassVar[str] = "transfer_clients"
    kind: TransferKind = "permanent"
    items: list[ClientMove]


class TeamMove(MessagePart):
    client_id: str
    function: str
    from_id: str
    to_id: str


class PlaceTeam(ClientsCommand):
    """Up to 1,000 team places taken over; a result for each, named `<client_id>/<function>`."""

    type: ClassVar[str] = "place_team"
    items: list[TeamMove]


class PassWanted(MessagePart):
    """`replaces` ends with this one."""

    pass_id: str
    replaces: str | None = None
    client_id: str
    from_time: datetime
    until_time: datetime
    purpose: Literal["introduction", "work"] = "introduction"


class GrantPasses(ClientsCommand):
    type: ClassVar[str] = "grant_passes"
    items: list[PassWanted]


EVENTS = list_messages(globals(), Event)
MESSAGES = list_messages(globals(), Message)
