"""The JSON Schemas of all messages are golden files; only additions that old readers can ignore are accepted.

After an intended addition: `HOLDFAST_WRITE_SCHEMAS=1 pytest tests/house/test_schemas.py`, and look at the diff.
"""

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest

from shared.contracts import MESSAGES
from shared.messages import Message

GOLDEN = Path(__file__).parent / "schemas"
BY_TYPE = {message.type: message for message in MESSAGES}


def schema_of(message: type[Message]) -> dict[str, Any]:
    return message.model_json_schema()


def incompatible(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What a reader of the old schema would stumble over in messages of the new one, and the other way round."""
    found = _compare("", old, new)
    for name, definition in old.get("$defs", {}).items():
        found += _compare(f"{name}.", definition, new.get("$defs", {}).get(name, {}))
    return found


def _compare(where: str, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    found = []
    for name, field in old.get("properties", {}).items():
        changed = new.get("properties", {}).get(name)
        if changed is None:
            found.append(f"{where}{name} is gone")
        elif _kind(changed) != _kind(field):
            found.append(f"{where}{name} is of another kind")
    found += [f"{where}{name} is required now" for name in set(new.get("required", [])) - set(old.get("required", []))]
    return found


def _kind(field: dict[str, Any]) -> Any:
    return {key: value for key, value in field.items() if key not in ("title", "description", "default")}


@pytest.mark.parametrize("name", BY_TYPE)
def test_every_message_has_its_golden_schema(name: str) -> None:
    path, schema = GOLDEN / f"{name}.json", schema_of(BY_TYPE[name])
    if os.environ.get("HOLDFAST_WRITE_SCHEMAS"):
        if path.exists():
            assert incompatible(json.loads(path.read_text()), schema) == []
        path.write_text(json.dumps(schema, indent=2, sort_keys=True) + "\n")
    assert json.loads(path.read_text()) == schema


def test_no_golden_schema_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(BY_TYPE)


@pytest.mark.parametrize("fault", ["gone", "of another kind", "required now"])
def test_an_incompatible_change_is_refused(fault: str) -> None:
    old = schema_of(BY_TYPE["employee.resigned"])
    new = copy.deepcopy(old)
    match fault:
        case "gone":
            del new["properties"]["last_day"]
        case "of another kind":
            new["properties"]["last_day"] = {"type": "integer"}
        case _:
            new["required"] = [*new["required"], "department_id"]
    assert any(fault in line for line in incompatible(old, new))
    assert incompatible(old, old) == []
