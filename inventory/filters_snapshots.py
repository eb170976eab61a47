"""What lists of snapshots and differences may be narrowed by, on screens and in the API."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters as df
from django.db.models import Q, QuerySet

from core.errors import Invalid, Problem
from inventory import skus
from inventory.models import Cause, Location, StockDifference, StockSnapshot, StockSource


def _sources() -> list[tuple[str, str]]:
    return list(StockSource.objects.order_by("code").values_list("code", "name"))


def _locations() -> list[tuple[str, str]]:
    return list(Location.objects.order_by("code").values_list("code", "name"))


class _Found(df.FilterSet):
    def found(self) -> QuerySet[Any]:
        """The rows asked for. Invalid (400) names every parameter that makes no sense."""
        if not self.form.is_valid():
            raise Invalid(
                [Problem(name, "unknown", str(said[0])) for name, said in self.form.errors.items()], code="bad_filter"
            )
        rows: QuerySet[Any] = self.filter_queryset(self.queryset)
        return rows


class SnapshotFilter(_Found):
    """`q` finds a snapshot's number (SN-12) or its source's reference."""

    q = df.CharFilter(method="filter_reference", max_length=150)
    source = df.MultipleChoiceFilter(field_name="source__code", choices=_sources)
    open = df.BooleanFilter(method="filter_open")

    class Meta:
        model = StockSnapshot
        fields: ClassVar[list[str]] = []

    def filter_reference(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        words = value.replace("\0", "").strip()
        number = words.upper().removeprefix("SN-")
        by_number = Q(pk=int(number)) if number.isascii() and number.isdigit() and len(number) <= 18 else Q()
        return rows.filter(Q(ref=words) | by_number) if words else rows

    def filter_open(self, rows: QuerySet[Any], name: str, value: bool | None) -> QuerySet[Any]:
        if value is None:
            return rows
        return rows.filter(unresolved__gt=0) if value else rows.filter(unresolved=0)


class DifferenceFilter(_Found):
    """`q` finds a SKU by its beginning."""

    q = df.CharFilter(method="filter_sku", max_length=skus.MAX_LENGTH)
    source = df.MultipleChoiceFilter(field_name="source__code", choices=_sources)
    location = df.MultipleChoiceFilter(field_name="location__code", choices=_locations)
    cause = df.MultipleChoiceFilter(choices=Cause.choices)
    beyond = df.BooleanFilter()

    class Meta:
        model = StockDifference
        fields: ClassVar[list[str]] = []

    def filter_sku(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        code = skus.normalise(value.replace("\0", ""))
        return rows.filter(item__sku__startswith=code) if code else rows
