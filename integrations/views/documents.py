"""Documents of ours for a partner: what was sent under which number, and what the partner's system made of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from core import htmx
from integrations.models import Connection, OutgoingDocument
from integrations.views.link import find

SEE = "integrations.view_connection"
COLUMNS = ("id", "kind", "number", "reference", "made_at", "sent_at", "answer", "answer_words", "answered_at")
TONES = {"": "line", "ACCEPTED": "ok", "ERRORS": "warn", "REFUSED": "crit"}
STATES: dict[str, dict[str, Any]] = {
    "waiting": {"sent_at__isnull": True},
    "refused": {"answer__in": ("ERRORS", "REFUSED")},
}


@require_safe
@permission_required(SEE, raise_exception=True)
def documents(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """GET /ops/links/<id>/documents: newest first; `state` waiting or refused narrows, `reference` finds an order's."""
    found = find(request, connection_id)
    state, reference = request.GET.get("state", ""), request.GET.get("reference", "").replace("\0", "").strip()[:120]
    rows = OutgoingDocument.objects.filter(connection=found, **STATES.get(state, {}))
    if reference:
        rows = rows.filter(reference=reference)
    context = {
        "link": found,
        "page": htmx.keyset_page(rows.values(*COLUMNS), request, order=("-id",)),
        "total": htmx.capped_count(rows),
        "answers": dict(OutgoingDocument.Answer.choices),
        "tones": TONES,
        "state": state if state in STATES else "",
        "reference": reference,
    }
    return htmx.render(request, "integrations/documents.html", context, fragment="integrations/_documents.html")


@require_safe
@permission_required(SEE, raise_exception=True)
@permission_required("integrations.see_message_payload", raise_exception=True)
def document(request: HttpRequest, document_id: int) -> HttpResponse:
    """GET /ops/documents/<id>: the document word by word, as it went out."""
    seen = Connection.objects.for_user(request.user)
    found = OutgoingDocument.objects.select_related("connection").filter(pk=document_id, connection__in=seen).first()
    if found is None:
        raise Http404
    context = {"document": found, "link": found.connection, "tone": TONES[found.answer]}
    return htmx.render(request, "integrations/document.html", context)
