"""A message's bytes for people to read."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from integrations import documents, redaction
from integrations.failures import Unreadable
from integrations.models import InboundMessage

SHOWN_BYTES = 200_000  # of a payload on the page; the download has all of it
_MARKED = re.compile(r'"\\u0001([^"\\]*)\\u0001"')


def masked(found: InboundMessage) -> dict[str, Any]:
    """The body: JSON set out with persons and secrets masked, anything else as text, a beginning of both."""
    return of_bytes(bytes(found.body), hide=True)


def plain(found: InboundMessage) -> dict[str, Any]:
    """The body with nobody masked, for whoever may see it."""
    return of_bytes(bytes(found.body), hide=False)


def of_bytes(body: bytes, *, hide: bool) -> dict[str, Any]:
    try:
        document = _plain(documents.read_json(body))
        shown = json.dumps(redaction.people(document) if hide else document, indent=2, ensure_ascii=False)
        shown, kind = _MARKED.sub(r"\1", shown), "json"
    except (Unreadable, RecursionError):
        # Nothing is known of its parts, so nothing can be masked but by showing only a beginning.
        shown = body[: 2000 if hide else SHOWN_BYTES].decode("utf-8", errors="replace").replace("\x00", "\ufffd")
        kind = "text"
    cut = len(shown) > SHOWN_BYTES or (kind == "text" and len(body) > (2000 if hide else SHOWN_BYTES))
    return {"text": shown[:SHOWN_BYTES], "kind": kind, "cut": cut, "empty": not body}


def _plain(value: Any) -> Any:
    """The document with its exact decimals as marked text, so that they can be shown as they came."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return f"\x01{value}\x01" if isinstance(value, Decimal) else value
