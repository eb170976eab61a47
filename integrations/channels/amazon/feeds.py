"""Amazon's feeds: a document uploaded, worked on for minutes, and a report of what was refused."""

from __future__ import annotations

import gzip
from typing import Any

from integrations import http
from integrations.channels.amazon import client
from integrations.models import Connection

_FEEDS = "/feeds/2021-06-30"
_WAITS = {"IN_QUEUE", "IN_PROGRESS"}
DONE = "DONE"


def submit(connection: Connection, kind: str, content: bytes, content_type: str) -> str:
    """The id of a feed of this kind with this content."""
    given: dict[str, Any] = {"contentType": content_type}
    place = client.call(connection, "POST", f"{_FEEDS}/documents", operation="createFeedDocument", json=given)
    headers = {"Content-Type": content_type}
    http.request(connection, "PUT", place["url"], purpose="upload feed", headers=headers, content=content)
    given = {
        "feedType": kind,
        "marketplaceIds": client.marketplaces(connection).split(","),
        "inputFeedDocumentId": place["feedDocumentId"],
    }
    return str(client.call(connection, "POST", f"{_FEEDS}/feeds", operation="createFeed", json=given)["feedId"])


def outcome(connection: Connection, feed: str) -> tuple[str, bytes] | None:
    """How the feed ended and its report; None while it is worked on."""
    found = client.call(connection, "GET", f"{_FEEDS}/feeds/{feed}", operation="getFeed")
    state = str(found.get("processingStatus"))
    return None if state in _WAITS else (state, _report(connection, str(found.get("resultFeedDocumentId") or "")))


def _report(connection: Connection, document: str) -> bytes:
    if not document:
        return b""
    found = client.call(connection, "GET", f"{_FEEDS}/documents/{document}", operation="getFeedDocument")
    headers = {"Accept": "*/*"}
    body = http.request(connection, "GET", found["url"], purpose="read feed report", headers=headers).body
    return gzip.decompress(body) if found.get("compressionAlgorithm") == "GZIP" else body
