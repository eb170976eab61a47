"""What a list of refunds may be narrowed by."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters as df
from django.db.models import QuerySet

from core.errors import Invalid, Problem
from orders.models import Channel
from returns.models import RefundDecision, RefundStatus, RefundTo


def _channels() -> list[tuple[str, str]]:
    return list(Channel.objects.values_list("code", "name"))


class RefundFilter(df.FilterSet):
    """Several values of one filter are alternatives. `q` finds a number: of a refund, its order or return."""

    q = df.CharFilter(method="filter_reference", max_length=60)
    status = df.MultipleChoiceFilter(choices=RefundStatus.choices)
    channel = df.MultipleChoiceFilter(field_name="order__channel__code", choices=_channels)
    to = df.MultipleChoiceFilter(choices=RefundTo.choices)

    class Meta:
        model = RefundDecision
        fields: ClassVar[list[str]] = []

    def found(self) -> QuerySet[RefundDecision]:
        """The refunds asked for. Invalid (400) names every parameter that makes no sense."""
        if not self.form.is_valid():
            raise Invalid(
                [Problem(name, "unknown", str(said[0])) for name, said in self.form.errors.items()], code="bad_filter"
            )
        rows: QuerySet[RefundDecision] = self.filter_queryset(self.queryset)
        return rows

    def filter_reference(self, rows: QuerySet[RefundDecision], name: str, value: str) -> QuerySet[RefundDecision]:
        words = value.replace("\0", "").strip()
        return rows.filter(pk__in=matching(words)) if words else rows


def matching(words: str) -> QuerySet[Any]:
    """Keys of the refunds whose own, order's or return's number is exactly this. Each by its own index."""
    spelt = {words, words.upper()}
    return (
        RefundDecision.objects.filter(number__in=spelt)
        .values("pk")
        .union(
            RefundDecision.objects.filter(order__number__in=spelt).values("pk"),
            RefundDecision.objects.filter(request__number__in=spelt).values("pk"),
        )
    )
