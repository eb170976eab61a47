"""/api/v1/orders/<number>/notes and /events: what people wrote about an order and what happened to it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse

from core import timeline
from core.api import ApiView, idempotent, keyset, page_reply, parse, reply
from core.errors import Invalid, Problem
from core.models import Event
from core.subjects import Subject
from orders.api.v1 import described, finding
from orders.api.v1.bodies import NewNote
from orders.models import OrderNote
from orders.services import notes

PAGING = frozenset({"after", "before", "page_size"})


class Notes(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "orders:read", "POST": "orders:write"}

    @described.NOTES
    def get(self, request: Any, number: str) -> HttpResponse:
        """Newest first."""
        _only_paging(request)
        rows = OrderNote.objects.filter(order=finding.order(request, number))
        return page_reply(request, keyset(rows, request, ("-id",)), _note)

    @described.NOTE
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """Leave a note; it changes nothing else."""
        asked = parse(request, NewNote)
        made = notes.write(finding.order(request, number).pk, text=asked.text, actor=request.auth.actor)
        return reply(_note(made), status=201)


class Events(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "orders:read"}

    @described.EVENTS
    def get(self, request: Any, number: str) -> HttpResponse:
        """Newest first: the order's own facts and those of its work, parcels and money."""
        _only_paging(request)
        found = finding.order(request, number)
        rows = timeline.all_of(Subject("order", str(found.pk), found.number))
        return page_reply(request, keyset(rows, request, ("-id",)), _event)


def _only_paging(request: Any) -> None:
    if unknown := sorted(set(request.GET) - PAGING):
        raise Invalid([Problem(name[:60], "unknown", "This list isn't narrowed by it.") for name in unknown])


def _note(note: OrderNote) -> dict[str, Any]:
    return {"id": note.pk, "text": note.text, "by": note.author_label, "at": note.created_at}


def _event(event: Event) -> dict[str, Any]:
    words = timeline.words(event)
    return {
        "id": event.uid,
        "type": event.type,
        "at": event.occurred_at,
        "subject": {"kind": event.subject_kind, "label": event.subject_label},
        "by": event.actor_label,
        "text": words.text,
        "detail": words.detail,
        "data": event.data,
    }
