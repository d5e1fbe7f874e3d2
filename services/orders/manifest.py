"""What of orders may be connected."""

from services.orders.api import router
from services.orders.handlers import erasing, freezes, hearing, transfers
from services.orders.handlers.republishing import republish
from services.orders.store.tables import metadata
from shared.contracts.clients import (
    AccessFrozen,
    AccessUnfrozen,
    ClientChanged,
    ClientErased,
    ClientMerged,
    ClientRegistered,
    ClientTransferred,
    CommandAnswered,
    ContactErased,
    ErasureDone,
    JournalEntry,
    PassGranted,
    PassWithdrawn,
)
from shared.contracts.orders import EVENTS, FreezeStages, TransferStages, UnfreezeStages
from shared.contracts.staff import EMPLOYEE_EVENTS, DepartmentChanged, EmployeeErased
from shared.people.store import is_frozen
from shared.service import Service, Ticker

SERVICE = Service(
    name="orders",
    summary="Order flows, orders, their stages and who does them; workload, sales curves, delivery.",
    router=router,
    metadata=metadata,
    publishes=(*EVENTS, JournalEntry, ErasureDone, CommandAnswered),
    subscribes={
        "staff": {
            **dict.fromkeys(EMPLOYEE_EVENTS, freezes.hear_employee),
            EmployeeErased: erasing.hear_erased,
            DepartmentChanged: freezes.hear_department,
        },
        "clients": {
            ClientRegistered: hearing.hear_clients,
            ClientTransferred: hearing.hear_clients,
            ClientChanged: hearing.hear_client,
            ClientMerged: hearing.hear_merged,
            ClientErased: erasing.hear_client_erased,
            ContactErased: erasing.hear_client_erased,
            AccessFrozen: freezes.hear_access,
            AccessUnfrozen: freezes.hear_access,
            PassGranted: hearing.hear_pass,
            PassWithdrawn: hearing.hear_pass,
        },
    },
    obeys={
        FreezeStages: freezes.freeze_stages,
        UnfreezeStages: freezes.unfreeze_stages,
        TransferStages: transfers.transfer_stages,
    },
    is_frozen=is_frozen,
    republish=republish,
    tickers=(Ticker("follow_passes", 1, hearing.follow_passes), Ticker("settle", 1, freezes.settle)),
)
