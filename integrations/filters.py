"""What a list of messages may be narrowed by."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters as df
from django.db.models import Q, QuerySet

from core.errors import Invalid, Problem
from integrations.failures import FailureClass
from integrations.models import Connection, InboundMessage

WAITING = "WAITING"
STATUSES = [
    ("RECEIVED", "Received"),
    (WAITING, "Waiting for something"),
    ("PROCESSED", "Processed"),
    ("FAILED", "Failed"),
    ("IGNORED", "Ignored"),
    ("DUPLICATE", "Duplicate"),
]


def _connections() -> list[tuple[str, str]]:
    return list(Connection.objects.order_by("code").values_list("code", "name"))


class MessageFilter(df.FilterSet):
    """Several values of one filter are alternatives. `q` finds a message's number, a delivery id, an order number or
    the beginning of a topic."""

    q = df.CharFilter(method="filter_reference", max_length=200)
    status = df.MultipleChoiceFilter(choices=STATUSES, method="filter_status")
    connection = df.MultipleChoiceFilter(field_name="connection__code", choices=_connections)
    failure = df.MultipleChoiceFilter(field_name="failure_class", choices=FailureClass.choices, method="filter_failure")
    topic = df.CharFilter(lookup_expr="exact", max_length=100)

    class Meta:
        model = InboundMessage
        fields: ClassVar[list[str]] = []

    def found(self) -> QuerySet[InboundMessage]:
        """The messages asked for. Invalid (400) names every parameter that makes no sense."""
        if not self.form.is_valid():
            raise Invalid(
                [Problem(name, "unknown", str(said[0])) for name, said in self.form.errors.items()], code="bad_filter"
            )
        rows: QuerySet[InboundMessage] = self.filter_queryset(self.queryset)
        return rows

    def filter_reference(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        words = value.replace("\0", "").strip()
        return rows.filter(matching(words)) if words else rows

    def filter_status(self, rows: QuerySet[Any], name: str, value: list[str]) -> QuerySet[Any]:
        if not value:
            return rows
        plain = [status for status in value if status != WAITING]
        wanted = Q(status__in=plain)
        if "RECEIVED" in plain and WAITING not in value:
            wanted &= ~Q(status="RECEIVED", waits_for__gt="")
        if WAITING in value:
            wanted |= Q(status="RECEIVED", waits_for__gt="")
        return rows.filter(wanted)

    def filter_failure(self, rows: QuerySet[Any], name: str, value: list[str]) -> QuerySet[Any]:
        return rows.filter(status="FAILED", failure_class__in=value) if value else rows


def matching(words: str) -> Q:
    """Messages a reference names; each alternative by its own index."""
    named = Q(external_id=words) | Q(result_label=words.upper())
    if len(words) >= 6:
        named |= Q(external_id__startswith=words)
    number = words.lower().removeprefix("message").strip()
    if number.isascii() and number.isdigit() and len(number) <= 18:
        named |= Q(pk=int(number)) | Q(result_label=f"SO-{number}")
    return named
