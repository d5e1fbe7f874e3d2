"""The gate before all that is done with clients: who acts is locked and judged, and each decision is journaled."""

from collections.abc import Iterable

from services.clients.access.store.actor import has_unacknowledged_policy
from services.clients.access.store.decision import get_actor_decision
from services.clients.access.store.sets import (
    AllowedPage,
    list_and_journal_allowed_clients,
    list_and_journal_allowed_employees,
)
from services.clients.holdings.store.owners import LockedClient, lock_clients
from services.clients.journal.store import insert_decision_entry, insert_journal_entry
from services.clients.names.handlers import ClientNotFound, with_resolved_client_id
from services.clients.permissions.rules import ALLOWING_REASONS, Action
from shared.database import UnitOfWork
from shared.errors import Forbidden, HoldfastError, JournaledRefusal, NotFound, YouAreFrozen
from shared.paging import Paging
from shared.people.rules import Person
from shared.people.store import are_roles_frozen, is_headed_by_actor, lock_people


class OwnAffair(Forbidden, code="own_affair"):
    """Nobody acts on their own freeze or pass. Ask somebody else."""


class PolicyNotAcknowledged(Forbidden, code="policy_not_acknowledged"):
    """First acknowledge the current version of the policy that is required for access to clients."""

    def __init__(self) -> None:
        super().__init__(reason="policy_not_acknowledged")


class ActionNotAllowed(Forbidden, code="action_not_allowed"):
    """You may see this client, but not do this with it."""


class ExportLimitReached(Forbidden, code="limit_reached"):
    """You have exported as many clients today as one person may. Your head, a director or HR can grant more for a day."""

    def __init__(self) -> None:
        super().__init__(reason="limit")


# -- who acts ----------------------------------------------------------------------------------------------------------


async def lock_people_and_require_active_actor(
    work: UnitOfWork, for_update: Iterable[str | None] = (), for_share: Iterable[str | None] = ()
) -> dict[str, Person]:
    """`lock_people`, with the person acting. Raises `YouAreFrozen` if a freeze came before the lock."""
    people = await lock_people(work, for_update, [*for_share, work.actor])
    actor = people.get(work.actor)
    if actor is not None and actor.is_barred:
        raise YouAreFrozen
    return people


async def lock_people_for_client_work(work: UnitOfWork, for_share: Iterable[str | None] = ()) -> dict[str, Person]:
    """`lock_people_and_require_active_actor`, for what is done with clients. Raises `PolicyNotAcknowledged` too."""
    people = await lock_people_and_require_active_actor(work, for_share=for_share)
    if await has_unacknowledged_policy(work):
        raise PolicyNotAcknowledged
    return people


async def find_actor_exclusion(work: UnitOfWork) -> str | None:
    """Why the actor may see no client at all: `frozen`, `policy_not_acknowledged`; None: they may."""
    if await are_roles_frozen(work.connection, work.actor):
        return "frozen"
    return "policy_not_acknowledged" if await has_unacknowledged_policy(work) else None


async def require_actor_not_excluded(
    work: UnitOfWork, entry_kind: str, action: Action, entry_employee_id: str | None = None
) -> None:
    """For lists and figures of many clients. Raises a `JournaledRefusal`, journaled about `entry_employee_id` or the actor."""
    reason = await find_actor_exclusion(work)
    if reason is not None:
        await insert_journal_entry(
            work, entry_kind, employee_id=entry_employee_id or work.actor, action=action, reason=reason
        )
        raise make_refusal(reason)


# -- one client --------------------------------------------------------------------------------------------------------


def make_refusal(reason: str) -> JournaledRefusal:
    """What a refused decision is answered with. Whoever may not know of a client is told that there is none."""
    refusal: HoldfastError
    match reason:
        case "frozen" | "not_employed":
            refusal = YouAreFrozen(reason)
        case "policy_not_acknowledged":
            refusal = PolicyNotAcknowledged()
        case "limit":
            refusal = ExportLimitReached()
        case "action_not_allowed":
            refusal = ActionNotAllowed()
        case "unknown_client":
            refusal = ClientNotFound()
        case _:
            refusal = NotFound()
    return JournaledRefusal(refusal)


async def decide_and_journal(work: UnitOfWork, client_id: str, action: Action, roles: frozenset[str]) -> str:
    """The reason for or against what the actor asks for, journaled."""
    reason = await get_actor_decision(work, roles, client_id, action)
    await insert_decision_entry(work, action, reason, client_id)
    return reason


async def require_access(work: UnitOfWork, client_id: str, action: Action, roles: frozenset[str]) -> None:
    """Raises a `JournaledRefusal` unless the actor may do this with the client. The decision is journaled either way."""
    reason = await decide_and_journal(work, client_id, action, roles)
    if reason not in ALLOWING_REASONS:
        raise make_refusal(reason)


async def lock_client_and_require_access(
    work: UnitOfWork, client_id: str, action: Action, roles: frozenset[str]
) -> LockedClient:
    """The client, locked for what the actor wants to do with it. People were locked before. Raises a `JournaledRefusal`."""
    client = (await lock_clients(work, [client_id])).get(client_id)
    await require_access(work, client_id, action, roles)
    if client is None:  # it was registered after we looked
        raise make_refusal("unknown_client")
    return client


# -- many --------------------------------------------------------------------------------------------------------------


def get_list_reason(roles: frozenset[str]) -> str:
    """What a page rests on: its clients may each have a reason of their own."""
    return "service" if "service" in roles else "head" if roles & {"director", "sales_head"} else "owner"


async def list_allowed_clients(
    work: UnitOfWork, employee_id: str, action: Action, roles: frozenset[str], paging: Paging
) -> AllowedPage:
    """With which clients this person may do this. Raises `NotFound` if the actor may not know."""
    may_know = employee_id == work.actor or roles & {"service", "director"}
    if not may_know and not ("sales_head" in roles and await is_headed_by_actor(work, employee_id)):
        raise NotFound
    return await list_and_journal_allowed_clients(work, employee_id, action, paging)


@with_resolved_client_id
async def list_allowed_employees(
    work: UnitOfWork, client_id: str, action: Action, roles: frozenset[str], paging: Paging
) -> AllowedPage:
    """Who may do this with the client. Raises a `JournaledRefusal` if the actor may not read it."""
    reason = await get_actor_decision(work, roles, client_id, "read")
    await insert_decision_entry(work, "read", reason, client_id, "access.employees_asked")
    if reason not in ALLOWING_REASONS:
        raise make_refusal(reason)
    return await list_and_journal_allowed_employees(work, client_id, action, paging)
