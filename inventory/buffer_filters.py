"""What a list of buffer rules may be narrowed by."""

from __future__ import annotations

from typing import ClassVar

import django_filters as df
from django.db.models import Q, QuerySet

from core.errors import Invalid, Problem
from inventory import skus
from inventory.models import BufferRule, Measure, RuleKind


class BufferFilter(df.FilterSet):
    """Several values of one filter are alternatives. Without `retired`, the rules in force."""

    q = df.CharFilter(method="filter_words", max_length=100)
    kind = df.MultipleChoiceFilter(choices=RuleKind.choices)
    measure = df.MultipleChoiceFilter(choices=Measure.choices)
    channel = df.CharFilter(max_length=40)
    place = df.CharFilter(field_name="location__code", max_length=40)
    retired = df.BooleanFilter(method="filter_retired")

    class Meta:
        model = BufferRule
        fields: ClassVar[list[str]] = []

    def found(self) -> QuerySet[BufferRule]:
        """The rules asked for. Invalid (400) names every parameter that makes no sense."""
        if not self.form.is_valid():
            raise Invalid(
                [Problem(name, "unknown", str(said[0])) for name, said in self.form.errors.items()], code="bad_filter"
            )
        rows: QuerySet[BufferRule] = self.filter_queryset(self.queryset)
        return rows if self.form.cleaned_data.get("retired") else rows.filter(active=True)

    def filter_words(self, rows: QuerySet[BufferRule], name: str, value: str) -> QuerySet[BufferRule]:
        words = skus.normalise(value.replace("\0", ""))
        if not words:
            return rows
        goods = Q(item__sku__in={words, words.upper()}) | Q(attribute_key=words) | Q(attribute_value=words)
        return rows.filter(goods | Q(note__icontains=words))

    def filter_retired(self, rows: QuerySet[BufferRule], name: str, value: bool | None) -> QuerySet[BufferRule]:
        return rows.filter(active=False) if value else rows
