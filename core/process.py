"""The events as an object-centric log (OCEL 2.0, JSON), for any process mining tool.

The table already is one: every event names its subject and the objects it touched, each with a role. Nothing is
derived here; what people typed (labels, data) stays at home unless asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

CHUNK = 2_000
EVENT_ATTRIBUTES = [
    {"name": "actor_kind", "type": "string"},
    {"name": "correlation_id", "type": "string"},
    {"name": "recorded_at", "type": "time"},
]
LABEL = {"name": "label", "type": "string"}
BEGINNING = "1970-01-01T00:00:00Z"  # what OCEL says of an attribute that was always so
SUBJECT = "subject"
ALWAYS = (datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))


def export(*, since: datetime | None = None, until: datetime | None = None, labels: bool = False) -> Iterator[str]:
    """The log as pieces of one JSON document, from one snapshot, without holding it in memory."""
    bounds = (since or ALWAYS[0], until or ALWAYS[1])
    with transaction.atomic():
        if not connection.savepoint_ids:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        types = [row[0] for row in _rows("SELECT DISTINCT type FROM core_event ORDER BY 1")]
        kinds = [row[0] for row in _rows(_KINDS)]
        yield '{"eventTypes": ' + json.dumps([{"name": name, "attributes": EVENT_ATTRIBUTES} for name in types])
        yield ',\n"objectTypes": '
        yield json.dumps([{"name": kind, "attributes": [LABEL] if labels else []} for kind in kinds])
        yield ',\n"events": ['
        yield from _listed(_event(row) for row in _rows(_EVENTS, bounds))
        yield '],\n"objects": ['
        yield from _listed(_object(row, labels=labels) for row in _rows(_OBJECTS, bounds + bounds))
        yield "]}\n"


def _listed(items: Iterable[dict[str, Any]]) -> Iterator[str]:
    separator = "\n"
    for item in items:
        yield separator + json.dumps(item)
        separator = ",\n"


def _event(row: tuple[Any, ...]) -> dict[str, Any]:
    uid, type_, at, recorded_at, actor_kind, cause, kind, subject, others = row
    values = zip(EVENT_ATTRIBUTES, (actor_kind, cause, recorded_at.isoformat()), strict=True)
    touched = [(f"{kind}:{subject}", SUBJECT), *((f"{k}:{u}", q) for k, u, q in others or ())]
    return {
        "id": str(uid),
        "type": type_,
        "time": at.isoformat(),
        "attributes": [{"name": attribute["name"], "value": value} for attribute, value in values],
        "relationships": [{"objectId": name, "qualifier": role} for name, role in touched],
    }


def _object(row: tuple[Any, ...], *, labels: bool) -> dict[str, Any]:
    kind, uid, label = row
    named = [{"name": "label", "time": BEGINNING, "value": label}] if labels and label else []
    return {"id": f"{kind}:{uid}", "type": kind, "attributes": named, "relationships": []}


def _rows(sql: str, parameters: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    with connection.connection.cursor(name="ocel") as cursor:
        cursor.itersize = CHUNK
        cursor.execute(sql, parameters)
        yield from cursor


_KINDS = """
SELECT DISTINCT subject_kind FROM core_event UNION SELECT DISTINCT kind FROM core_eventobject ORDER BY 1
"""

_EVENTS = """
SELECT e.uid, e.type, e.occurred_at, e.recorded_at, e.actor_kind, e.correlation_id, e.subject_kind, e.subject_uid,
    (SELECT array_agg(ARRAY[o.kind, o.uid, o.qualifier]::text[] ORDER BY o.id)
     FROM core_eventobject o WHERE o.event_id = e.id)
FROM core_event e WHERE e.occurred_at >= %s AND e.occurred_at < %s ORDER BY e.id
"""

_OBJECTS = """
SELECT kind, uid, max(label) FROM (
    SELECT subject_kind AS kind, subject_uid AS uid, subject_label AS label FROM core_event
    WHERE occurred_at >= %s AND occurred_at < %s
    UNION ALL
    SELECT o.kind, o.uid, o.label FROM core_eventobject o JOIN core_event e ON e.id = o.event_id
    WHERE e.occurred_at >= %s AND e.occurred_at < %s
) touched GROUP BY kind, uid ORDER BY kind, uid
"""
