"""What a list of counts may be narrowed by."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters as df
from django.db.models import Exists, OuterRef, QuerySet

from core.errors import Invalid, Problem
from inventory import skus
from inventory.models import Count, CountLine, CountOrigin, CountStatus, Location

ORDERS: dict[str, tuple[str, ...]] = {"-number": ("-id",), "due": ("due_at", "id")}


def _places() -> list[tuple[str, str]]:
    return list(Location.objects.order_by("code").values_list("code", "name"))


class CountFilter(df.FilterSet):
    """Several values of one filter are alternatives. `q` finds a count by its number, or all that list a SKU."""

    q = df.CharFilter(method="filter_reference", max_length=200)
    status = df.MultipleChoiceFilter(choices=CountStatus.choices)
    origin = df.MultipleChoiceFilter(choices=CountOrigin.choices)
    place = df.MultipleChoiceFilter(field_name="location__code", choices=_places)
    differs = df.BooleanFilter(method="filter_differs")

    class Meta:
        model = Count
        fields: ClassVar[list[str]] = []

    def found(self) -> QuerySet[Count]:
        """The counts asked for. Invalid (400) names every parameter that makes no sense."""
        if not self.form.is_valid():
            raise Invalid(
                [Problem(name, "unknown", str(said[0])) for name, said in self.form.errors.items()], code="bad_filter"
            )
        rows: QuerySet[Count] = self.filter_queryset(self.queryset)
        return rows

    def filter_reference(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        text = value.replace("\0", "").strip()
        number = text.upper().removeprefix("CT-")
        if not text:
            return rows
        if number.isascii() and number.isdigit() and len(number) <= 18 and text.upper().startswith("CT-"):
            return rows.filter(pk=int(number))
        code = skus.normalise(text)
        return rows.filter(Exists(CountLine.objects.filter(count=OuterRef("pk"), item__sku__in={code, code.upper()})))

    def filter_differs(self, rows: QuerySet[Any], name: str, value: bool | None) -> QuerySet[Any]:
        if value is None:
            return rows
        lines = CountLine.objects.filter(count=OuterRef("pk"), difference__isnull=False)
        different = Exists(lines.exclude(difference=0))
        return rows.filter(different if value else ~different)


def order_of(asked: str) -> str:
    """The order to show; Invalid (400) for one the list can't be ordered by."""
    if asked and asked not in ORDERS:
        raise Invalid([Problem("sort", "unknown", f"The list can't be ordered by {asked[:40]}.")], code="bad_sort")
    return asked or "-number"
