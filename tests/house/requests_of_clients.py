"""For each operation of `clients` a request that fits: about `subject` (an employee) and `client`, both of one cell's group."""

from collections.abc import Mapping
from typing import Any

AT = "2026-01-01T00:00:00Z"
CONTACTS = [{"id": "k-1", "name": "Zoë"}, {"id": "k-2", "name": "Max"}]
REQUESTS: Mapping[str, tuple[dict[str, str], Any]] = {  # query and body
    "POST /access/check": ({}, {"employee_id": "{subject}", "client_id": "{client}", "action": "read"}),
    "POST /access/checks": (
        {"explain": "true"},
        {"checks": [{"employee_id": "{subject}", "client_id": "{client}", "action": "read"}]},
    ),
    "GET /access/clients": ({"employee_id": "{subject}"}, None),
    "GET /access/employees": ({"client_id": "{client}"}, None),
    "GET /clients/route": ({"phone": "+4930901820"}, None),
    "GET /clients/{id}": ({}, None),
    "GET /clients": ({"owner_id": "{subject}"}, None),
    "GET /clients/{id}/history": ({}, None),
    "GET /clients/{id}/interactions": ({}, None),
    "GET /clients/{id}/feedback": ({}, None),
    "GET /clients/{id}/contacts": ({}, None),
    "GET /clients/{id}/knowledge": ({}, None),
    "GET /risk/clients": ({"owner_id": "{subject}"}, None),
    "GET /risk/employees/{employee_id}": ({}, None),
    "GET /export": ({}, None),
    "GET /portfolio": ({"employee_id": "{subject}"}, None),
    "GET /team-places": ({"employee_id": "{subject}"}, None),
    "GET /loads": ({}, None),
    "GET /exposure/{employee_id}": ({}, None),
    "GET /personal-data/{employee_id}": ({}, None),
    "GET /access/freezes": ({}, None),
    "GET /access/freezes/{employee_id}": ({}, None),
    "GET /access/passes": ({"employee_id": "{subject}"}, None),
    "GET /access/passes/{pass_id}": ({}, None),
    "GET /access/export-grants": ({"employee_id": "{subject}"}, None),
    "GET /journal": ({}, None),
    "GET /journal/checkpoint": ({}, None),
    "GET /journal/key": ({}, None),
    "GET /journal/proofs/inclusion": ({"decision_id": "{decision}"}, None),
    "GET /journal/proofs/consistency": ({"from": "1", "to": "2"}, None),
    "GET /journal/export": ({}, None),
    "GET /journal/holds": ({}, None),
    "GET /parked": ({}, None),
    # Effects, those that take the least away first.
    "POST /clients": ({}, {"name": "New", "owner_id": "{subject}"}),
    "PUT /clients/{id}": ({}, {"name": "Put", "contacts": CONTACTS}),
    "PATCH /clients/{id}": ({}, {"name": "Patched"}),
    "POST /clients/batch": ({}, {"items": [{"id": "{client}", "name": "Batch", "contacts": CONTACTS}]}),
    "PUT /clients/{id}/team/{function}": ({}, {"employee_id": "{colleague}"}),
    "DELETE /clients/{id}/team/{function}": ({}, None),
    "POST /clients/{id}/interactions": ({}, {"employee_id": "{colleague}", "kind": "call", "at": AT}),
    "POST /clients/{id}/feedback": ({}, {"score": 7}),
    "POST /clients/{id}/contacts": ({}, {"name": "Max"}),
    "PATCH /clients/{id}/contacts/{contact_id}": ({}, {"name": "Moritz"}),
    "POST /usage": (
        {},
        {"items": [{"employee_id": "{subject}", "client_id": "{client}", "action": "read", "at": AT, "system": "crm"}]},
    ),
    "POST /imports": ({"kind": "clients"}, b'{"id": "imported", "name": "I", "owner_id": "colleague"}'),
    "POST /access/export-grants": ({}, {"employee_id": "{subject}", "reason": "a fair"}),
    "DELETE /access/export-grants/{grant_id}": ({}, None),
    "POST /journal/holds": ({}, {"employee_id": "{subject}", "reason": "proceedings"}),
    "DELETE /journal/holds/{employee_id}": ({}, None),
    "POST /risk/recompute": ({}, None),
    "POST /parked/{key_id}/replay": ({}, None),
    "POST /parked/{key_id}/skip": ({}, None),
    "POST /republish": ({}, None),
    "POST /access/passes": (
        {},
        {
            "employee_id": "{subject}",
            "client_id": "{client}",
            "from": "{now}",
            "until": "{later}",
            "purpose": "introduction",
        },
    ),
    "DELETE /access/passes/{pass_id}": ({}, None),
    "DELETE /clients/{id}/contacts/{contact_id}": ({}, None),
    "POST /clients/{id}/contacts/{contact_id}/erase": ({}, {"reason": "asked for"}),
    "POST /transfers": (
        {},
        {"items": [{"client_id": "{client}", "from_id": "{subject}", "to_id": "{colleague}"}], "reason": "districts"},
    ),
    "POST /clients/{id}/merge": ({}, {"into_id": "{client}"}),
    "POST /clients/{id}/erase": ({}, {"reason": "asked for"}),
    "POST /access/freezes": ({}, {"employee_id": "{subject}", "reason": "laptop stolen"}),
    "DELETE /access/freezes/{employee_id}": ({"reason": "found again"}, None),
}
# Whose answer would show what is known of clients.
SHOWING = {
    *(
        "GET /clients",
        "GET /clients/{id}",
        "GET /clients/{id}/history",
        "GET /clients/{id}/interactions",
        "GET /export",
    ),
    *("GET /clients/{id}/feedback", "GET /clients/{id}/contacts", "GET /clients/{id}/knowledge", "GET /risk/clients"),
    *("GET /access/clients", "GET /access/employees", "GET /portfolio", "GET /team-places", "POST /access/check"),
    *("PUT /clients/{id}", "PATCH /clients/{id}", "POST /clients", "GET /clients/route"),
}
# The client that goes: merged or erased, so that the others of its group stay.
GOING = {"POST /clients/{id}/merge", "POST /clients/{id}/erase"}


def filled(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return value.format_map(names) if "{" in value else value
    if isinstance(value, dict):
        return {name: filled(one, names) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [filled(one, names) for one in value]
    return value
