"""Returns for service people: the list, one return, and the panel on its order's page."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import F, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from core import downloads, htmx, tabs, timeline
from exceptions.models import Case
from inventory.models import Location
from orders.models import Channel, Order
from returns.filters import NEEDS, ORDER, ReturnFilter
from returns.models import RefundPlan, RefundTo, ReturnKind, ReturnReason, ReturnRequest, ReturnStatus
from returns.services import labels, routes
from returns.services.policies import BUILT_IN

SEE = "returns.view_returnrequest"
SHOWN_IN_PANEL = 20
COLUMNS = (
    "id", "number", "kind", "status", "verdict", "rule", "refund_plan", "refund_to", "currency", "created_at",
    "approved_at", "expires_at", "buyer_name", "order__number", "channel__name", "location__name",
)  # fmt: skip
EXPORTED = (
    ("Return", "number"), ("Status", "status"), ("Asked for", "kind"), ("Proof", "proof"), ("Order", "order__number"),
    ("Channel", "channel__code"), ("Channel's reference", "channel_ref"), ("Comes back to", "location__code"),
    ("Verdict", "verdict"), ("Rule", "rule"), ("Refund", "refund_plan"), ("To", "refund_to"), ("Currency", "currency"),
    ("Units", "units"), ("Worth", "worth"), ("Created", "created_at"), ("Approved", "approved_at"),
    ("Ended", "ended_at"), ("Why", "ended_reason"),
)  # fmt: skip
VIEWS: tabs.Views = (
    ("All", {}),
    ("To decide", {"needs": "decision"}),
    ("On their way", {"needs": "goods"}),
    ("To inspect", {"needs": "inspection"}),
    ("Rejected goods", {"needs": "word"}),
    ("Declined", {"status": "DECLINED"}),
)


@require_safe
@permission_required(SEE, raise_exception=True)
def listed(request: HttpRequest) -> HttpResponse:
    """GET /returns/: filters and page in the address; the list alone when htmx asks."""
    rows = ReturnFilter(request.GET, ReturnRequest.objects.for_user(request.user)).found()
    page = htmx.keyset_page(rows.values(*COLUMNS), request, order=ORDER)
    sums = ReturnRequest.objects.filter(pk__in=[row["id"] for row in page.rows]).annotate(
        units=Sum("lines__quantity"), worth=Sum(F("lines__quantity") * F("lines__unit_value"))
    )
    context = {
        "page": page,
        "sums": {row[0]: row[1:] for row in sums.order_by().values_list("id", "units", "worth")},
        "total": htmx.capped_count(rows),
        "views": tabs.of(request, VIEWS),
        "statuses": ReturnStatus.choices,
        "kinds": ReturnKind.choices,
        "reasons": ReturnReason.choices,
        "needs": NEEDS,
        "plans": dict(RefundPlan.choices),
        "channels": list(Channel.objects.for_user(request.user).values_list("code", "name")),
        "narrowed": any(request.GET.get(name) for name in ReturnFilter.base_filters),
    }
    return htmx.render(request, "returns/list.html", context, fragment="returns/_list.html")


@require_safe
@permission_required(SEE, raise_exception=True)
def export(request: HttpRequest) -> HttpResponseBase:
    """GET /returns/export.csv?…: the list as filtered, newest first."""
    rows = ReturnFilter(request.GET, ReturnRequest.objects.for_user(request.user)).found()
    rows = rows.annotate(units=Sum("lines__quantity"), worth=Sum(F("lines__quantity") * F("lines__unit_value")))
    wanted = rows.order_by("-id").values_list(*[column for _, column in EXPORTED])[: downloads.MOST]
    return downloads.csv_file("returns", [title for title, _ in EXPORTED], wanted)


@require_safe
@permission_required(SEE, raise_exception=True)
def detail(request: HttpRequest, number: str) -> HttpResponse:
    """GET /returns/<number>: what comes back, what decided, where it goes and how its money goes back."""
    context = context_of(request, find(request, number))
    return htmx.render(request, "returns/detail.html", context, fragment="returns/_detail.html")


@require_safe
@permission_required(SEE, raise_exception=True)
def order_panel(request: HttpRequest, number: str) -> HttpResponse:
    """GET /returns/orders/<number>: the panel on the order's page, loaded by URL name."""
    order = get_object_or_404(Order.objects.for_user(request.user).only("pk", "number"), number=number)
    rows = ReturnRequest.objects.for_user(request.user).filter(order=order).annotate(units=Sum("lines__quantity"))
    rows = rows.select_related("location").order_by("-id")[:SHOWN_IN_PANEL]
    return htmx.part(request, "returns/_order_panel.html", {"order": order, "rows": list(rows)})


def find(request: HttpRequest, number: str) -> ReturnRequest:
    rows = ReturnRequest.objects.for_user(request.user)
    rows = rows.select_related("order__channel", "channel", "location", "asked_at", "policy_version__policy")
    found: ReturnRequest = get_object_or_404(rows, number=number)
    return found


def context_of(request: HttpRequest, rma: ReturnRequest) -> dict[str, Any]:
    lines = list(rma.lines.select_related("item", "order_line").order_by("position"))
    made = list(rma.labels.way_back().select_related("service").defer("content").order_by("-id")[:10])
    to_come = any(line.awaited for line in lines)
    label = next((each for each in made if each.status in {"WANTED", "BOUGHT"}), None)
    approved = rma.status == ReturnStatus.OPEN and rma.approved_at is not None
    may = request.user.has_perm("returns.approve_return")
    sendable = approved and to_come and label is None and may and rma.location_id is not None and bool(rma.sent_from)
    return {
        "rma": rma,
        "lines": lines,
        "worth": sum((line.unit_value * line.quantity for line in lines), 0),
        "labels": made,
        "label": label,
        "ways": labels.options(rma, lines) if sendable else [],
        "to_come": to_come,
        "may_decide": may and rma.waits_for_approval,
        "may_overrule": request.user.has_perm("returns.override_return") and rma.status == ReturnStatus.DECLINED,
        "may_cancel": may and rma.status == ReturnStatus.OPEN and to_come,
        "sendable": sendable,
        "places": _places() if may and (rma.waits_for_approval or rma.status == ReturnStatus.DECLINED) else [],
        "plans": RefundPlan.choices,
        "ways_of_refund": RefundTo.choices,
        "built_in": BUILT_IN,
        "case": Case.objects.still_open().filter(subject_kind="return", subject_uid=str(rma.pk)).first(),
        "events": timeline.of(rma.subject),
        "words": timeline.words,
    }


def _places() -> list[tuple[int, str]]:
    rows: list[Location] = list(routes.places().order_by("name"))
    return [(row.pk, row.name) for row in rows]
