"""What `clients` connects."""

from collections.abc import Mapping

from services.clients import api, store
from services.clients.handlers import (
    archiving,
    clients,
    erasing,
    figures,
    freezes,
    guarding,
    limits,
    orders,
    passes,
    policies,
    proofs,
    risks,
    sequencing,
    team,
    transfers,
    usage,
)
from services.clients.store import checks
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

JOURNAL: Mapping[type[Event], Handler] = {JournalEntry: clients.append_journal}

SERVICE = Service(
    name="clients",
    summary="Clients, who is responsible for them, who may see them, and the journal of it",
    routers=(api.router,),
    metadata=store.metadata,
    publishes=EVENTS,
    subscribes={
        "staff": {
            **dict.fromkeys(EMPLOYEE_EVENTS, freezes.hear_employee),
            EmployeeErased: erasing.hear_erased,
            DepartmentChanged: freezes.hear_department,
            PolicyPublished: policies.hear_published,
            PolicyAcknowledged: policies.hear_acknowledged,
            **JOURNAL,
        },
        "orders": {
            **dict.fromkeys((OrderPlaced, OrderDelivered, OrderCancelled), orders.hear_order),
            **dict.fromkeys((StageAssigned, StageStarted, StageCompleted), orders.hear_stage),
            StagesTransferred: orders.hear_stages_transferred,
            StagesFrozen: freezes.hear_stages_frozen,
            StagesUnfrozen: freezes.hear_stages_unfrozen,
            **JOURNAL,
        },
        "clients": JOURNAL,
        "offboarding": JOURNAL,
    },
    obeys={
        FreezeAccess: freezes.freeze_access,
        UnfreezeAccess: freezes.unfreeze_access,
        TransferClients: transfers.transfer_clients,
        PlaceTeam: team.place_team,
        GrantPasses: passes.grant_passes,
    },
    is_frozen=is_frozen,
    republish=figures.republish,
    tickers=(
        Ticker("sequence", 0.5, sequencing.sequence),
        Ticker("make_checkpoint", 300, proofs.make_checkpoint),
        Ticker("send_checkpoints", 5, proofs.send_checkpoints),
        Ticker("archive_old", 3600, archiving.archive_old),
        Ticker("look_at_the_disk", 5, guarding.look_at_the_disk),
        Ticker("settle", 1, transfers.settle),
        Ticker("bind_of_today", 600, policies.bind_of_today),
        Ticker("count_unowned", 15, figures.count_unowned),
        Ticker("forget_usage", 3600, usage.forget_usage),
        Ticker("forget_surrogates", 60, erasing.forget_surrogates),
        Ticker("tell_reached", 1, limits.tell_reached),
        Ticker("forget_exported", 3600, limits.forget_exported),
        Ticker("compute_risks", 60, risks.compute_nightly),
        Ticker("tell_single_threaded", 60, risks.tell_single_threaded),
    ),
    open=checks.open_gatherer,
    close=checks.close_gatherer,
)
