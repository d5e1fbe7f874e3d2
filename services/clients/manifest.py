"""What `clients` connects."""

from collections.abc import Mapping

from fastapi import APIRouter, Depends

import services.clients.copies.tables
import services.clients.erasure.tables
import services.clients.export_limits.tables
import services.clients.exposure.tables
import services.clients.freezes.tables
import services.clients.holdings.tables
import services.clients.imports.tables
import services.clients.journal.tables
import services.clients.legal_holds.tables
import services.clients.names.tables
import services.clients.passes.tables
import services.clients.proofs.tables
import services.clients.register.tables
import services.clients.relationships.tables
import services.clients.risks.tables
import services.clients.usage.tables  # noqa: F401
from services.clients.access.api import router as access_router
from services.clients.access.store.checks import close_check_batcher, open_check_batcher
from services.clients.archive.handlers import archive_oldest_month
from services.clients.contacts.api import router as contacts_router
from services.clients.copies.handlers import (
    on_department_changed,
    on_order_changed,
    on_policy_acknowledged,
    on_policy_published,
    on_stage_changed,
    on_stages_transferred,
    update_policy_deadlines_of_today,
)
from services.clients.erasure.api import router as erasure_router
from services.clients.erasure.handlers import delete_surrogates_again, on_employee_erased
from services.clients.export_limits.api import router as export_limits_router
from services.clients.export_limits.handlers import announce_reached_limits, delete_old_export_counts
from services.clients.exports.api import router as exports_router
from services.clients.exposure.api import router as exposure_router
from services.clients.feeds.api import router as feeds_router
from services.clients.feeds.handlers import republish_events
from services.clients.freezes.api import router as freezes_router
from services.clients.freezes.handlers import (
    freeze_access,
    on_employee_changed,
    on_stages_frozen,
    on_stages_unfrozen,
    unfreeze_access,
)
from services.clients.holdings.handlers import report_unowned_clients
from services.clients.imports.api import router as imports_router
from services.clients.journal.api import require_journal_space_at_door
from services.clients.journal.api import router as journal_router
from services.clients.journal.handlers import append_pending_entries, check_disk_space, on_journal_entry
from services.clients.legal_holds.api import router as legal_holds_router
from services.clients.merging.api import router as merging_router
from services.clients.metadata import metadata
from services.clients.passes.api import router as passes_router
from services.clients.passes.handlers import grant_passes
from services.clients.personal_data.api import router as personal_data_router
from services.clients.proofs.api import router as proofs_router
from services.clients.proofs.handlers import create_checkpoint_regularly, send_checkpoints
from services.clients.register.api import router as register_router
from services.clients.relationships.api import router as relationships_router
from services.clients.risks.api import router as risks_router
from services.clients.risks.handlers import announce_single_threaded_clients, recompute_risks_nightly
from services.clients.routing.api import router as routing_router
from services.clients.synchronization.api import router as synchronization_router
from services.clients.teams.api import router as teams_router
from services.clients.teams.handlers import place_team
from services.clients.transfers.api import router as transfers_router
from services.clients.transfers.handlers import settle_rehired_employees, transfer_clients
from services.clients.usage.api import router as usage_router
from services.clients.usage.handlers import delete_expired_usage
from shared.contracts.clients import (
    EVENTS,
    FreezeAccess,
    GrantPasses,
    JournalEntry,
    PlaceTeam,
    TransferClients,
    UnfreezeAccess,
)
from shared.contracts.orders import (
    OrderCancelled,
    OrderDelivered,
    OrderPlaced,
    StageAssigned,
    StageCompleted,
    StagesFrozen,
    StageStarted,
    StagesTransferred,
    StagesUnfrozen,
)
from shared.contracts.staff import (
    EMPLOYEE_EVENTS,
    DepartmentChanged,
    EmployeeErased,
    PolicyAcknowledged,
    PolicyPublished,
)
from shared.messages import Event
from shared.people.store import is_frozen
from shared.service import Handler, Service, Ticker

# Routes are looked through in this order. What these doors decide is journaled: without room for that nothing is decided.
# `access` asks for room itself, for its checks know no dependencies.
DECIDING_ROUTERS = (
    *(routing_router, synchronization_router, merging_router, register_router, teams_router, relationships_router),
    *(
        contacts_router,
        imports_router,
        exports_router,
        feeds_router,
        usage_router,
        exposure_router,
        personal_data_router,
    ),
    risks_router,
)
OTHER_ROUTERS = (
    *(access_router, erasure_router, transfers_router, freezes_router, passes_router, export_limits_router),
    *(journal_router, proofs_router, legal_holds_router),
)


def build_router() -> APIRouter:
    router = APIRouter()
    for part in DECIDING_ROUTERS:
        router.include_router(part, dependencies=[Depends(require_journal_space_at_door)])
    for part in OTHER_ROUTERS:
        router.include_router(part)
    return router


JOURNAL: Mapping[type[Event], Handler] = {JournalEntry: on_journal_entry}

SERVICE = Service(
    name="clients",
    summary="Clients, who is responsible for them, who may see them, and the journal of it",
    routers=(build_router(),),
    metadata=metadata,
    publishes=EVENTS,
    subscribes={
        "staff": {
            **dict.fromkeys(EMPLOYEE_EVENTS, on_employee_changed),
            EmployeeErased: on_employee_erased,
            DepartmentChanged: on_department_changed,
            PolicyPublished: on_policy_published,
            PolicyAcknowledged: on_policy_acknowledged,
            **JOURNAL,
        },
        "orders": {
            **dict.fromkeys((OrderPlaced, OrderDelivered, OrderCancelled), on_order_changed),
            **dict.fromkeys((StageAssigned, StageStarted, StageCompleted), on_stage_changed),
            StagesTransferred: on_stages_transferred,
            StagesFrozen: on_stages_frozen,
            StagesUnfrozen: on_stages_unfrozen,
            **JOURNAL,
        },
        "clients": JOURNAL,
        "offboarding": JOURNAL,
    },
    obeys={
        FreezeAccess: freeze_access,
        UnfreezeAccess: unfreeze_access,
        TransferClients: transfer_clients,
        PlaceTeam: place_team,
        GrantPasses: grant_passes,
    },
    is_frozen=is_frozen,
    republish=republish_events,
    tickers=(
        Ticker("sequence", 0.5, append_pending_entries),
        Ticker("make_checkpoint", 300, create_checkpoint_regularly),
        Ticker("send_checkpoints", 5, send_checkpoints),
        Ticker("archive_old", 3600, archive_oldest_month),
        Ticker("look_at_the_disk", 5, check_disk_space),
        Ticker("settle", 1, settle_rehired_employees),
        Ticker("bind_of_today", 600, update_policy_deadlines_of_today),
        Ticker("count_unowned", 15, report_unowned_clients),
        Ticker("forget_usage", 3600, delete_expired_usage),
        Ticker("forget_surrogates", 60, delete_surrogates_again),
        Ticker("tell_reached", 1, announce_reached_limits),
        Ticker("forget_exported", 3600, delete_old_export_counts),
        Ticker("compute_risks", 60, recompute_risks_nightly),
        Ticker("tell_single_threaded", 60, announce_single_threaded_clients),
    ),
    open=open_check_batcher,
    close=close_check_batcher,
)
