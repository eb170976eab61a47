"""Everything that came in, happened and went out for one order, in the order of time.

Five tables know of it. Each is asked for the next few rows after the cursor by an index, and the answers are merged: a
page costs the same at any depth, however much there is.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import CharField, F, Q, QuerySet
from django.db.models.functions import Cast
from django.utils.timezone import localtime

from core.errors import Refusal
from core.htmx import Page
from core.models import Delivery, Event, EventObject
from finance.models import Posting
from integrations.arrivals import order_key
from integrations.models import InboundMessage, OutboundCall
from orders.models import Order

SIZE = 100
KINDS = ("message", "event", "delivery", "call", "posting")  # at one moment in this order


@dataclass(frozen=True, slots=True)
class Sight:
    """Which kinds a person or key may see; orders and channels are narrowed before."""

    messages: bool = True
    deliveries: bool = True
    calls: bool = True
    postings: bool = True

    @property
    def kinds(self) -> tuple[str, ...]:
        seen = {
            "message": self.messages, "event": True, "delivery": self.deliveries, "call": self.calls,
            "posting": self.postings,
        }  # fmt: skip
        return tuple(kind for kind in KINDS if seen[kind])

    @property
    def whole(self) -> bool:
        return self.kinds == KINDS


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that happened. `took` is how long it was under way, where that means anything."""

    kind: str
    pk: int
    at: datetime
    title: str
    detail: str = ""
    who: str = ""  # the connection, handler or actor
    state: str = ""
    tone: str = ""
    took: timedelta | None = None
    attempts: int | None = None
    error: str = ""
    links: dict[str, Any] = field(default_factory=dict)

    @property
    def moment(self) -> str:
        """The clock to the thousandth: what followed from what."""
        return localtime(self.at).strftime("%H:%M:%S.%f")[:-3]

    @property
    def lasted(self) -> str:
        """How long it took, as one reads it."""
        if self.took is None:
            return ""
        seconds = self.took.total_seconds()
        if seconds < 1:
            return f"{round(seconds * 1000)} ms"
        if seconds < 120:
            return f"{seconds:.1f} s"
        return f"{round(seconds / 60)} min" if seconds < 7200 else f"{round(seconds / 3600)} h"


def facts_of(order: Order) -> QuerySet[Any]:
    """The ids of the events about the order or touching it."""
    uid = str(order.pk)
    about = Event.objects.filter(subject_kind="order", subject_uid=uid).values("id")
    return about.union(EventObject.objects.filter(kind="order", uid=uid).values("event_id"))


def messages_of(order: Order) -> QuerySet[InboundMessage]:
    """What came in about it: what became it or changed it, what waits for it, and versions of it that failed."""
    known = order_key(order.channel.code, order.channel_ref)
    became = Q(result_label=order.number, result_kind="order")
    named = Q(external_id__startswith=f"order:{order.channel_ref}@", connection__channel=order.channel_id)
    return InboundMessage.objects.filter(became | Q(waits_for=known) | named)


def page(order: Order, *, sight: Sight, after: str = "", before: str = "", size: int = SIZE) -> Page:
    """The rows after or before a cursor, oldest first."""
    back = bool(before) and not after
    cursor = _read(after or before) if (after or before) else None
    keys: list[tuple[datetime, int, int]] = []
    for rank, kind in enumerate(KINDS):
        if kind in sight.kinds:
            for rows, moment in _SOURCES[kind](order):
                keys += _some(rows, moment, rank, cursor, back, size + 1)
    keys.sort(reverse=back)
    more = len(keys) > size
    keys = keys[:size]
    if back:
        keys.reverse()
    found = _rows(keys)
    has_next, has_previous = (bool(keys), more) if back else (more, cursor is not None)
    return Page(
        rows=found,
        next=_cursor(keys[-1]) if keys and has_next else "",
        previous=_cursor(keys[0]) if keys and has_previous else "",
        start=0,
    )


def latest(order: Order, *, sight: Sight, size: int) -> list[Row]:
    """What crossed the border last: messages, calls and postings, newest first."""
    keys: list[tuple[datetime, int, int]] = []
    for rank, kind in enumerate(KINDS):
        if kind in sight.kinds and kind in {"message", "call", "posting"}:
            for rows, moment in _SOURCES[kind](order):
                keys += _some(rows, moment, rank, None, True, size)
    return _rows(sorted(keys, reverse=True)[:size])


def holds(order: Order, kind: str, pk: int) -> bool:
    """Whether this row is of the order's trace."""
    return any(rows.filter(pk=pk).exists() for rows, _ in _SOURCES[kind](order))


# --- Which rows


def _messages(order: Order) -> list[tuple[QuerySet[Any], str]]:
    return [(messages_of(order), "received_at")]


def _events(order: Order) -> list[tuple[QuerySet[Any], str]]:
    return [(Event.objects.filter(pk__in=facts_of(order)), "recorded_at")]


def _deliveries(order: Order) -> list[tuple[QuerySet[Any], str]]:
    return [(Delivery.objects.filter(event_id__in=facts_of(order)), "created_at")]


def _calls(order: Order) -> list[tuple[QuerySet[Any], str]]:
    """Calls made for its facts, and those that fetched what came in about it."""
    uids = Event.objects.filter(pk__in=facts_of(order)).values(text=Cast("uid", CharField()))
    causes = messages_of(order).exclude(correlation_id="").values("correlation_id")
    fetched = OutboundCall.objects.filter(about="", correlation_id__in=causes).exclude(correlation_id="")
    return [(OutboundCall.objects.filter(about__in=uids).exclude(about=""), "at"), (fetched, "at")]


