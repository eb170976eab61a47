"""The catalogue of facts as an AsyncAPI 3 document and as a page of docs, both from the registry."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from integrations.webhooks import catalogue
from integrations.webhooks.catalogue import EventType

ANY: dict[str, Any] = {}
TEXT = {"type": "string"}


def document() -> dict[str, Any]:
    """AsyncAPI 3.0: one channel (a receiver's address), one message for each type of fact."""
    types = catalogue.every()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Backroom events",
            "version": "1",
            "description": (
                "What happened, told to receivers as Standard Webhooks: at least once, in order for each subject. "
                "`webhook-id` is the fact's own id, the same in every try and replay."
            ),
        },
        "defaultContentType": "application/json",
        "channels": {
            "receiver": {
                "address": None,
                "title": "The address of a webhook subscription",
                "messages": {each.type: {"$ref": f"#/components/messages/{each.type}"} for each in types},
            }
        },
        "operations": {"tell": {"action": "send", "channel": {"$ref": "#/channels/receiver"}}},
        "components": {
            "messages": {each.type: _message(each) for each in types},
            "schemas": {"subject": _SUBJECT, "headers": _HEADERS},
        },
    }


def _message(each: EventType) -> dict[str, Any]:
    return {
        "name": each.type,
        "title": each.title,
        "summary": each.words or each.title,
        "tags": [{"name": each.app}],
        "headers": {"$ref": "#/components/schemas/headers"},
        "payload": {
            "type": "object",
            "required": ["type", "timestamp", "data"],
            "properties": {
                "type": {"type": "string", "const": each.type},
                "timestamp": {"type": "string", "format": "date-time"},
                "data": _data(each),
            },
        },
    }


def _data(each: EventType) -> dict[str, Any]:
    """A thin payload has the first four; a full one the rest."""
    return {
        "type": "object",
        "required": ["id", "seq", "payload", "subject"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "seq": {"type": "integer"},
            "payload": {"type": "string", "enum": ["full", "thin"]},
            "subject": {"$ref": "#/components/schemas/subject"},
            "actor": {"type": "object", "properties": {"kind": TEXT, "label": TEXT}},
            "related": {"type": "array", "items": {"$ref": "#/components/schemas/subject"}},
            "correlation_id": TEXT,
            "data": {"type": "object", "properties": dict.fromkeys(each.fields, ANY)},
        },
    }


_SUBJECT = {
    "type": "object",
    "required": ["kind", "uid", "label"],
    "properties": {"kind": TEXT, "uid": TEXT, "label": TEXT, "role": TEXT},
}
_HEADERS = {
    "type": "object",
    "required": ["webhook-id", "webhook-timestamp", "webhook-signature"],
    "properties": {
        "webhook-id": {"type": "string", "description": "The fact's id: the same in every try and replay"},
        "webhook-timestamp": {"type": "string", "description": "Seconds since 1970 at this try"},
        "webhook-signature": {"type": "string", "description": "v1,<base64>; two of them while a secret is rotated"},
    },
}


def page() -> str:
    """docs/events.md."""
    lines = [
        "# Events",
        "",
        "Every fact a webhook may hear, and what its `data` holds. Written by `manage.py events_page` from the",
        "constants in each app's `events.py` and the comments beside them; `GET /api/v1/asyncapi.json` says the same",
        "to programs.",
    ]
    for app, types in groupby(sorted(catalogue.every(), key=lambda each: each.app), key=lambda each: each.app):
        lines += ["", f"## {app.capitalize()}", "", "| event | |", "|---|---|"]
        lines += [f"| `{each.type}` | {each.words.replace('|', ', ')} |" for each in types]
    return "\n".join(lines) + "\n"
