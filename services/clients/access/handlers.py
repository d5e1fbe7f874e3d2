"""The gate before all that is done with clients: who acts is locked and judged, and each decision is journaled."""

from collections.abc import Iterable, Mapping
from typing import Any

from services.clients.access.store.actor import has_unacknowledged_policy, is_headed_by_actor
from services.clients.access.store.decision import get_actor_decision
from services.clients.access.store.sets import AllowedPage, list_clients_allowed, list_employees_allowed
from services.clients.journal.store.entries import insert_decision_entry
from services.clients.names.handlers import accept_any_client_id
from services.clients.permissions.rules import ALLOWING_REASONS, Action
from shared.database import UnitOfWork
from shared.errors import Forbidden, NotFound, YouAreFrozen
from shared.paging import Paging
from shared.people.rules import Person
from shared.people.store import is_frozen, lock_people


class OwnAffair(Forbidden, code="own_affair"):
    """Nobody acts on their own freeze or pass. Ask somebody else."""


async def lock_with_actor(
    work: UnitOfWork, changing: Iterable[str | None] = (), holding: Iterable[str | None] = ()
) -> dict[str, Person]:
    """`lock_people`, with the person acting. Raises `YouAreFrozen` if a freeze came before the lock."""
    rows = await lock_people(work, changing, [*holding, work.actor])
    actor = rows.get(work.actor)
    if actor is not None and (actor.frozen or actor.status == "left"):
        raise YouAreFrozen
    return rows


async def lock_for_client_work(work: UnitOfWork, holding: Iterable[str | None] = ()) -> dict[str, Person]:
    """`lock_with_actor`, for what is done with clients. Raises `PolicyNotAcknowledged` too."""
    rows = await lock_with_actor(work, holding=holding)
    if await has_unacknowledged_policy(work):
        raise PolicyNotAcknowledged
    return rows


class PolicyNotAcknowledged(Forbidden, code="policy_not_acknowledged"):
    """First acknowledge the current version of the policy that is required for access to clients."""

    def __init__(self) -> None:
        super().__init__(reason="policy_not_acknowledged")


async def find_actor_exclusion(work: UnitOfWork) -> str | None:
    """Why the caller may see no client at all: `frozen`, `policy_not_acknowledged`; None: they may."""
    if await is_frozen(work.connection, work.actor):
        return "frozen"
    return "policy_not_acknowledged" if await has_unacknowledged_policy(work) else None


class ActionNotAllowed(Forbidden, code="action_not_allowed"):
    """You may see this client, but not do this with it."""


class ExportLimitReached(Forbidden, code="limit_reached"):
    """You have exported as many clients today as one person may. Your head, a director or HR can grant more for a day."""

    def __init__(self) -> None:
        super().__init__(reason="limit")


def raise_if_refused(result: Any) -> Any:
    """The result, unless it is a refusal. Raises `NotFound` for what one may not know about, `Forbidden` otherwise."""
    refused = result.get("refused") if isinstance(result, Mapping) else None
    if refused is None:
        return result
    if refused in ("frozen", "not_employed"):
        raise YouAreFrozen(refused)
    if refused == "policy_not_acknowledged":
        raise PolicyNotAcknowledged
    if refused == "limit":
        raise ExportLimitReached
    if refused == "action_not_allowed":
        raise ActionNotAllowed
    raise NotFound


async def decide_and_journal(work: UnitOfWork, client_id: str, action: Action, roles: frozenset[str]) -> str:
    """The decision on the caller's request, journaled."""
    reason = await get_actor_decision(work, roles, client_id, action)
    await insert_decision_entry(work, action, reason, client_id)
    return reason


def get_list_reason(roles: frozenset[str]) -> str:
    """What a page rests on: its clients may each have a reason of their own."""
    return "service" if "service" in roles else "head" if roles & {"director", "sales_head"} else "owner"


def get_page_client_ids(rows: Iterable[Mapping[str, Any]], paging: Paging) -> list[str]:
    return [row["id"] for row in rows][: paging.limit]


async def list_allowed_clients(
    work: UnitOfWork, employee_id: str, action: Action, roles: frozenset[str], paging: Paging
) -> AllowedPage | None:
    """Which clients may this person do this with; None if the caller may not know."""
    may_know = employee_id == work.actor or roles & {"service", "director"}
    if not may_know and not ("sales_head" in roles and await is_headed_by_actor(work, employee_id)):
        return None
    return await list_clients_allowed(work, employee_id, action, paging)


@accept_any_client_id
async def list_allowed_employees(
    work: UnitOfWork, client_id: str, action: Action, roles: frozenset[str], paging: Paging
) -> Any:
    """Who may do this with the client, or `{"refused": reason}`."""
    reason = await get_actor_decision(work, roles, client_id, "read")
    await insert_decision_entry(work, "read", reason, client_id, "access.employees_asked")
    return (
        await list_employees_allowed(work, client_id, action, paging)
        if reason in ALLOWING_REASONS
        else {"refused": reason}
    )
