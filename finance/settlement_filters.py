"""What a list of payouts or of bank lines may be narrowed by."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters as df
from django.db.models import F, Q, QuerySet

from core.errors import Invalid, Problem
from finance import canonical
from finance.models import NOT_PROVEN, BankLine, MatchStatus, PayoutState, Settlement, SettlementLine


def _providers() -> list[tuple[str, str]]:
    return [(reader.code, reader.title) for reader in canonical.readers()]


class Checked(df.FilterSet):
    def found(self) -> QuerySet[Any]:
        """The rows asked for. Invalid (400) names every parameter that makes no sense."""
        if not self.form.is_valid():
            raise Invalid(
                [Problem(name, "unknown", str(said[0])) for name, said in self.form.errors.items()], code="bad_filter"
            )
        rows: QuerySet[Any] = self.filter_queryset(self.queryset)
        return rows


class SettlementFilter(Checked):
    """`q` finds a payout by its own number, or by an order, a payment or a refund that is in it."""

    q = df.CharFilter(method="filter_reference", max_length=120)
    provider = df.MultipleChoiceFilter(choices=_providers, distinct=False)
    state = df.MultipleChoiceFilter(choices=PayoutState.choices, distinct=False)
    open = df.BooleanFilter(method="filter_open")
    unbanked = df.BooleanFilter(method="filter_unbanked")
    unproven = df.BooleanFilter(method="filter_unproven")

    class Meta:
        model = Settlement
        fields: ClassVar[list[str]] = []

    def filter_reference(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        words = value.replace("\0", "").strip()
        if not words:
            return rows
        by_ref = Settlement.objects.filter(ref=words).values("pk")
        named = [
            SettlementLine.objects.filter(**{column: each}).values("settlement_id")
            for column in ("order_ref", "payment_ref", "refund_ref")
            for each in {words, f"#{words.lstrip('#')}"}
        ]
        return rows.filter(pk__in=by_ref.union(*named))

    def filter_open(self, rows: QuerySet[Any], name: str, value: bool | None) -> QuerySet[Any]:
        if value is None:
            return rows
        return rows.exclude(residual=0) if value else rows.filter(residual=0)

    def filter_unbanked(self, rows: QuerySet[Any], name: str, value: bool | None) -> QuerySet[Any]:
        if value is None:
            return rows
        apart = ~Q(banked=F("payout"))
        return rows.filter(apart) if value else rows.exclude(apart)

    def filter_unproven(self, rows: QuerySet[Any], name: str, value: bool | None) -> QuerySet[Any]:
        """Those of which nothing beyond their own rows says what they come to."""
        if value is None:
            return rows
        apart = NOT_PROVEN & ~Q(state=PayoutState.PENDING)
        return rows.filter(apart) if value else rows.exclude(apart)


class BankLineFilter(Checked):
    q = df.CharFilter(field_name="text", lookup_expr="icontains", max_length=120)
    status = df.MultipleChoiceFilter(choices=[*MatchStatus.choices[:2], ("none", "No payout")], method="filter_status")

    class Meta:
        model = BankLine
        fields: ClassVar[list[str]] = []

    def filter_status(self, rows: QuerySet[Any], name: str, value: list[str]) -> QuerySet[Any]:
        wanted = ["" if each == "none" else each for each in value]
        return rows.filter(status__in=wanted) if wanted else rows
