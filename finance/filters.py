"""What a list of postings may be narrowed by."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters as df
from django.db.models import F, Q, QuerySet

from core.errors import Invalid, Problem
from finance.models import Kind, Posting, Status
from orders.models import Channel


def _channels() -> list[tuple[str, str]]:
    return list(Channel.objects.values_list("code", "name"))


class PostingFilter(df.FilterSet):
    """Several values of one filter are alternatives. `q` finds an exact reference: ours, the ERP's or the order's."""

    q = df.CharFilter(method="filter_reference", max_length=60)
    status = df.MultipleChoiceFilter(choices=Status.choices)
    kind = df.MultipleChoiceFilter(choices=Kind.choices)
    booked_from = df.DateFilter(field_name="booked_on", lookup_expr="gte")
    booked_to = df.DateFilter(field_name="booked_on", lookup_expr="lte")
    late = df.BooleanFilter(field_name="late_from", lookup_expr="isnull", exclude=True)
    channel = df.MultipleChoiceFilter(field_name="order__channel__code", choices=_channels)
    differs = df.BooleanFilter(method="filter_differs")

    class Meta:
        model = Posting
        fields: ClassVar[list[str]] = []

    def found(self) -> QuerySet[Posting]:
        """The postings asked for. Invalid (400) names every parameter that makes no sense."""
        if not self.form.is_valid():
            raise Invalid(
                [Problem(name, "unknown", str(said[0])) for name, said in self.form.errors.items()], code="bad_filter"
            )
        rows: QuerySet[Posting] = self.filter_queryset(self.queryset)
        return rows

    def filter_reference(self, rows: QuerySet[Posting], name: str, value: str) -> QuerySet[Posting]:
        words = value.replace("\0", "").strip()
        return rows.filter(pk__in=matching(words)) if words else rows

    def filter_differs(self, rows: QuerySet[Posting], name: str, value: bool | None) -> QuerySet[Posting]:
        if value is None:
            return rows
        apart = Q(erp_total__isnull=False) & ~Q(erp_total=F("total"))
        return rows.filter(apart) if value else rows.exclude(apart)


def matching(words: str) -> QuerySet[Any]:
    """Keys of the postings whose reference, ERP number or order number is exactly this. Each by its own index."""
    spelt = {words, words.upper()}
    by_reference = Posting.objects.filter(kind__in=Kind.values, reference__in=spelt).values("pk")
    by_number = Posting.objects.filter(erp_number=words).exclude(erp_number="").values("pk")
    by_order = Posting.objects.filter(order__number__in=spelt).values("pk")
    return by_reference.union(by_number, by_order)
