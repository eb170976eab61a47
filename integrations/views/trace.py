"""Everything that came in, happened and went out for one order, and what differs between what came and what is kept."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from core import actors, events, htmx, timeline, typed
from core.models import Delivery, Event
from finance.models import Posting
from integrations import events as facts
from integrations import redaction
from integrations.models import InboundMessage, OutboundCall
from integrations.tracing import came, rows
from integrations.tracing.rows import Sight
from integrations.views import payloads
from orders.models import Order

sees = permission_required(("orders.view_order", "integrations.view_inboundmessage"), raise_exception=True)
PANEL = 6


@require_safe
@sees
def trace(request: HttpRequest, number: str) -> HttpResponse:
    """GET /orders/<number>/trace: oldest first, by cursor."""
    order, sight = _find(request, number), sight_of(request)
    page = rows.page(
        order, sight=sight, after=request.GET.get("after", ""), before=request.GET.get("before", "")
    )  # fmt: skip
    context = {"order": order, "page": page, "whole": sight.whole, "words": _words(page.rows)}
    return htmx.render(request, "integrations/trace.html", context, fragment="integrations/_trace.html")


@require_safe
@sees
def panel(request: HttpRequest, number: str) -> HttpResponse:
    """GET /orders/<number>/trace/panel: the latest of it that crossed the border, on the order's page."""
    order, sight = _find(request, number), sight_of(request)
    latest = rows.latest(order, sight=sight, size=PANEL)
    return htmx.part(request, "integrations/_trace_panel.html", {"order": order, "rows": latest})


@require_safe
@sees
def difference(request: HttpRequest, number: str) -> HttpResponse:
    """GET /orders/<number>/trace/difference?message=<id>: what came beside what is stored."""
    order = _find(request, number)
    text = request.GET.get("message", "")
    asked = typed.whole(text, 18)
    context = {"order": order, "compared": came.compare(order, asked)}
    return htmx.part(request, "integrations/_trace_difference.html", context)


@require_safe
@sees
def one(request: HttpRequest, number: str, kind: str, pk: int) -> HttpResponse:
    """GET /orders/<number>/trace/<kind>/<id>: one row's payload, people and secrets masked.

    Read unmasked (`?plain=1`, with the permission to see payloads) that is written down.
    """
    order, sight = _find(request, number), sight_of(request)
    if kind not in sight.kinds or pk >= 2**63 or not rows.holds(order, kind, pk):
        raise Http404("There is no such row.")
    plain = request.GET.get("plain") == "1" and kind == "message"
    if plain and not request.user.has_perm("integrations.see_message_payload"):
        raise Http404("There is no such row.")
    context = {"order": order, "kind": kind, "pk": pk, "plain": plain, **_OPENERS[kind](pk, plain)}
    if plain:
        note_opened(InboundMessage.objects.without_body().get(pk=pk), request, "the trace")
    return htmx.part(request, "integrations/_trace_row.html", context)


def note_opened(message: InboundMessage, request: HttpRequest, where: str) -> None:
    """Somebody reads people's data as it came: a fact of the message and of the order it became."""
    became = message.result
    with transaction.atomic():
        events.record(
            facts.MESSAGE_OPENED, message.subject, actor=actors.person(request.user), data={"reason": where},
            related=[(became, "order")] if became and became.kind == "order" else [],
        )  # fmt: skip


def sight_of(request: HttpRequest) -> Sight:
    may = request.user.has_perm
    return Sight(
        messages=may("integrations.view_inboundmessage"),
        deliveries=may("core.view_delivery"),
        calls=may("integrations.view_connection"),
        postings=may("finance.view_posting"),
    )


def _find(request: HttpRequest, number: str) -> Order:
    return get_object_or_404(Order.objects.for_user(request.user).select_related("channel"), number=number)


def _words(found: list[rows.Row]) -> dict[int, timeline.Words]:
    pks = [row.pk for row in found if row.kind == "event"]
    return {event.pk: timeline.words(event) for event in Event.objects.filter(pk__in=pks)}


def _message(pk: int, plain: bool) -> dict[str, Any]:
    row = InboundMessage.objects.select_related("connection").get(pk=pk)
    shown = payloads.plain(row) if plain else payloads.masked(row)
    parts = [("Payload", shown["text"])]
    return {"title": f"Message {row.pk}, {row.topic or 'no topic'}", "parts": parts, "facts": [
        ("Connection", row.connection.name), ("Delivery id", row.external_id), ("Read by", row.mapping_version or "—"),
        ("Trace id", row.correlation_id), ("SHA-256", row.sha256[:16] + "…"),
    ]}  # fmt: skip


def _event(pk: int, plain: bool) -> dict[str, Any]:
    row = Event.objects.get(pk=pk)
    return {"title": row.type, "parts": [("Data", _set_out(row.data))], "facts": [
        ("About", row.subject_label or f"{row.subject_kind} {row.subject_uid}"), ("By", row.actor_label),
        ("Uid", str(row.uid)), ("Trace id", row.correlation_id),
    ]}  # fmt: skip


def _delivery(pk: int, plain: bool) -> dict[str, Any]:
    row = Delivery.objects.select_related("event").get(pk=pk)
    return {"title": f"{row.event.type} to {row.handler}", "parts": [("Last error", row.last_error)], "facts": [
        ("State", row.get_status_display().capitalize()), ("Attempts", row.attempts), ("Queue", row.queue),
        ("Lane", row.lane), ("Fact", str(row.event.uid)),
    ]}  # fmt: skip


def _call(pk: int, plain: bool) -> dict[str, Any]:
    row = OutboundCall.objects.select_related("connection").get(pk=pk)
    parts = [("Sent", row.request_excerpt), ("Answered", row.response_excerpt), ("Error", row.error)]
    return {"title": f"{row.purpose or row.method} at {row.connection.name}", "parts": parts, "facts": [
        ("Request", f"{row.method} {row.url}"), ("Answer", row.status or "none"), ("Took", f"{row.duration_ms} ms"),
        ("For the fact", row.about or "none"), ("Trace id", row.correlation_id),
    ]}  # fmt: skip


def _posting(pk: int, plain: bool) -> dict[str, Any]:
    row = Posting.objects.get(pk=pk)
    parts = [("Document", _set_out(row.document)), ("Answer", _set_out(row.answer)), ("Error", row.last_error)]
    return {"title": f"{row.get_kind_display()} {row.reference}", "parts": parts, "facts": [
        ("State", row.get_status_display()), ("ERP", row.connection_name or "none"),
        ("Number there", row.erp_number or "none"), ("Attempts", row.attempts),
    ]}  # fmt: skip


_OPENERS = {"message": _message, "event": _event, "delivery": _delivery, "call": _call, "posting": _posting}


def _set_out(document: Any) -> str:
    return (
        json.dumps(redaction.people(document), indent=2, ensure_ascii=False, default=str)[:20_000] if document else ""
    )
