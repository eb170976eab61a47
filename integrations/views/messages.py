"""What came in: the list, one message with its payload, and what may be done about a failure."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, tabs, timeline, typed
from core.errors import Refusal
from exceptions.models import Case
from integrations import aliases, alike, endings, inbox
from integrations.endings import REASON
from integrations.failures import FailureClass
from integrations.filters import STATUSES, WAITING, MessageFilter
from integrations.models import Connection, InboundMessage
from integrations.views import payloads
from integrations.views.trace import note_opened

COLUMNS = (
    "id", "topic", "external_id", "status", "failure_class", "reason", "waits_for", "received_at", "attempts",
    "copies", "size", "connection__name", "connection__status", "result_kind", "result_uid", "result_label",
)  # fmt: skip
VIEWS: tabs.Views = (
    ("All", {}), ("Failed", {"status": "FAILED"}), ("Waiting", {"status": WAITING}), ("Ignored", {"status": "IGNORED"}),
)  # fmt: skip
Status = InboundMessage.Status


@require_safe
@permission_required("integrations.view_inboundmessage", raise_exception=True)
def messages(request: HttpRequest) -> HttpResponse:
    """GET /ops/messages/: filters and page in the address; the list alone when htmx asks."""
    rows = _asked(request, request.GET)
    page = htmx.keyset_page(rows.values(*COLUMNS), request, order=("-id",))
    for row in page.rows:
        row["failure"] = FailureClass(row["failure_class"]).label if row["failure_class"] else ""
    context = {
        "page": page,
        "total": htmx.capped_count(rows),
        "views": tabs.of(request, VIEWS),
        "connections": list(Connection.objects.for_user(request.user).values_list("code", "name")),
        "statuses": STATUSES,
        "newest": htmx.newest(InboundMessage.objects.for_user(request.user)),
        "failures": FailureClass.choices,
        "narrowed": any(request.GET.get(name) for name in MessageFilter.base_filters),
    }
    return htmx.render(request, "integrations/messages.html", context, fragment="integrations/_messages.html")


@require_safe
@permission_required("integrations.view_inboundmessage", raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """GET /ops/messages/new?since=<id>&…: how many messages this list has gained since, as the button to see them."""
    return htmx.count_new(request, lambda params: _asked(request, params), reverse("integrations:messages"))


def _asked(request: HttpRequest, params: QueryDict) -> QuerySet[InboundMessage]:
    return MessageFilter(params, InboundMessage.objects.for_user(request.user)).found()


@require_safe
@permission_required("integrations.view_inboundmessage", raise_exception=True)
def message(request: HttpRequest, message_id: int) -> HttpResponse:
    """GET /ops/messages/<id>: what came, what it became, and why not."""
    found = find(request, message_id)
    return htmx.render(request, "integrations/message.html", _context(request, found))


@require_safe
@permission_required("integrations.see_message_payload", raise_exception=True)
def raw(request: HttpRequest, message_id: int) -> HttpResponse:
    """GET /ops/messages/<id>/raw: the bytes as they came, as a download no browser will interpret."""
    found = find(request, message_id)
    note_opened(found, request, "downloaded")
    return HttpResponse(
        bytes(found.body),
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="message-{found.pk}.bin"',
            "Cache-Control": "no-store",
        },
    )


@require_POST
@permission_required("integrations.reprocess_inboundmessage", raise_exception=True)
def reprocess(request: HttpRequest, message_id: int) -> HttpResponse:
    """POST /ops/messages/<id>/reprocess: try it again now and say what came of it."""
    found = find(request, message_id)
    outcome = inbox.reprocess(found.pk, actor=actors.person(request.user))
    if outcome.status == Status.FAILED:
        htmx.toast(request, f"It failed again: {outcome.reason}", tone="warn")
    else:
        htmx.toast(request, f"Message {found.pk} is {Status(outcome.status).label.lower()}")
    return htmx.redirect(request, reverse("integrations:message", args=[found.pk]))


@require_POST
@permission_required("integrations.reprocess_inboundmessage", raise_exception=True)
def reprocess_alike(request: HttpRequest, message_id: int) -> HttpResponse:
    """POST /ops/messages/<id>/reprocess-alike: all that failed alike, as a job; refused when the count has changed."""
    found = find(request, message_id)
    expected = typed.whole(request.POST.get("expected", ""))
    if expected is None:
        raise Refusal("bad_count", "Say how many messages you saw.", status=400)
    job = alike.start(found.pk, actor=actors.person(request.user), expected=expected)
    if htmx.asked(request):
        return htmx.part(request, "integrations/_job.html", {"job": job}, status=202)
    return htmx.redirect(request, reverse("integrations:message", args=[found.pk]))


@require_POST
@permission_required("integrations.reprocess_inboundmessage", raise_exception=True)
def discard(request: HttpRequest, message_id: int) -> HttpResponse:
    """POST /ops/messages/<id>/discard: it is not needed, for a reason that is kept."""
    found = find(request, message_id)
    endings.discard(found.pk, request.POST.get("reason", ""), actor=actors.person(request.user))
    htmx.toast(request, f"Message {found.pk} is discarded")
    return htmx.redirect(request, reverse("integrations:message", args=[found.pk]))


def find(request: HttpRequest, message_id: int) -> InboundMessage:
    rows = InboundMessage.objects.for_user(request.user).select_related("connection__channel", "edit")
    found = rows.filter(pk=message_id).first()
    if found is None:
        raise Http404("There is no such message.")
    return found


def _context(request: HttpRequest, found: InboundMessage) -> dict[str, Any]:
    case = Case.objects.for_user(request.user).filter(
        reason=REASON, subject_kind="message", subject_uid=str(found.pk), is_open=True
    )
    failed = found.status == Status.FAILED
    may_act = request.user.has_perm("integrations.reprocess_inboundmessage")
    return {
        "message": found,
        "result": found.result,
        "traced": bool(found.result_kind == "order" and found.result_label)
        and request.user.has_perm("orders.view_order"),
        "waiting": found.status == Status.RECEIVED and bool(found.waits_for),
        "case": case.first() if failed else None,
        "payload": payloads.masked(found),
        "headers": sorted(found.headers.items()),
        "events": timeline.of(found.subject, 50),
        "words": timeline.words,
        "failed": failed,
        "may_reprocess": may_act and found.status in {Status.FAILED, Status.IGNORED},
        "may_discard": may_act and failed,
        "may_edit": may_act and failed and request.user.has_perm("integrations.see_message_payload"),
        "versions": list(found.edits.defer("body").order_by("-number")) if found.edit_id else [],
        "wants": failed and request.user.has_perm("integrations.map_connection") and aliases.wanted(found),
        "family": alike.of(found.pk) if may_act and failed else None,
        "cause": alike.cause_of(found.pk) if may_act and failed else None,
    }
