"""What a list of carriers' collections may be narrowed by."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters as df
from django.db.models import QuerySet

from core.errors import Invalid, Problem
from inventory.models import Location
from orders.models import VanCall, VanCallStatus


def _places() -> list[tuple[str, str]]:
    return list(Location.objects.order_by("code").values_list("code", "name"))


class VanCallFilter(df.FilterSet):
    """Several values of one filter are alternatives."""

    status = df.MultipleChoiceFilter(choices=VanCallStatus.choices)
    carrier = df.CharFilter(field_name="carrier", max_length=60)
    location = df.MultipleChoiceFilter(field_name="location__code", choices=_places)

    class Meta:
        model = VanCall
        fields: ClassVar[list[str]] = []

    def found(self) -> QuerySet[Any]:
        """The rows asked for. Invalid (400) names every parameter that makes no sense."""
        if not self.form.is_valid():
            raise Invalid(
                [Problem(name, "unknown", str(said[0])) for name, said in self.form.errors.items()], code="bad_filter"
            )
        return self.filter_queryset(self.queryset)
