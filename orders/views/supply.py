"""What orders wait for, and what partners were asked to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import permission_required
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, tabs, timeline
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from inventory.models import PARTNERS, ExpectedReceipt, Location
from orders.models import BackOrder, BackOrderStatus, Order, PartnerRequest, PartnerRequestStatus, RejectReason
from orders.services import partners, withdrawing
from orders.supply_filters import LATE, OWES, BackOrderFilter, PartnerRequestFilter

ANSWER = "orders.answer_partnerrequest"
WAITING = (
    "id", "status", "quantity", "asked", "filled", "due_at", "first_due_at", "promise_by", "receipt_id", "transfer",
    "order_line__order__number", "order_line__sku", "order_line__title", "location__name", "created_at",
)  # fmt: skip
ASKED = (
    "id", "uid", "status", "requested_at", "answer_by", "ship_by", "sent_at", "ended_at", "partner_ref", "reason",
    "said", "sent_anyway", "fulfilment__number", "fulfilment__order__number", "fulfilment__location__name",
    "fulfilment__method", "fulfilment__location__partner_link__connection_code",
)  # fmt: skip
BACKORDER_VIEWS: tabs.Views = (
    ("Waiting", {"status": "WAITING"}), ("Later than promised", {"late": "slipped"}),
    ("Should be here", {"late": "overdue"}), ("Filled", {"status": "FILLED"}), ("All", {}),
)  # fmt: skip
PARTNER_VIEWS: tabs.Views = (
    ("To answer", {"status": "REQUESTED"}), ("Answer overdue", {"owes": "answer"}),
    ("To pass on", {"owes": "passing"}), ("Accepted", {"status": "ACCEPTED"}),
    ("Dispatch overdue", {"owes": "dispatch"}), ("Declined", {"status": "REJECTED"}), ("All", {}),
)  # fmt: skip


@require_safe
@permission_required("orders.view_order", raise_exception=True)
def backorders(request: HttpRequest) -> HttpResponse:
    """GET /backorders/: what orders wait for, the delivery due first at the top."""
    rows = BackOrderFilter(request.GET, BackOrder.objects.for_user(request.user)).found()
    page = htmx.keyset_page(rows.values(*WAITING), request, order=("due_at", "id"))
    causes = ExpectedReceipt.objects.in_bulk([row["receipt_id"] for row in page.rows])
    for row in page.rows:
        row["cause"] = _cause(causes.get(row["receipt_id"]))
        row["slipped"] = row["due_at"] > row["first_due_at"]
    context = {
        "page": page,
        "total": htmx.capped_count(rows),
        "views": tabs.of(request, BACKORDER_VIEWS),
        "statuses": BackOrderStatus.choices,
        "late": LATE,
        "labels": dict(BackOrderStatus.choices),
        "places": _choices(Location.objects.for_user(request.user)),
        "narrowed": any(request.GET.get(name) for name in BackOrderFilter.base_filters),
    }
    return htmx.render(request, "orders/backorders.html", context, fragment="orders/_backorders.html")


@require_safe
@permission_required("orders.view_order", raise_exception=True)
def of_order(request: HttpRequest, number: str) -> HttpResponse:
    """GET /orders/<number>/supply: the deliveries an order waits for and what partners were asked, for its page."""
    found = get_object_or_404(Order.objects.for_user(request.user), number=number)
    waiting = list(
        BackOrder.objects.waiting().filter(order_line__order=found).select_related("order_line", "location")
        .order_by("due_at", "pk")
    )  # fmt: skip
    causes = ExpectedReceipt.objects.in_bulk([row.receipt_id for row in waiting])
    requests_ = PartnerRequest.objects.filter(fulfilment__order=found).select_related("fulfilment__location")
    context = {
        "order": found,
        "waiting": [(row, _cause(causes.get(row.receipt_id))) for row in waiting],
        "asked": list(requests_.order_by("pk")) if request.user.has_perm("orders.view_fulfilmentorder") else [],
    }
    return htmx.part(request, "orders/_order_supply.html", context)


def _cause(receipt: ExpectedReceipt | None) -> str:
    if receipt is None:
        return ""
    return receipt.cause_label or f"{receipt.cause_kind} {receipt.cause_uid}"


def _choices(places: Any) -> list[tuple[str, str]]:
    return list(places.order_by("name").values_list("code", "name"))


@require_safe
@permission_required("orders.view_fulfilmentorder", raise_exception=True)
def requests(request: HttpRequest) -> HttpResponse:
    """GET /partners/: what suppliers and third parties were asked to do, the newest first."""
    rows = PartnerRequestFilter(request.GET, PartnerRequest.objects.for_user(request.user)).found()
    page = htmx.keyset_page(rows.values(*ASKED), request, order=("-id",))
    context = {
        "page": page,
        "total": htmx.capped_count(rows),
        "views": tabs.of(request, PARTNER_VIEWS),
        "statuses": PartnerRequestStatus.choices,
        "owes": OWES,
        "labels": dict(PartnerRequestStatus.choices),
        "reasons": dict(RejectReason.choices),
        "partners": _choices(Location.objects.filter(kind__in=PARTNERS)),
        "narrowed": any(request.GET.get(name) for name in PartnerRequestFilter.base_filters),
    }
    return htmx.render(request, "orders/partners.html", context, fragment="orders/_partners.html")


@require_safe
@permission_required("orders.view_fulfilmentorder", raise_exception=True)
def asked(request: HttpRequest, uid: UUID) -> HttpResponse:
    """GET /partners/<uid>: one request, and what its partner said."""
    return htmx.render(request, "orders/partner.html", _context(request, uid), fragment="orders/_partner.html")


@require_POST
@permission_required("orders.view_fulfilmentorder", raise_exception=True)
def act(request: HttpRequest, uid: UUID, verb: str) -> HttpResponse:
    """POST /partners/<uid>/<verb>: accepted, declined, sent, ask or take-back. What a person heard from the partner."""
    found = _find(request, uid)
    if verb not in VERBS:
        raise Refusal("unknown_action", "There is no such step.", status=404)
    permission, run = VERBS[verb]
    if not request.user.has_perm(permission):
        raise Refusal("not_allowed", "Your role can't do this step.", status=403)
    htmx.toast(request, run(request, found))
    if not htmx.asked(request):
        return htmx.redirect(request, reverse("orders:partner", args=[uid]))
    return htmx.part(request, "orders/_partner.html", _context(request, uid))


def _accepted(request: HttpRequest, found: PartnerRequest) -> str:
    partners.accept(
        found.uid, partner_ref=request.POST.get("ref", ""), sends_at=_moment(request, "sends_at"), actor=_who(request)
    )
    return "Accepted by the partner"


def _declined(request: HttpRequest, found: PartnerRequest) -> str:
    reason, said = request.POST.get("reason", ""), request.POST.get("said", "")
    partners.reject(found.uid, reason=reason, said=said, actor=_who(request))
    return "Declined. Another place is asked"


def _sent(request: HttpRequest, found: PartnerRequest) -> str:
    partners.ship(
        found.uid,
        carrier=request.POST.get("carrier", ""),
        tracking_number=request.POST.get("tracking", ""),
        actor=_who(request),
    )
    return "Sent. The channel and the books hear of it"


def _again(request: HttpRequest, found: PartnerRequest) -> str:
    partners.ask_again(found.uid, actor=_who(request))
    return "It is asked once more"


def _take_back(request: HttpRequest, found: PartnerRequest) -> str:
    reason = request.POST.get("reason", "").strip() or "Taken back from the partner"
    withdrawing.cancel(found.fulfilment_id, reason=reason, actor=_who(request))
    return "Taken back. Another place is asked"


Step = Callable[[HttpRequest, PartnerRequest], str]
VERBS: dict[str, tuple[str, Step]] = {
    "accepted": (ANSWER, _accepted),
    "declined": (ANSWER, _declined),
    "sent": (ANSWER, _sent),
    "ask": (ANSWER, _again),
    "take-back": ("orders.cancel_fulfilment", _take_back),
}


def _who(request: HttpRequest) -> actors.Actor:
    return actors.person(request.user)


def _moment(request: HttpRequest, name: str) -> datetime | None:
    """A day from a form, as its end in UTC: partners name days."""
    text = request.POST.get(name, "").strip()
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(hour=23, minute=59, tzinfo=UTC)
    except ValueError:
        raise Invalid([Problem(name, "date", "A day, such as 2026-12-01.")], status=422) from None
    return day


def _find(request: HttpRequest, uid: UUID) -> PartnerRequest:
    rows = PartnerRequest.objects.for_user(request.user).select_related(
        "fulfilment__order__channel", "fulfilment__location__partner_link"
    )
    return get_object_or_404(rows, uid=uid)


def _context(request: HttpRequest, uid: UUID) -> dict[str, Any]:
    found = _find(request, uid)
    work = found.fulfilment
    lines = list(work.lines.select_related("order_line", "item").order_by("pk"))
    waits = found.status in {PartnerRequestStatus.REQUESTED, PartnerRequestStatus.ACCEPTED}
    active = waits and work.status in {"OPEN", "ACCEPTED"}
    return {
        "asked": found,
        "work": work,
        "link": work.location.partner_link,
        "lines": lines,
        "units": work.lines.aggregate(units=Sum("quantity", default=0))["units"],
        "events": timeline.of(Subject("fulfilment", str(work.pk), work.number)),
        "words": timeline.words,
        "reasons": RejectReason.choices,
        "may_answer": active and request.user.has_perm(ANSWER),
        "may_take_back": active and request.user.has_perm("orders.cancel_fulfilment"),
    }
