"""What of orders may be connected."""

import services.orders.copies.tables
import services.orders.flows.tables
import services.orders.freezes.tables
import services.orders.orders.tables  # noqa: F401
from services.orders.copies.handlers import on_client_changed, on_client_owners_changed
from services.orders.erasure.handlers import on_client_erased, on_employee_erased
from services.orders.figures import api as figures_api
from services.orders.flows import api as flows_api
from services.orders.freezes.handlers import (
    apply_due_passes,
    freeze_stages,
    on_access_changed,
    on_employee_event,
    on_pass_changed,
    settle_rehires,
    unfreeze_stages,
)
from services.orders.imports import api as imports_api
from services.orders.merging.handlers import on_client_merged
from services.orders.metadata import metadata
from services.orders.orders import api as orders_api
from services.orders.orders.handlers import republish_orders
from services.orders.personal_data import api as personal_data_api
from services.orders.planning import api as planning_api
from services.orders.planning.handlers import transfer_stages
from services.orders.staffing import api as staffing_api
from services.orders.stages import api as stages_api
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
from shared.people.store import apply_department_event, are_roles_frozen
from shared.service import Service, Ticker

SERVICE = Service(
    name="orders",
    summary="Order flows, orders, their stages and who does them; workload, sales curves, delivery.",
    routers=(
        flows_api.router,
        staffing_api.router,
        orders_api.router,
        stages_api.router,
        planning_api.router,
        figures_api.router,
        personal_data_api.router,
        imports_api.router,
    ),
    metadata=metadata,
    publishes=(*EVENTS, JournalEntry, ErasureDone, CommandAnswered),
    subscribes={
        "staff": {
            **dict.fromkeys(EMPLOYEE_EVENTS, on_employee_event),
            EmployeeErased: on_employee_erased,
            DepartmentChanged: apply_department_event,
        },
        "clients": {
            ClientRegistered: on_client_owners_changed,
            ClientTransferred: on_client_owners_changed,
            ClientChanged: on_client_changed,
            ClientMerged: on_client_merged,
            ClientErased: on_client_erased,
            ContactErased: on_client_erased,
            AccessFrozen: on_access_changed,
            AccessUnfrozen: on_access_changed,
            PassGranted: on_pass_changed,
            PassWithdrawn: on_pass_changed,
        },
    },
    obeys={FreezeStages: freeze_stages, UnfreezeStages: unfreeze_stages, TransferStages: transfer_stages},
    are_roles_frozen=are_roles_frozen,
    republish=republish_orders,
    tickers=(Ticker("apply_due_passes", 1, apply_due_passes), Ticker("settle_rehires", 1, settle_rehires)),
)