def _postings(order: Order) -> list[tuple[QuerySet[Any], str]]:
    return [(Posting.objects.filter(order=order), "prepared_at")]


_SOURCES: dict[str, Callable[[Order], list[tuple[QuerySet[Any], str]]]] = {
    "message": _messages, "event": _events, "delivery": _deliveries, "call": _calls, "posting": _postings,
}  # fmt: skip


def _some(
    rows: QuerySet[Any], moment: str, rank: int, cursor: tuple[datetime, int, int] | None, back: bool, limit: int
) -> list[tuple[datetime, int, int]]:
    if cursor is not None:
        at, its_rank, pk = cursor
        beyond = "lt" if back else "gt"
        same = Q(**{moment: at}) & (Q(**{f"pk__{beyond}": pk}) if rank == its_rank else Q())
        level = rank == its_rank or (rank < its_rank if back else rank > its_rank)
        rows = (
            rows.filter(Q(**{f"{moment}__{beyond}": at}) | same)
            if level
            else rows.filter(**{f"{moment}__{beyond}": at})
        )
    order = [F(moment).desc(), F("pk").desc()] if back else [F(moment).asc(), F("pk").asc()]
    return [(at, rank, pk) for at, pk in rows.order_by(*order).values_list(moment, "pk")[:limit]]


# --- Their words


def _rows(keys: Sequence[tuple[datetime, int, int]]) -> list[Row]:
    wanted: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for _, rank, pk in keys:
        wanted[KINDS[rank]].append(pk)
    made: dict[tuple[str, int], Row] = {}
    for kind, pks in wanted.items():
        if pks:
            made |= {(kind, row.pk): row for row in _TELLERS[kind](pks)}
    return [made[KINDS[rank], pk] for _, rank, pk in keys if (KINDS[rank], pk) in made]


def _tell_messages(pks: list[int]) -> list[Row]:
    rows = InboundMessage.objects.without_body().filter(pk__in=pks).select_related("connection")
    tones = {"FAILED": "crit", "PROCESSED": "ok", "RECEIVED": "info"}
    return [
        Row(
            "message", row.pk, row.received_at, row.topic or "A message", row.reason, row.connection.name,
            row.get_status_display(), tones.get(row.status, ""), _between(row.received_at, row.processed_at),
            row.attempts, links={"message": row.pk},
        )
        for row in rows
    ]  # fmt: skip


def _tell_events(pks: list[int]) -> list[Row]:
    return [
        Row(
            "event", row.pk, row.recorded_at, row.type, row.subject_label, row.actor_label,
            links={"event": str(row.uid), "kind": row.subject_kind, "uid": row.subject_uid, "label": row.subject_label},
        )
        for row in Event.objects.filter(pk__in=pks)
    ]  # fmt: skip


def _tell_deliveries(pks: list[int]) -> list[Row]:
    tones = {"DELIVERED": "ok", "DEAD": "crit", "PENDING": "info"}
    return [
        Row(
            "delivery", row.pk, row.created_at, row.event.type, "", row.handler, row.get_status_display().capitalize(),
            tones.get(row.status, ""), _between(row.created_at, row.finished_at), row.attempts, row.last_error,
            links={"event": str(row.event.uid)},
        )
        for row in Delivery.objects.filter(pk__in=pks).select_related("event")
    ]  # fmt: skip


def _tell_calls(pks: list[int]) -> list[Row]:
    rows = OutboundCall.objects.filter(pk__in=pks).select_related("connection")
    return [
        Row(
            "call", row.pk, row.at, row.purpose or row.method, f"{row.method} {row.url}", row.connection.name,
            str(row.status or "No answer"), "crit" if row.failure_class else "ok",
            timedelta(milliseconds=row.duration_ms), error=row.error, links={"event": row.about},
        )
        for row in rows.defer("request_excerpt", "response_excerpt")
    ]  # fmt: skip


def _tell_postings(pks: list[int]) -> list[Row]:
    tones = {"POSTED": "ok", "REJECTED": "crit", "PENDING": "info"}
    return [
        Row(
            "posting", row.pk, row.prepared_at, f"{row.get_kind_display()} {row.reference}",
            f"{row.erp_number} in {row.connection_name}" if row.erp_number else row.waiting_for, row.connection_name,
            row.get_status_display(), tones.get(row.status, ""), _between(row.prepared_at, row.posted_at),
            row.attempts, row.last_error, links={"posting": row.pk},
        )
        for row in Posting.objects.filter(pk__in=pks).defer("document", "answer")
    ]  # fmt: skip


_TELLERS: dict[str, Callable[[list[int]], list[Row]]] = {
    "message": _tell_messages, "event": _tell_events, "delivery": _tell_deliveries, "call": _tell_calls,
    "posting": _tell_postings,
}  # fmt: skip


def _between(start: datetime, end: datetime | None) -> timedelta | None:
    return max(end - start, timedelta(0)) if end else None


# --- Cursors


def _cursor(key: tuple[datetime, int, int]) -> str:
    text = json.dumps([key[0].isoformat(), key[1], key[2]])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(text: str) -> tuple[datetime, int, int]:
    try:
        if len(text) > 200:
            raise ValueError("too long")
        at, rank, pk = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        moment = datetime.fromisoformat(at)
        if type(rank) is not int or type(pk) is not int or not 0 <= pk < 2**63 or moment.tzinfo is None:
            raise ValueError("wrong shape")
    except (ValueError, TypeError, RecursionError, binascii.Error) as error:
        words = "This page of the trace no longer exists. Start from the first."
        raise Refusal("bad_cursor", words, status=400) from error
    return moment, rank, pk
