"""What a list of returns may be narrowed by: one FilterSet for the screen and the API."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import django_filters as df
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from core.errors import Invalid, Problem
from inventory.models import Location
from orders.models import Channel, LabelStatus, Order
from returns.models import (
    TO_COME,
    Inspection,
    ReturnKind,
    ReturnLabel,
    ReturnLine,
    ReturnReason,
    ReturnRequest,
    ReturnStatus,
    Verdict,
)

NUMBER = re.compile(r"RMA-[0-9]{1,15}")
ORDER = ("-id",)
NEEDS = [
    ("decision", "A decision"),
    ("goods", "Its goods"),
    ("inspection", "An inspection"),
    ("place", "A place to go"),
    ("label", "A label that failed"),
    ("word", "A word on what was rejected"),
]


class ReturnFilter(df.FilterSet):
    """Several values of one filter are alternatives. `q` finds a return by its number, the channel's, the order's, the
    buyer's e-mail, a tracking number or a receipt's number."""

    q = df.CharFilter(method="filter_reference", max_length=200)
    status = df.MultipleChoiceFilter(choices=ReturnStatus.choices)
    needs = df.MultipleChoiceFilter(choices=NEEDS, method="filter_needs")
    kind = df.MultipleChoiceFilter(choices=ReturnKind.choices)
    verdict = df.MultipleChoiceFilter(choices=Verdict.choices)
    reason = df.MultipleChoiceFilter(choices=ReturnReason.choices, method="filter_reason")
    order = df.CharFilter(method="filter_order", max_length=20)
    channel = df.ModelMultipleChoiceFilter(
        method="filter_channel", queryset=lambda request: Channel.objects.all(), to_field_name="code"
    )
    location = df.ModelMultipleChoiceFilter(
        method="filter_location", queryset=lambda request: Location.objects.all(), to_field_name="code"
    )
    created_from = df.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    created_to = df.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = ReturnRequest
        fields: ClassVar[list[str]] = []

    def found(self) -> QuerySet[ReturnRequest]:
        """The returns asked for. Invalid (400) names every parameter that makes no sense."""
        if not self.form.is_valid():
            raise Invalid(
                [Problem(name, "unknown", str(said[0])) for name, said in self.form.errors.items()], code="bad_filter"
            )
        rows: QuerySet[ReturnRequest] = self.filter_queryset(self.queryset)
        return rows

    def filter_reference(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        text = value.replace("\0", "").strip()
        return rows.filter(pk__in=matching(text)) if text else rows

    def filter_order(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(order__in=Order.objects.filter(number=value.replace("\0", "").strip().upper()))

    def filter_channel(self, rows: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        return rows.filter(channel__in=[channel.pk for channel in value]) if value else rows

    def filter_location(self, rows: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        return rows.filter(location__in=[place.pk for place in value]) if value else rows

    def filter_reason(self, rows: QuerySet[Any], name: str, value: list[str]) -> QuerySet[Any]:
        lines = ReturnLine.objects.filter(request=OuterRef("pk"), reason__in=value)
        return rows.filter(Exists(lines)) if value else rows

    def filter_needs(self, rows: QuerySet[Any], name: str, value: list[str]) -> QuerySet[Any]:
        wanted = Q()
        for need in value:
            wanted |= _needs(need)
        return rows.filter(wanted) if value else rows


def _needs(need: str) -> Q:
    lines = ReturnLine.objects.filter(request=OuterRef("pk"))
    wanted: dict[str, Q] = {
        "decision": Q(approved_at__isnull=True),
        "goods": Q(approved_at__isnull=False) & Q(Exists(lines.filter(reception__in=TO_COME))),
        "inspection": Q(Exists(lines.filter(reception="RECEIVED", acceptance__in=("PENDING", "REVIEW")))),
        "place": Q(approved_at__isnull=False, location__isnull=True),
        "label": Q(Exists(ReturnLabel.objects.way_back().filter(request=OuterRef("pk"), status=LabelStatus.FAILED)))
        & ~Q(Exists(ReturnLabel.objects.live().way_back().filter(request=OuterRef("pk")))),
    }
    if need == "word":  # about goods that were looked at, so the return may have ended otherwise
        rejected = Inspection.objects.filter(line__request=OuterRef("pk"), verdict="REJECTED")
        return Q(Exists(rejected.filter(chosen__lt=F("quantity"))))
    return wanted[need] & Q(status=ReturnStatus.OPEN)


def matching(text: str) -> QuerySet[Any]:
    """Ids of the returns a reference names exactly; each alternative by its own index."""
    orders = Order.objects.filter(Q(number=text.upper()) | Q(channel_number__in=[text, f"#{text}"])).order_by()
    rows = ReturnRequest.objects.order_by()
    return (
        rows.filter(number=text.upper())
        .values("pk")
        .union(
            rows.filter(channel__in=Channel.objects.all(), channel_ref=text).exclude(channel_ref="").values("pk"),
            rows.filter(order__in=orders.values("pk")).values("pk"),
            rows.filter(buyer_email=text.lower()).exclude(buyer_email="").values("pk"),
            ReturnLabel.objects.filter(tracking_number=text)
            .exclude(tracking_number="")
            .order_by()
            .values("request_id"),
        )
    )
