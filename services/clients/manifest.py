"""What `clients` connects."""

from collections.abc import Mapping

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
from services.clients.access import api as access_api
from services.clients.access.store.checks import start_check_batcher, stop_check_batcher
from services.clients.archive.handlers import archive_oldest_month
from services.clients.contacts import api as contacts_api
from services.clients.copies.handlers import (
    on_department_changed,
    on_order_changed,
    on_policy_acknowledged,
    on_policy_published,
    on_stage_changed,
    on_stages_transferred,
    update_policy_deadlines_of_today,
)
from services.clients.erasure import api as erasure_api
from services.clients.erasure.handlers import delete_surrogates_made_after_erasure, on_employee_erased
from services.clients.export_limits import api as export_limits_api
from services.clients.export_limits.handlers import announce_reached_limits, delete_old_export_counts
from services.clients.exports import api as exports_api
from services.clients.exposure import api as exposure_api
from services.clients.feeds import api as feeds_api
from services.clients.feeds.handlers import republish_events
from services.clients.freezes import api as freezes_api
from services.clients.freezes.handlers import (
    freeze_access,
    on_employee_event,
    on_stages_frozen,
    on_stages_unfrozen,
    unfreeze_access,
)
from services.clients.holdings.handlers import update_unowned_clients_alarm
from services.clients.imports import api as imports_api
from services.clients.journal import api as journal_api
from services.clients.journal.handlers import append_pending_entries, on_journal_entry, update_journal_space_flag
from services.clients.legal_holds import api as legal_holds_api
from services.clients.merging import api as merging_api
from services.clients.metadata import metadata
from services.clients.passes import api as passes_api
from services.clients.passes.handlers import grant_passes
from services.clients.personal_data import api as personal_data_api
from services.clients.proofs import api as proofs_api
from services.clients.proofs.handlers import create_checkpoint_if_grown, send_checkpoints
from services.clients.register import api as register_api
from services.clients.relationships import api as relationships_api
from services.clients.risks import api as risks_api
from services.clients.risks.handlers import announce_single_threaded_clients, recompute_single_threaded_clients_nightly
from services.clients.routing import api as routing_api
from services.clients.synchronization import api as synchronization_api
from services.clients.teams import api as teams_api
from services.clients.teams.handlers import place_team
from services.clients.transfers import api as transfers_api
from services.clients.transfers.handlers import settle_rehired_employees, transfer_clients
from services.clients.usage import api as usage_api
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
from shared.people.store import are_roles_frozen
from shared.service import Handler, Service, Ticker

JOURNAL: Mapping[type[Event], Handler] = {JournalEntry: on_journal_entry}

SERVICE = Service(
    name="clients",
    summary="Clients, who is responsible for them, who may see them, and the journal of it",
    routers=(  # those that decide something ask for room in the journal themselves
        access_api.router,  # first, for routers are tried in this order, and checks are asked most
        routing_api.router,  # out of its order: `/clients/{id}` of the register would match its path
        journal_api.router,
        proofs_api.router,
        export_limits_api.router,
        passes_api.router,
        usage_api.router,
        exposure_api.router,
        freezes_api.router,
        register_api.router,
        contacts_api.router,
        teams_api.router,
        transfers_api.router,
        synchronization_api.router,
        relationships_api.router,
        risks_api.router,
        exports_api.router,
        feeds_api.router,
        personal_data_api.router,
        imports_api.router,
        erasure_api.router,
        merging_api.router,
        legal_holds_api.router,
    ),
    metadata=metadata,
    publishes=EVENTS,
    subscribes={
        "staff": {
            **dict.fromkeys(EMPLOYEE_EVENTS, on_employee_event),
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
    are_roles_frozen=are_roles_frozen,
    republish=republish_events,
    tickers=(
        Ticker("append_pending_entries", 0.5, append_pending_entries),
        Ticker("create_checkpoint_regularly", 300, create_checkpoint_if_grown),
        Ticker("send_checkpoints", 5, send_checkpoints),
        Ticker("archive_oldest_month", 3600, archive_oldest_month),
        Ticker("update_journal_space_flag", 5, update_journal_space_flag),
        Ticker("settle_rehired_employees", 1, settle_rehired_employees),
        Ticker("update_policy_deadlines_of_today", 600, update_policy_deadlines_of_today),
        Ticker("update_unowned_clients_alarm", 15, update_unowned_clients_alarm),
        Ticker("delete_expired_usage", 3600, delete_expired_usage),
        Ticker("delete_surrogates_made_after_erasure", 60, delete_surrogates_made_after_erasure),
        Ticker("announce_reached_limits", 1, announce_reached_limits),
        Ticker("delete_old_export_counts", 3600, delete_old_export_counts),
        Ticker("recompute_single_threaded_clients_nightly", 60, recompute_single_threaded_clients_nightly),
        Ticker("announce_single_threaded_clients", 60, announce_single_threaded_clients),
    ),
    open=start_check_batcher,
    close=stop_check_batcher,
)
