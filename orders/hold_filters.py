"""What a list of holds may be narrowed by."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters as df
from django.db.models import QuerySet
from django.utils import timezone

from core.errors import Invalid, Problem
from orders.filters import matching
from orders.models import Blocks, Channel, Hold, HoldStatus, HoldType

ORDERS: dict[str, tuple[str, ...]] = {"due": ("due_at", "id"), "-since": ("-created_at", "-id")}


class HoldFilter(df.FilterSet):
    """Those that stand, unless a status is asked for. `q` finds an order by any of its references."""

    q = df.CharFilter(method="filter_reference", max_length=200)
    type = df.MultipleChoiceFilter(choices=HoldType.choices)
    blocks = df.MultipleChoiceFilter(choices=Blocks.choices)
    status = df.MultipleChoiceFilter(choices=HoldStatus.choices)
    late = df.BooleanFilter(method="filter_late")
    rule = df.CharFilter(method="filter_rule", max_length=40)
    channel = df.ModelMultipleChoiceFilter(
        method="filter_channel", queryset=lambda request: Channel.objects.all(), to_field_name="code"
    )

    class Meta:
        model = Hold
        fields: ClassVar[list[str]] = []

    def found(self) -> QuerySet[Hold]:
        """The holds asked for. Invalid (400) names every parameter that makes no sense."""
        if not self.form.is_valid():
            raise Invalid(
                [Problem(name, "unknown", str(said[0])) for name, said in self.form.errors.items()], code="bad_filter"
            )
        rows: QuerySet[Hold] = self.filter_queryset(self.queryset)
        return rows if self.form.cleaned_data["status"] else rows.filter(status=HoldStatus.CREATED)

    def filter_reference(self, rows: QuerySet[Hold], name: str, value: str) -> QuerySet[Hold]:
        words = value.replace("\0", "").strip()
        return rows.filter(order__in=matching(words)) if words else rows

    def filter_late(self, rows: QuerySet[Hold], name: str, value: bool) -> QuerySet[Hold]:
        return rows.filter(due_at__lte=timezone.now()) if value else rows

    def filter_rule(self, rows: QuerySet[Hold], name: str, value: str) -> QuerySet[Hold]:
        return rows.filter(evidence__contains=[{"rule": value}]) if value else rows

    def filter_channel(self, rows: QuerySet[Hold], name: str, value: Any) -> QuerySet[Hold]:
        return rows.filter(order__channel__in=[channel.pk for channel in value]) if value else rows


def order_of(asked: str) -> str:
    """The order to show; Invalid (400) for one the list can't be ordered by."""
    if asked and asked not in ORDERS:
        raise Invalid([Problem("sort", "unknown", f"The list can't be ordered by {asked[:40]}.")], code="bad_sort")
    return asked or "due"
