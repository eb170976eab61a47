"""What a list of accounts may be narrowed by: one FilterSet for the screen and the API."""

from __future__ import annotations

from typing import ClassVar

import django_filters as df
from django.db.models import Exists, OuterRef, Q, QuerySet

from core.errors import Invalid, Problem
from orders.models import Account, Channel, Hold, HoldType

ORDER = ("name", "id")
NEEDS = [("credit", "Orders wait for credit"), ("approval", "Orders wait for approval"), ("stop", "On stop")]


class AccountFilter(df.FilterSet):
    """Several values of one filter are alternatives. `q` finds a code, or a part of a name."""

    q = df.CharFilter(method="filter_words", max_length=120)
    channel = df.ModelMultipleChoiceFilter(
        method="filter_channel", queryset=lambda request: Channel.objects.all(), to_field_name="code"
    )
    needs = df.MultipleChoiceFilter(method="filter_needs", choices=NEEDS)

    class Meta:
        model = Account
        fields: ClassVar[list[str]] = []

    def found(self) -> QuerySet[Account]:
        """The accounts asked for. Invalid (400) names every parameter that makes no sense."""
        if not self.form.is_valid():
            raise Invalid(
                [Problem(name, "unknown", str(said[0])) for name, said in self.form.errors.items()], code="bad_filter"
            )
        rows: QuerySet[Account] = self.filter_queryset(self.queryset)
        return rows

    def filter_words(self, rows: QuerySet[Account], name: str, value: str) -> QuerySet[Account]:
        words = value.replace("\0", "").strip()
        return rows.filter(Q(code__iexact=words) | Q(name__icontains=words)) if words else rows

    def filter_channel(self, rows: QuerySet[Account], name: str, value: list[Channel]) -> QuerySet[Account]:
        return rows.filter(channel__in=[channel.pk for channel in value]) if value else rows

    def filter_needs(self, rows: QuerySet[Account], name: str, value: list[str]) -> QuerySet[Account]:
        held = Hold.objects.standing().filter(order__account=OuterRef("pk"))
        wanted = Q()
        for need in value:
            wanted |= {
                "credit": Q(Exists(held.filter(type=HoldType.CREDIT))),
                "approval": Q(Exists(held.filter(type=HoldType.APPROVAL))),
                "stop": Q(on_stop=True),
            }[need]
        return rows.filter(wanted) if value else rows
