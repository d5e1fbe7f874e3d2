"""Every public message, data only. They change by addition only; tests/house/schemas holds their JSON Schemas."""

from shared.contracts import clients, offboarding, orders, staff
from shared.messages import Message

MESSAGES: tuple[type[Message], ...] = staff.MESSAGES + clients.MESSAGES + orders.MESSAGES + offboarding.MESSAGES
