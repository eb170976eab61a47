"""/api/v1/orders: send orders in, find them, cancel them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404, HttpResponse
from django.urls import reverse

from core.api import ApiView, etag, idempotent, keyset, not_modified, page_reply, parse, reply, require_match
from core.errors import Invalid, Problem, Refusal
from orders import canonical
from orders.api.v1 import described, shapes
from orders.api.v1.bodies import Cancellation, NewOrder
from orders.filters import ORDERS, OrderFilter, order_of
from orders.models import Order
from orders.services import changes, intake, lookups

PAGING = frozenset({"after", "before", "page_size", "sort"})
# These keep the order but need a person before it is right.
NEEDS_A_PERSON = frozenset({"orders.unknown_sku", "orders.totals_disagree"})


class Orders(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "orders:read", "POST": "orders:write"}

    @described.LIST
    def get(self, request: Any) -> HttpResponse:
        """A page of orders the key may see."""
        unknown = sorted(set(request.GET) - PAGING - set(OrderFilter.base_filters))
        if unknown:
            raise Invalid(
                [Problem(name[:60], "unknown", "Orders can't be narrowed by this.") for name in unknown],
                code="bad_filter",
            )
        visible = Order.objects.for_caller(request.auth).select_related("channel")
        found = OrderFilter(request.GET, queryset=visible).found()
        page = keyset(found, request, ORDERS[order_of(request.GET.get("sort", ""))])
        return page_reply(request, page, shapes.summary)

    @described.CREATE
    @idempotent()
    def post(self, request: Any) -> HttpResponse:
        """One order, new or changed."""
        incoming = parse(request, NewOrder)
        if problems := canonical.contradictions(incoming):
            raise Invalid(problems)
        caller = request.auth
        channel = lookups.channel(incoming.channel)
        if channel is None or (caller.channels is not None and channel.code not in caller.channels):
            raise Http404
        if not channel.active:
            raise Refusal("channel_closed", f"{channel.name} takes no orders.", channel=channel.code)
        placed = intake.place(incoming, channel=channel, actor=caller.actor)
        body = {
            "number": placed.number,
            "channel": channel.code,
            "channel_ref": incoming.channel_ref,
            "outcome": placed.outcome,
            "problems": placed.problems,
            "version": placed.version,
        }
        headers = {"Location": _url(placed.number), "ETag": etag(placed.version)}
        return reply(body, status=_status(placed), headers=headers)


class OneOrder(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "orders:read"}

    @described.READ
    def get(self, request: Any, number: str) -> HttpResponse:
        """The order, unless the caller has this version already."""
        order = _find(request, number)
        return not_modified(request, order.version) or _answer(order)


class Cancel(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": "orders:write"}

    @described.CANCEL
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """The fresh order, or 409 with what stands when everything has left."""
        asked = parse(request, Cancellation)
        order = _find(request, number)
        if "HTTP_IF_MATCH" in request.META:
            require_match(request, order.version)
        changes.cancel(order.pk, reason=asked.reason, version=order.version, actor=request.auth.actor)
        return _answer(_find(request, number))


def _find(request: Any, number: str) -> Order:
    order = shapes.with_details(Order.objects.for_caller(request.auth)).filter(number=number).first()
    if order is None:
        raise Http404
    return order


def _answer(order: Order) -> HttpResponse:
    return reply(shapes.detail(order), headers={"ETag": etag(order.version)})


def _status(placed: intake.Placed) -> int:
    if NEEDS_A_PERSON & set(placed.problems):
        return 202
    return 201 if placed.outcome == "created" else 200


def _url(number: str) -> str:
    return reverse("api:v1:order", args=[number])
