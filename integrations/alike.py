"""Messages that failed for the same cause, so that one fix sends them all through.

A cause is a connection, a failure class, a topic and the first faulty place, whatever the index of an item in it. What
is done with all of a cause (tried again at a rate, rehearsed, given up) is a job.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection as database
from django.db import transaction
from django.db.models import QuerySet

from core.actors import Actor
from core.errors import Refusal
from core.models import Job
from integrations import replaying
from integrations.failures import FailureClass
from integrations.models import Connection, InboundMessage

LIMIT = 10_000
GROUPS = 100


@dataclass(frozen=True, slots=True)
class Cause:
    """Why messages failed. `place` has its indexes left out: line_items[].price."""

    connection: UUID
    connection_name: str
    failure: str
    topic: str
    place: str

    @property
    def rows(self) -> QuerySet[InboundMessage]:
        found: QuerySet[Any] = InboundMessage.objects.filter(
            status=InboundMessage.Status.FAILED, connection_id=self.connection, failure_class=self.failure,
            topic=self.topic,
        )  # fmt: skip
        return found.filter(faults__0__path__regex=_pattern(self.place)) if self.place else found.exclude(
            faults__0__path__gt=""
        )  # fmt: skip

    @property
    def label(self) -> str:
        return FailureClass(self.failure).label if self.failure in FailureClass.values else "not failed"

    @property
    def words(self) -> str:
        parts = [self.connection_name, self.label, self.topic or "no topic"]
        return ", ".join([*parts, f"at {self.place}"] if self.place else parts)


@dataclass(frozen=True, slots=True)
class Group:
    """A cause with what fell to it; `example` is the newest of its messages."""

    cause: Cause
    count: int
    oldest: datetime
    newest: datetime
    example: int
    reason: str


@dataclass(frozen=True, slots=True)
class Family:
    """Failed messages with the same connection, failure class, topic and first faulty place."""

    rows: QuerySet[InboundMessage]
    count: int
    words: str


def cause_of(message_id: int) -> Cause:
    row = InboundMessage.objects.values("connection_id", "connection__name", "failure_class", "topic", "faults").get(
        pk=message_id
    )
    place = row["faults"][0].get("path", "") if row["faults"] else ""
    return Cause(row["connection_id"], row["connection__name"], row["failure_class"], row["topic"], _place(place))


def of(message_id: int) -> Family:
    """All that failed like this one, itself included."""
    cause = cause_of(message_id)
    return Family(cause.rows, cause.rows.order_by()[: LIMIT + 1].count(), cause.words)


def rows_of(message_id: int) -> QuerySet[InboundMessage]:
    """The same without counting them."""
    return cause_of(message_id).rows


def groups(connections: Iterable[Connection], limit: int = GROUPS) -> list[Group]:
    """What failed at these connections, by cause, the largest first."""
    names = {each.pk: each.name for each in connections}
    with database.cursor() as cursor:
        cursor.execute(_GROUPS, [list(names), limit])
        return [
            Group(Cause(pk, names[pk], failure, topic, place), count, oldest, newest, example, reason)
            for pk, failure, topic, place, count, oldest, newest, example, reason in cursor.fetchall()
        ]


def start(
    message_id: int, *, actor: Actor, expected: int | None = None, verb: str = replaying.RETRY,
    per_minute: int | None = None, reason: str = "",
) -> Job:  # fmt: skip
    """Begin a job over all that failed like this one. Refusal("count_changed") when it is not as many as were seen."""
    return start_cause(
        cause_of(message_id), actor=actor, expected=expected, verb=verb, per_minute=per_minute, reason=reason
    )


def start_cause(
    cause: Cause, *, actor: Actor, expected: int | None = None, verb: str = replaying.RETRY,
    per_minute: int | None = None, reason: str = "",
) -> Job:  # fmt: skip
    count = cause.rows.order_by()[: LIMIT + 1].count()
    if expected is not None and expected != count:
        words = f"{count} messages failed alike by now, not {expected}. Look again before you start."
        raise Refusal("count_changed", words, count=count)
    ids = list(cause.rows.order_by("pk").values_list("pk", flat=True)[:LIMIT])
    with transaction.atomic():
        return replaying.start(
            "messages", verb, ids, words=cause.words, actor=actor, per_minute=per_minute, reason=reason
        )


def run(job_id: int) -> None:
    replaying.step(job_id)


def _place(path: str) -> str:
    return re.sub(r"\[[0-9]+\]", "[]", path)


def _pattern(place: str) -> str:
    """The same place whatever the index: `line_items[0].price` is like `line_items[7].price`."""
    return "^" + re.escape(place).replace(r"\[\]", r"\[[0-9]*\]") + "$"


_GROUPS = r"""
SELECT connection_id, failure_class, topic, regexp_replace(coalesce(faults -> 0 ->> 'path', ''), '\[\d+\]', '[]', 'g'),
    count(*), min(received_at), max(received_at), max(id), (array_agg(reason ORDER BY id DESC))[1]
FROM integrations_inboundmessage WHERE status = 'FAILED' AND connection_id = ANY(%s)
GROUP BY 1, 2, 3, 4 ORDER BY count(*) DESC, max(id) DESC LIMIT %s
"""
