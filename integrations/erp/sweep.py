"""Reading what changed in an ERP since the last look, page by page in the order of its keys.

ERPs page by offset, by link or not at all, and records change while a list is read. So a pass asks for what changed
since the one before it began, orders by key, and goes on after the last key it saw: nothing is skipped, and what
changes meanwhile is the next pass's. It looks back a little further, for clocks that differ and transactions that took
long; a record seen before is known by its version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from integrations.channels.vendor import Document, Feed, Page
from integrations.documents import write_json
from integrations.models import Connection

AT_ONCE = 100
OVERLAP = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Row:
    """One record: its key in the order it is read in, what names its version, and the record itself."""

    key: str
    version: str
    record: Any


# What changed since a moment (None: everything) and comes after a key (""), so many of it, in the order of its keys.
Rows = Callable[[Connection, datetime | None, str, int], Sequence[Row]]
# Levels of stock that come after a key, in its order: none only when there are no more.
Levels = Callable[[Connection, str, int], Sequence[Row]]


def changed(name: str, title: str, kind: str, rows: Rows, *, minutes: int = 15) -> Feed:
    """The feed of one kind of master data."""

    def fetch(connection: Connection, cursor: str) -> Page:
        place = _read(cursor)
        since = datetime.fromisoformat(place["since"]) if place.get("since") else None
        found = rows(connection, since, place.get("after", ""), AT_ONCE)
        documents = tuple(_document(kind, row) for row in found)
        if len(found) >= AT_ONCE:
            return Page(documents, _write({**place, "after": found[-1].key}), more=True)
        began = datetime.fromisoformat(place["began"])
        return Page(documents, json.dumps({"since": (began - OVERLAP).isoformat()}))

    return Feed(name, title, timedelta(minutes=minutes), fetch)


def levels(rows: Levels, *, minutes: int = 60) -> Feed:
    """The feed of everything the ERP believes to have, one snapshot a page, every time anew."""

    def fetch(connection: Connection, cursor: str) -> Page:
        place = _read(cursor)
        after, moment = place.get("after", ""), timezone.now().isoformat()
        found = rows(connection, after, 5 * AT_ONCE)
        if not found:
            return Page((), "")
        body = write_json({"kind": "stock", "as_of": moment, "rows": [row.record for row in found]})
        documents = (Document(f"stock:{place['began']}:{after}"[:150], "stock", body),)
        return Page(documents, _write({**place, "after": found[-1].key}), more=True)

    return Feed("stock", "Stock levels", timedelta(minutes=minutes), fetch)


def _read(cursor: str) -> dict[str, str]:
    place = json.loads(cursor) if cursor else {}
    return {"began": timezone.now().isoformat(), **place}


def _write(place: dict[str, str]) -> str:
    return json.dumps(place)


def _document(kind: str, row: Row) -> Document:
    body = write_json({"kind": kind, "record": row.record})
    version = row.version or hashlib.sha256(body).hexdigest()[:32]
    return Document(f"{kind}:{row.key}@{version}"[:150], kind, body)
