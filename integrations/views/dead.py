"""Dead letters: what came in and could not be taken, and what never got out, by cause, and what is done about it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, typed
from core.errors import Refusal
from core.models import Job
from integrations import alike, dead_deliveries, replaying
from integrations.alike import Cause
from integrations.failures import FailureClass
from integrations.models import Connection

sees = permission_required("integrations.view_inboundmessage", raise_exception=True)
sees_deliveries = permission_required("core.view_delivery", raise_exception=True)
works = permission_required("integrations.reprocess_inboundmessage", raise_exception=True)
RATE = 120  # a minute, unless a person says otherwise
RECENT = 3


@require_safe
@sees
def groups(request: HttpRequest) -> HttpResponse:
    """GET /ops/dead/: every cause with how many, since when and until when."""
    connections = list(Connection.objects.for_user(request.user))
    out = dead_deliveries.groups() if request.user.has_perm("core.view_delivery") else None
    context = {
        "groups": alike.groups(connections),
        "codes": {each.pk: each.code for each in connections},
        "out": out,
        "jobs": Job.objects.filter(kind=replaying.JOB, finished_at=None).order_by("-pk")[:RECENT],
    }
    return htmx.render(request, "integrations/dead.html", context)


@require_safe
@sees
def messages(request: HttpRequest) -> HttpResponse:
    """GET /ops/dead/messages?connection=&failure=&topic=&place=: all that failed for one cause, newest first."""
    cause, code = _cause(request, request.GET)
    rows = cause.rows.for_user(request.user)  # type: ignore[attr-defined]
    page = htmx.keyset_page(rows.values("id", "external_id", "reason", "received_at", "attempts"), request)
    context = {
        "cause": cause, "code": code, "page": page, "total": htmx.capped_count(rows), "rate": RATE,
        "count": rows.order_by()[: alike.LIMIT + 1].count(),
        "may": request.user.has_perm("integrations.reprocess_inboundmessage"),
    }  # fmt: skip
    return htmx.render(request, "integrations/dead_messages.html", context, fragment="integrations/_dead_messages.html")


@require_POST
@works
def start_messages(request: HttpRequest, verb: str) -> HttpResponse:
    """POST /ops/dead/messages/<rehearse|retry|discard>: over all of one cause, as a job."""
    cause, _ = _cause(request, request.POST)
    job = alike.start_cause(
        cause, actor=actors.person(request.user), expected=_number(request, "expected"), verb=verb,
        per_minute=_rate(request), reason=request.POST.get("reason", "").replace("\0", ""),
    )  # fmt: skip
    return _begun(request, job)


@require_safe
@sees_deliveries
def deliveries(request: HttpRequest) -> HttpResponse:
    """GET /ops/dead/deliveries?handler=&words=: all deliveries that died of one cause, newest first."""
    handler, words = _named(request.GET)
    rows = dead_deliveries.rows_of(handler, words)
    page = htmx.keyset_page(rows.select_related("event"), request)
    context = {
        "handler": handler, "words": words, "page": page, "total": htmx.capped_count(rows), "rate": RATE,
        "count": rows.order_by()[: dead_deliveries.LIMIT + 1].count(),
        "may": request.user.has_perm("integrations.reprocess_inboundmessage"),
    }  # fmt: skip
    return htmx.render(
        request, "integrations/dead_deliveries.html", context, fragment="integrations/_dead_deliveries.html"
    )


@require_POST
@works
@sees_deliveries
def start_deliveries(request: HttpRequest, verb: str) -> HttpResponse:
    """POST /ops/dead/deliveries/<retry|discard>: over all of one cause, as a job."""
    handler, words = _named(request.POST)
    job = dead_deliveries.start(
        handler, words, verb=verb, actor=actors.person(request.user), expected=_number(request, "expected"),
        per_minute=_rate(request), reason=request.POST.get("reason", "").replace("\0", ""),
    )  # fmt: skip
    return _begun(request, job)


def _begun(request: HttpRequest, job: Job) -> HttpResponse:
    if htmx.asked(request):
        return htmx.part(request, "integrations/_job.html", {"job": job}, status=202)
    return htmx.redirect(request, reverse("core:job", args=[job.pk]))


def _cause(request: HttpRequest, given: Any) -> tuple[Cause, str]:
    code = given.get("connection", "").replace("\0", "")[:60]
    connection = Connection.objects.for_user(request.user).filter(code=code).first()
    failure = given.get("failure", "")
    if connection is None or failure not in FailureClass.values:
        raise Http404("There is no such cause.")
    topic, place = (given.get(name, "").replace("\0", "")[:300] for name in ("topic", "place"))
    return Cause(connection.pk, connection.name, failure, topic, place), connection.code


def _named(given: Any) -> tuple[str, str]:
    handler, words = (given.get(name, "").replace("\0", "")[:300] for name in ("handler", "words"))
    if not handler:
        raise Http404("There is no such cause.")
    return handler, words


def _number(request: HttpRequest, name: str) -> int:
    found = typed.whole(request.POST.get(name, ""))
    if found is None:
        raise Refusal("bad_count", "Say how many you saw.", status=400)
    return found


def _rate(request: HttpRequest) -> int | None:
    text = request.POST.get("per_minute", "").strip()
    if not text:
        return None
    found = typed.whole(text, 6)
    if found is None:
        raise Refusal("rate_out_of_range", f"Between 1 and {replaying.PER_MINUTE_AT_MOST:,} a minute.", status=422)
    return found
