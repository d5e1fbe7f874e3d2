"""Gives schemathesis real ids: about every second one that it made up becomes one of the company that is there.

What it made up decides, not chance, so that the same run sends the same requests. The company is a file that
`HOLDFAST_REAL_IDS` names; each answer is noted in the one that `HOLDFAST_ANSWERS` names.
"""

import json
import os
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import schemathesis

from tests.support import ndjson_hook  # noqa: F401 - registers itself

Ids = dict[str, list[str]]
KNOWN: dict[str, Any] = json.loads(Path(os.environ["HOLDFAST_REAL_IDS"]).read_text())
BY_FIELD: Ids = KNOWN["by_field"]
BY_OPERATION: dict[str, Ids] = KNOWN["by_operation"]
BODIES: dict[str, Any] = KNOWN["bodies"]
ANSWERS = Path(os.environ["HOLDFAST_ANSWERS"])
TRIES = 25  # some requests are spoilt after this, for example sent without the token
calls: Counter[str] = Counter()
went_well: set[str] = set()


def real(fields: Any, ids: Ids) -> Any:
    """The same with about every second known field made real, also further in."""
    if isinstance(fields, list):
        return [real(one, ids) for one in fields]
    if not isinstance(fields, dict):
        return fields
    return {name: _one(name, value, ids) for name, value in fields.items()}


def _one(name: str, value: Any, ids: Ids) -> Any:
    if name not in ids or isinstance(value, list | dict):
        return real(value, ids)
    lot = zlib.crc32(f"{name} {value}".encode(errors="replace"))
    return ids[name][(lot >> 1) % len(ids[name])] if lot & 1 else value


@schemathesis.hook
def before_call(ctx: Any, case: Any, **kwargs: Any) -> None:
    """The first request of an operation is about what fits it, until one went well; the others are half made up."""
    label = case.operation.label
    if case.method.upper() != label.partition(" ")[0]:  # to see that there is no such operation
        return
    calls[label] += 1
    fitting = BY_OPERATION.get(label, {})
    if label not in went_well and calls[label] <= TRIES and (fitting or label in BODIES):
        known, tried = {**BY_FIELD, **fitting}, calls[label] - 1
        case.path_parameters = {name: ids[tried % len(ids)] for name, ids in known.items() if f"{{{name}}}" in label}
        asked = set(fitting) - set(case.path_parameters) if case.method.upper() == "GET" else set()
        case.query = {name: fitting[name][tried % len(fitting[name])] for name in asked}
        case.headers = {}
        if label in BODIES:
            case.body = BODIES[label]
            case.media_type = "application/json"
        return
    ids = {**BY_FIELD, **fitting}
    case.path_parameters = real(case.path_parameters, ids)
    case.query = real(case.query, ids)
    case.body = real(case.body, ids)


@schemathesis.hook
def after_call(ctx: Any, case: Any, response: Any) -> None:
    if response.status_code < 300:
        went_well.add(case.operation.label)
    with ANSWERS.open("a") as file:
        file.write(f"{response.status_code} {case.operation.label}\n")
