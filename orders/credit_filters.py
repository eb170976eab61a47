"""What the list of store credits may be narrowed by."""

from __future__ import annotations

from typing import ClassVar

import django_filters as df
from django.db.models import Q, QuerySet

from core.errors import Invalid, Problem
from orders.models import Channel, CreditKind, StoreCredit

ORDER = ("-id",)


def _channels() -> list[tuple[str, str]]:
    return list(Channel.objects.values_list("code", "name"))


class StoreCreditFilter(df.FilterSet):
    """Several values of one filter are alternatives. `q` is a code, or its holder's address in full."""

    q = df.CharFilter(method="filter_words", max_length=255)
    kind = df.MultipleChoiceFilter(choices=CreditKind.choices)
    channel = df.MultipleChoiceFilter(field_name="channel__code", choices=_channels)
    holds = df.BooleanFilter(method="filter_holds")

    class Meta:
        model = StoreCredit
        fields: ClassVar[list[str]] = []

    def found(self) -> QuerySet[StoreCredit]:
        """The credits asked for. Invalid (400) names every parameter that makes no sense."""
        if not self.form.is_valid():
            raise Invalid(
                [Problem(name, "unknown", str(said[0])) for name, said in self.form.errors.items()], code="bad_filter"
            )
        rows: QuerySet[StoreCredit] = self.filter_queryset(self.queryset)
        return rows

    def filter_words(self, rows: QuerySet[StoreCredit], name: str, value: str) -> QuerySet[StoreCredit]:
        words = value.replace("\0", "").strip()
        return rows.filter(Q(code=words.upper()) | Q(holder=words.lower())) if words else rows

    def filter_holds(self, rows: QuerySet[StoreCredit], name: str, value: bool | None) -> QuerySet[StoreCredit]:
        if value is None:
            return rows
        return rows.filter(balance__gt=0) if value else rows.filter(balance=0)
