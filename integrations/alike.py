"""Messages that failed for the same cause, so that one fix sends them all through."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from core import jobs
from core.actors import Actor
from core.errors import Refusal
from core.models import Job
from integrations import inbox
from integrations.failures import FailureClass
from integrations.models import InboundMessage

JOB = "integrations.reprocess_alike"
LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Family:
    """Failed messages with the same connection, failure class, topic and first faulty place."""

    rows: QuerySet[InboundMessage]
    count: int
    words: str


def of(message_id: int) -> Family:
    """All that failed like this one, itself included."""
    rows, words = _alike(message_id)
    return Family(rows, rows.order_by()[: LIMIT + 1].count(), ", ".join(words))


def rows_of(message_id: int) -> QuerySet[InboundMessage]:
    """The same without counting or naming them."""
    return _alike(message_id)[0]


def _alike(message_id: int) -> tuple[QuerySet[InboundMessage], list[str]]:
    row = InboundMessage.objects.values(
        "connection_id", "connection__name", "failure_class", "topic", "faults", "status"
    ).get(pk=message_id)
    rows: QuerySet[Any] = InboundMessage.objects.filter(
        status=InboundMessage.Status.FAILED,
        connection_id=row["connection_id"],
        failure_class=row["failure_class"],
        topic=row["topic"],
    )
    words = [
        row["connection__name"],
        FailureClass(row["failure_class"]).label if row["failure_class"] else "not failed",
    ]
    words.append(row["topic"] or "no topic")
    place = _place(row["faults"])
    if place:
        rows = rows.filter(faults__0__path__regex=_pattern(place))
        words.append(f"at {place}")
    return rows, words


def start(message_id: int, *, actor: Actor, expected: int | None = None) -> Job:
    """Begin a job that tries them all again. Refusal("count_changed") when it is not as many as the person saw."""
    from integrations.tasks import reprocess_alike

    family = of(message_id)
    if expected is not None and expected != family.count:
        words = f"{family.count} messages failed alike by now, not {expected}. Look again before you start."
        raise Refusal("count_changed", words, count=family.count)
    ids = list(family.rows.order_by("pk").values_list("pk", flat=True)[:LIMIT])
    title = f"Try {len(ids)} messages again: {family.words}"
    params = {"ids": ids, "actor": [actor.kind, actor.uid, actor.label]}
    with transaction.atomic():
        job = jobs.start(JOB, actor, params, total=len(ids), title=title[:200])
        jobs.send(job.pk, reprocess_alike)
    return job


def run(job_id: int) -> None:
    """The job: one message after the other, each in its own transaction."""
    params = Job.objects.values_list("params", flat=True).get(pk=job_id)
    actor = Actor(*params["actor"])

    def again(message_id: int) -> None:
        try:
            outcome = inbox.reprocess(message_id, actor=actor)
        except Refusal as refusal:
            if refusal.code == "nothing_to_reprocess":
                return  # it went through meanwhile
            raise
        if outcome.status == InboundMessage.Status.FAILED:
            raise Refusal("failed_again", outcome.reason)

    jobs.run_over(job_id, params["ids"], again)


def _place(faults: list[dict[str, str]]) -> str:
    return faults[0].get("path", "") if faults else ""


def _pattern(place: str) -> str:
    """The same place whatever the index: `line_items[0].price` is like `line_items[7].price`."""
    return "^" + re.sub(r"\\\[[0-9]+\\\]", r"\\[[0-9]+\\]", re.escape(place)) + "$"
