"""A failed message edited by a person: first rehearsed with its difference shown, then kept as a version and tried."""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from core import actors, htmx
from core.errors import Refusal
from integrations import edits
from integrations.models import InboundMessage
from integrations.views.messages import find
from integrations.views.trace import note_opened

Status = InboundMessage.Status


@require_http_methods(["GET", "POST"])
@permission_required(
    ("integrations.reprocess_inboundmessage", "integrations.see_message_payload"), raise_exception=True
)
def edit(request: HttpRequest, message_id: int) -> HttpResponse:
    """/ops/messages/<id>/edit: the text; POST rehearses it, and keeps and tries it once that was seen (`seen`)."""
    found = find(request, message_id)
    if found.status != Status.FAILED:
        raise Refusal("not_failed", "Only a failed message is edited.")
    if request.method == "GET":
        text = edits.text_of(found)
        note_opened(found, request, "edited")
        return _page(request, found, {"text": text, "reason": ""})
    typed, reason = request.POST.get("text", ""), request.POST.get("reason", "")
    body = edits.body_of(found, typed)
    digest = hashlib.sha256(body).hexdigest()
    if request.POST.get("seen") == digest:
        outcome = edits.apply(found.pk, body, reason=reason, actor=actors.person(request.user))
        said = Status(outcome.status).label.lower()
        htmx.toast(request, f"Message {found.pk} is {said}", tone="warn" if outcome.status == Status.FAILED else "ok")
        return htmx.redirect(request, reverse("integrations:message", args=[found.pk]))
    tried = edits.rehearse(found.pk, body)
    context = {
        "text": typed, "reason": reason, "tried": tried, "digest": digest if tried.status != Status.FAILED else "",
        "lines": edits.difference(found.content, body), "same": body == found.content,
    }  # fmt: skip
    return _page(request, found, context)


def _page(request: HttpRequest, found: InboundMessage, context: dict[str, Any]) -> HttpResponse:
    words = {"message": found, "versions": found.edits.defer("body").order_by("-number"), **context}
    return htmx.render(request, "integrations/edit.html", words, fragment="integrations/_edit.html")
