"""What a list of orders may be narrowed by: one FilterSet for the screen and the API."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import django_filters as df
from django.db.models import Exists, OuterRef, Q, QuerySet

from core.errors import Invalid, Problem
from inventory.models import Location
from orders.models import (
    Account,
    Channel,
    FulfilmentLine,
    Hold,
    HoldType,
    Method,
    Order,
    OrderLine,
    OrderStatus,
    PaymentState,
    Shipment,
)

NUMBER = re.compile(r"(?:so-?)?([0-9]{1,18})", re.IGNORECASE)
# The last column of each is unique, so pages never overlap.
ORDERS: dict[str, tuple[str, ...]] = {
    "-placed": ("-placed_at", "-id"),
    "placed": ("placed_at", "id"),
    "-number": ("-id",),
}
SEVERAL = frozenset({"status", "channel", "payment", "method", "needs", "hold", "location", "account"})
NEEDS = [
    ("unallocated", "No place yet"),
    ("held", "On hold"),
    ("unmapped", "Unknown SKU"),
    ("disagreeing", "Figures disagree"),
]


class OrderFilter(df.FilterSet):
    """Several values of one filter are alternatives. `q` finds an exact reference: the order's number, the channel's
    number or ref, the buyer's e-mail or own number of its purchase, a SKU on a line, a tracking number."""

    q = df.CharFilter(method="filter_reference", max_length=200)
    status = df.MultipleChoiceFilter(choices=OrderStatus.choices)
    channel = df.ModelMultipleChoiceFilter(
        method="filter_channel", queryset=lambda request: Channel.objects.all(), to_field_name="code"
    )
    payment = df.MultipleChoiceFilter(field_name="payment_state", choices=PaymentState.choices)
    method = df.MultipleChoiceFilter(choices=Method.choices)
    needs = df.MultipleChoiceFilter(method="filter_needs", choices=NEEDS)
    hold = df.MultipleChoiceFilter(method="filter_hold", choices=HoldType.choices)
    placed_from = df.IsoDateTimeFilter(field_name="placed_at", lookup_expr="gte")
    placed_to = df.IsoDateTimeFilter(field_name="placed_at", lookup_expr="lt")
    account = df.ModelMultipleChoiceFilter(
        method="filter_account", queryset=lambda request: Account.objects.all(), to_field_name="code"
    )
    po = df.CharFilter(field_name="po_number", max_length=120)
    location = df.ModelMultipleChoiceFilter(
        method="filter_location", queryset=lambda request: Location.objects.all(), to_field_name="code"
    )

    class Meta:
        model = Order
        fields: ClassVar[list[str]] = []

    def found(self) -> QuerySet[Order]:
        """The orders asked for. Invalid (400) names every parameter that makes no sense."""
        if not self.form.is_valid():
            raise Invalid(
                [Problem(name, "unknown", str(said[0])) for name, said in self.form.errors.items()], code="bad_filter"
            )
        rows: QuerySet[Order] = self.filter_queryset(self.queryset)
        return rows

    def filter_reference(self, rows: QuerySet[Order], name: str, value: str) -> QuerySet[Order]:
        words = value.replace("\0", "").strip()
        return rows.filter(pk__in=matching(words)) if words else rows

    def filter_channel(self, rows: QuerySet[Order], name: str, value: Any) -> QuerySet[Order]:
        # By id, not by joining the code: the index is in this order.
        return rows.filter(channel__in=[channel.pk for channel in value]) if value else rows

    def filter_account(self, rows: QuerySet[Order], name: str, value: Any) -> QuerySet[Order]:
        return rows.filter(account__in=[account.pk for account in value]) if value else rows

    def filter_location(self, rows: QuerySet[Order], name: str, value: Any) -> QuerySet[Order]:
        """Orders any of these places works on or worked on."""
        if not value:
            return rows
        shares = FulfilmentLine.objects.filter(location__in=[place.pk for place in value], quantity__gt=0)
        return rows.filter(pk__in=shares.values("order_line__order"))

    def filter_needs(self, rows: QuerySet[Order], name: str, value: list[str]) -> QuerySet[Order]:
        wanted = Q()
        for need in value:
            wanted |= {
                "unallocated": Q(pk__in=Order.objects.unallocated().values("pk")),
                "held": Q(Exists(Hold.objects.standing().filter(order=OuterRef("pk")))),
                "unmapped": Q(Exists(OrderLine.objects.filter(order=OuterRef("pk"), item=None, open__gt=0))),
                "disagreeing": ~Q(disagreements=[]),
            }[need]
        return rows.filter(wanted) if value else rows

    def filter_hold(self, rows: QuerySet[Order], name: str, value: list[str]) -> QuerySet[Order]:
        return (
            rows.filter(Exists(Hold.objects.standing().filter(order=OuterRef("pk"), type__in=value))) if value else rows
        )


def matching(words: str) -> QuerySet[Any]:
    """Ids of the orders a reference names exactly; each alternative by its own index."""
    named = Q(number=words.upper()) | Q(channel_number__in=[words, f"#{words}"]) | Q(buyer_email=words.lower())
    if words:
        named |= Q(po_number=words)
    if number := NUMBER.fullmatch(words):
        named |= Q(number=f"SO-{number.group(1)}")
    orders = Order.objects.filter(named).order_by().values("pk")
    refs = Order.objects.filter(channel__in=Channel.objects.all(), channel_ref=words).order_by().values("pk")
    lines = OrderLine.objects.filter(Q(item__sku=words.upper()) | Q(item__gtin=words)).order_by().values("order_id")
    sent = Shipment.objects.filter(tracking_number=words or "-").order_by().values("fulfilment__order_id")
    return orders.union(refs, lines, sent)


def order_of(asked: str) -> str:
    """The order to show; Invalid (400) for one the list can't be ordered by."""
    if asked and asked not in ORDERS:
        raise Invalid([Problem("sort", "unknown", f"The list can't be ordered by {asked[:40]}.")], code="bad_sort")
    return asked or "-placed"
