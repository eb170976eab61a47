"""Facts that ran out of attempts on their way out, by cause: the handler and what was said last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection as database
from django.db import transaction
from django.db.models import QuerySet

from core.actors import Actor
from core.errors import Refusal
from core.models import Delivery, Job
from core.models.events import DeliveryStatus
from integrations import replaying
from integrations.models import Connection, OutboundCall

LIMIT = 10_000
GROUPS = 100


@dataclass(frozen=True, slots=True)
class DeadGroup:
    """`words` is the first line of the last error, its figures left out; `example` the newest delivery."""

    handler: str
    words: str
    count: int
    oldest: datetime
    newest: datetime
    example: int
    blocked: int  # deliveries that wait behind these in their lanes
    connection: str  # which one the example last called


def groups() -> list[DeadGroup]:
    """The largest first."""
    with database.cursor() as cursor:
        cursor.execute(_GROUPS, [GROUPS])
        found = cursor.fetchall()
    names = _called_for([row[5] for row in found])
    return [
        DeadGroup(handler, words, count, oldest, newest, example, blocked, names.get(example, ""))
        for handler, words, count, oldest, newest, example, blocked in found
    ]


def rows_of(handler: str, words: str) -> QuerySet[Delivery]:
    rows: QuerySet[Any] = Delivery.objects.filter(status=DeliveryStatus.DEAD, handler=handler)
    return rows.extra(where=[f"{_CAUSE} = %s"], params=[words])  # noqa: S610  (the expression is written here)


def start(
    handler: str, words: str, *, verb: str, actor: Actor, expected: int | None = None, per_minute: int | None = None,
    reason: str = "",
) -> Job:  # fmt: skip
    """Begin to deliver all of a cause again, or to give it up. Refusal("count_changed") as with messages."""
    ids = list(rows_of(handler, words).order_by("pk").values_list("pk", flat=True)[: LIMIT + 1])
    if expected is not None and expected != len(ids):
        said = f"{len(ids)} deliveries died alike by now, not {expected}. Look again before you start."
        raise Refusal("count_changed", said, count=len(ids))
    with transaction.atomic():
        return replaying.start(
            "deliveries", verb, ids[:LIMIT], words=handler, actor=actor, per_minute=per_minute, reason=reason
        )


def _called_for(delivery_ids: list[int]) -> dict[int, str]:
    """Which connection each of these last called, by its log."""
    facts = dict(Delivery.objects.filter(pk__in=delivery_ids).values_list("event__uid", "pk"))
    calls = OutboundCall.objects.filter(about__in=[str(uid) for uid in facts]).order_by("id")
    last = dict(calls.values_list("about", "connection_id"))
    names = dict(Connection.objects.filter(pk__in=last.values()).values_list("pk", "name"))
    return {pk: names[last[str(uid)]] for uid, pk in facts.items() if str(uid) in last}


# Two errors are one cause whatever order, byte or attempt they speak of; 404 and 500 are two.
_CAUSE = (
    r"regexp_replace(regexp_replace(left(split_part(core_delivery.last_error, E'\n', 1), 200),"
    r" ' \(attempt [0-9]+ of [0-9]+\)', ''), '[0-9a-f]{8,}|[0-9]{4,}', '#', 'g')"
)

_GROUPS = f"""
SELECT handler, {_CAUSE}, count(*), min(finished_at), max(finished_at), max(id), sum((
    SELECT count(*) FROM (
        SELECT FROM core_delivery behind WHERE behind.lane = core_delivery.lane AND behind.status = 'PENDING' LIMIT 100
    ) waiting
))::int
FROM core_delivery WHERE status = 'DEAD' GROUP BY 1, 2 ORDER BY count(*) DESC, max(id) DESC LIMIT %s
"""  # noqa: S608  (put together from constants)
