"""What the lists of back-orders and of partners' requests may be narrowed by."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters as df
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from core.errors import Invalid, Problem
from inventory import skus
from inventory.models import PARTNERS, Location
from orders.models import BackOrder, BackOrderStatus, PartnerRequest, PartnerRequestStatus

LATE = [("slipped", "Later than promised"), ("overdue", "Should be here")]
OWES = [("answer", "An answer, overdue"), ("dispatch", "The dispatch, overdue"), ("passing", "Passing on by a person")]


def _places() -> list[tuple[str, str]]:
    return list(Location.objects.order_by("code").values_list("code", "name"))


def _partners() -> list[tuple[str, str]]:
    return list(Location.objects.filter(kind__in=PARTNERS).order_by("code").values_list("code", "name"))


class _Filter(df.FilterSet):
    def found(self) -> QuerySet[Any]:
        """The rows asked for. Invalid (400) names every parameter that makes no sense."""
        if not self.form.is_valid():
            raise Invalid(
                [Problem(name, "unknown", str(said[0])) for name, said in self.form.errors.items()], code="bad_filter"
            )
        return self.filter_queryset(self.queryset)


class BackOrderFilter(_Filter):
    """Several values of one filter are alternatives. `q` finds an order by its number, or an article by its SKU."""

    q = df.CharFilter(method="filter_reference", max_length=200)
    status = df.MultipleChoiceFilter(choices=BackOrderStatus.choices)
    late = df.MultipleChoiceFilter(choices=LATE, method="filter_late")
    place = df.MultipleChoiceFilter(field_name="location__code", choices=_places)

    class Meta:
        model = BackOrder
        fields: ClassVar[list[str]] = []

    def filter_reference(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        text = value.replace("\0", "").strip()
        code = skus.normalise(text)
        return rows.filter(Q(order_line__order__number=text.upper()) | Q(item__sku__in={code, code.upper()}))

    def filter_late(self, rows: QuerySet[Any], name: str, value: list[str]) -> QuerySet[Any]:
        late = {"slipped": Q(due_at__gt=F("first_due_at")), "overdue": Q(due_at__lt=timezone.now())}
        wanted = Q()
        for each in value:
            wanted |= late[each]
        return rows.filter(wanted, status=BackOrderStatus.WAITING) if value else rows


class PartnerRequestFilter(_Filter):
    """Several values of one filter are alternatives. `q` is our number of the work or the order, or the partner's."""

    q = df.CharFilter(method="filter_reference", max_length=200)
    status = df.MultipleChoiceFilter(choices=PartnerRequestStatus.choices)
    owes = df.MultipleChoiceFilter(choices=OWES, method="filter_owes")
    partner = df.MultipleChoiceFilter(field_name="fulfilment__location__code", choices=_partners)

    class Meta:
        model = PartnerRequest
        fields: ClassVar[list[str]] = []

    def filter_reference(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        text = value.replace("\0", "").strip()
        return rows.filter(
            Q(fulfilment__number=text.upper()) | Q(fulfilment__order__number=text.upper()) | Q(partner_ref=text)
        )

    def filter_owes(self, rows: QuerySet[Any], name: str, value: list[str]) -> QuerySet[Any]:
        now = timezone.now()
        owed = {
            "answer": Q(status=PartnerRequestStatus.REQUESTED, answer_by__lt=now),
            "dispatch": Q(status=PartnerRequestStatus.ACCEPTED, ship_by__lt=now),
            "passing": Q(status=PartnerRequestStatus.REQUESTED, fulfilment__location__partner_link__connection_code=""),
        }
        wanted = Q()
        for each in value:
            wanted |= owed[each]
        return rows.filter(wanted) if value else rows
