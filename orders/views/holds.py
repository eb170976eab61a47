"""Orders that are held: whoever decides works this list down, the nearest clock first."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, tabs, typed
from core.errors import Refusal
from orders import hold_filters
from orders.hold_filters import HoldFilter
from orders.models import Blocks, Channel, Hold, HoldStatus, HoldType, Order
from orders.services import refusing

COLUMNS = (
    "id", "type", "blocks", "status", "reason", "evidence", "due_at", "created_at", "resolved_at", "resolved_by",
    "note", "order__number", "order__channel__name", "order__channel_number", "order__total", "order__currency",
)  # fmt: skip
VIEWS: tuple[tuple[str, dict[str, str | list[str]]], ...] = (
    ("To decide", {}),
    ("Past their time", {"late": "true"}),
    ("Fraud", {"type": "FRAUD"}),
    ("Address", {"type": "ADDRESS"}),
    ("Decided", {"status": ["RESOLVED", "REJECTED"]}),
)


@require_safe
@permission_required("orders.view_hold", raise_exception=True)
def waiting(request: HttpRequest) -> HttpResponse:
    """GET /orders/holds/: filters, order and page in the address; the list alone when htmx asks."""
    sort = hold_filters.order_of(request.GET.get("sort", ""))
    rows = HoldFilter(request.GET, Hold.objects.for_user(request.user)).found()
    page = htmx.keyset_page(rows.values(*COLUMNS), request, order=hold_filters.ORDERS[sort])
    context = {
        "page": page,
        "total": htmx.capped_count(rows),
        "sort": sort,
        "views": tabs.of(request, VIEWS),
        "types": HoldType.choices,
        "type_words": dict(HoldType.choices),
        "blocks": Blocks.choices,
        "block_words": dict(Blocks.choices),
        "statuses": HoldStatus.choices,
        "channels": list(Channel.objects.values_list("code", "name")),
        "narrowed": any(request.GET.get(name) for name in HoldFilter.base_filters),
    }
    return htmx.render(request, "orders/holds.html", context, fragment="orders/_holds.html")


@require_POST
@permission_required(("orders.release_order", "orders.cancel_order"), raise_exception=True)
def reject(request: HttpRequest, number: str, hold_type: str) -> HttpResponse:
    """POST /orders/<number>/holds/<type>/reject: what it feared is true; what hasn't left is cancelled."""
    if hold_type not in HoldType.values:
        raise Refusal("unknown_hold", "There is no such hold.", status=404)
    found = get_object_or_404(Order.objects.for_user(request.user), number=number)
    refusing.reject(
        found.pk,
        hold_type=hold_type,
        actor=actors.person(request.user),
        note=typed.words(request, "note", 255),
        version=typed.version(request),
    )
    htmx.toast(request, f"{number} is turned down")
    return htmx.redirect(request, reverse("orders:detail", args=[number]))
