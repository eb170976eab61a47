"""/api/v1/orders: send orders in, find them, cancel them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse

from core.api import ApiView, etag, idempotent, keyset, not_modified, page_reply, parse, reply
from core.errors import Invalid, Problem
from orders.api.v1 import described, finding, placing, shapes
from orders.api.v1.bodies import Cancellation, NewOrder
from orders.filters import ORDERS, OrderFilter, order_of
from orders.models import Order
from orders.services import changing, standing

PAGING = frozenset({"after", "before", "page_size", "sort"})


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
        stands = standing.several([order.pk for order in page.rows])
        return page_reply(request, page, lambda order: shapes.summary(order, stands.get(order.pk)))

    @described.CREATE
    @idempotent()
    def post(self, request: Any) -> HttpResponse:
        """One order, new or changed."""
        return placing.place(parse(request, NewOrder), request.auth)


class OneOrder(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "orders:read"}

    @described.READ
    def get(self, request: Any, number: str) -> HttpResponse:
        """The order, unless the caller has this version already."""
        order = finding.detailed(request, number)
        unchanged = not_modified(request, order.version)
        return unchanged or reply(shapes.detail(order), headers={"ETag": etag(order.version)})


class Cancel(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": "orders:write"}

    @described.CANCEL
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """The fresh order, or 409 with what stands when everything has left."""
        asked = parse(request, Cancellation)
        order = finding.order(request, number)
        version = finding.seen_version(request, order)
        changing.cancel(order.pk, reason=asked.reason, version=version, actor=request.auth.actor)
        return finding.answer(request, number)
