"""What a list of transfers may be narrowed by."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters as df
from django.db.models import Exists, OuterRef, Q, QuerySet

from core.errors import Invalid, Problem
from inventory import skus
from inventory.models import Location, Transfer, TransferLine, TransferStatus

NEEDS = [("approval", "Approval"), ("picking", "Picking"), ("sending", "Sending"), ("receiving", "Receiving")]


def _places() -> list[tuple[str, str]]:
    return list(Location.objects.order_by("code").values_list("code", "name"))


class TransferFilter(df.FilterSet):
    """Several values of one filter are alternatives. `q` finds a transfer by number or tracking, or all with a SKU."""

    q = df.CharFilter(method="filter_reference", max_length=200)
    status = df.MultipleChoiceFilter(choices=TransferStatus.choices)
    needs = df.MultipleChoiceFilter(choices=NEEDS, method="filter_needs")
    origin = df.MultipleChoiceFilter(field_name="origin__code", choices=_places)
    destination = df.MultipleChoiceFilter(field_name="destination__code", choices=_places)

    class Meta:
        model = Transfer
        fields: ClassVar[list[str]] = []

    def found(self) -> QuerySet[Transfer]:
        """The transfers asked for. Invalid (400) names every parameter that makes no sense."""
        if not self.form.is_valid():
            raise Invalid(
                [Problem(name, "unknown", str(said[0])) for name, said in self.form.errors.items()], code="bad_filter"
            )
        rows: QuerySet[Transfer] = self.filter_queryset(self.queryset)
        return rows

    def filter_reference(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        text = value.replace("\0", "").strip()
        number = text.upper().removeprefix("TR-")
        if not text:
            return rows
        if number.isascii() and number.isdigit() and len(number) <= 18 and text.upper().startswith("TR-"):
            return rows.filter(pk=int(number))
        code = skus.normalise(text)
        listed = TransferLine.objects.filter(transfer=OuterRef("pk"), item__sku__in={code, code.upper()})
        return rows.filter(Q(tracking_number=text) | Exists(listed))

    def filter_needs(self, rows: QuerySet[Any], name: str, value: list[str]) -> QuerySet[Any]:
        needs = {
            "approval": Q(status=TransferStatus.REQUESTED, approved_at=None),
            "picking": Q(status=TransferStatus.REQUESTED, approved_at__isnull=False),
            "sending": Q(status=TransferStatus.PICKED),
            "receiving": Q(status=TransferStatus.IN_TRANSIT),
        }
        wanted = Q()
        for need in value:
            wanted |= needs[need]
        return rows.filter(wanted) if value else rows
