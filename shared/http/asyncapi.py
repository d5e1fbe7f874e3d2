"""The AsyncAPI 3 document of what a service publishes, hears and obeys."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shared.messages import Message, get_commands_topic, get_events_topic
from shared.service import Service

SCHEMA_FORMAT = "application/schema+json;version=draft-2020-12"
REQUIRED_HEADERS = ["ce_id", "ce_type", "ce_source", "ce_specversion", "ce_subject", "ce_sequence"]
HEADERS = {
    "type": "object",
    "required": REQUIRED_HEADERS,
    "properties": {
        name: {"type": "string"} for name in (*REQUIRED_HEADERS, "ce_time", "ce_causationid", "ce_traceparent")
    },
}


def build_asyncapi(services: Sequence[Service]) -> dict[str, Any]:
    """One document for these services: send what they publish, receive what they hear and obey."""
    messages: dict[str, Any] = {}
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for service in services:
        flows: list[tuple[str, str, Iterable[type[Message]]]] = [
            ("send", get_events_topic(service.name), service.publishes),
            ("receive", get_commands_topic(service.name), service.obeys),
            *(("receive", get_events_topic(source), heard) for source, heard in service.subscribes.items()),
        ]
        for action, topic, types in flows:
            described = {message.type: _describe_message(message) for message in types}
            if not described:
                continue
            messages.update(described)
            names = sorted(described)
            channel = channels.setdefault(topic, {"address": topic, "messages": {}})
            channel["messages"].update({name: {"$ref": f"#/components/messages/{name}"} for name in names})
            operations[f"{service.name}.{action}.{topic}"] = {
                "action": action,
                "channel": {"$ref": f"#/channels/{topic}"},
                "messages": [{"$ref": f"#/channels/{topic}/messages/{name}"} for name in names],
            }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Holdfast " + ", ".join(service.name for service in services),
            "version": "1",
            "description": "CloudEvents 1.0, Kafka binary mode; key and `ce_subject` are `<aggregate>/<id>`.",
        },
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    }


def _describe_message(message: type[Message]) -> Mapping[str, Any]:
    return {
        "name": message.type,
        "title": message.__name__,
        "summary": (message.__doc__ or "").split("\n")[0],
        "contentType": "application/json",
        "headers": HEADERS,
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": message.model_json_schema()},
    }
