"""What the list of message templates may be narrowed by."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters as df
from django.db.models import Q, QuerySet

from core.errors import Invalid, Problem
from orders.message_words import TELLABLE
from orders.models import Channel, Medium, MessageTemplate, TemplateStatus


def _channels() -> list[tuple[str, str]]:
    return list(Channel.objects.order_by("code").values_list("code", "name"))


class TemplateFilter(df.FilterSet):
    """Several values of one filter are alternatives. `q` looks into the words."""

    q = df.CharFilter(method="filter_words", max_length=200)
    event = df.MultipleChoiceFilter(choices=[(told.event, told.title) for told in TELLABLE.values()])
    medium = df.MultipleChoiceFilter(choices=Medium.choices)
    status = df.MultipleChoiceFilter(choices=TemplateStatus.choices)
    channel = df.MultipleChoiceFilter(field_name="channel__code", choices=_channels)

    class Meta:
        model = MessageTemplate
        fields: ClassVar[list[str]] = []

    def found(self) -> QuerySet[MessageTemplate]:
        """The templates asked for. Invalid (400) names every parameter that makes no sense."""
        if not self.form.is_valid():
            raise Invalid(
                [Problem(name, "unknown", str(said[0])) for name, said in self.form.errors.items()], code="bad_filter"
            )
        rows: QuerySet[MessageTemplate] = self.filter_queryset(self.queryset)
        return rows

    def filter_words(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        text = value.replace("\0", "").strip()
        return rows.filter(Q(subject__icontains=text) | Q(body__icontains=text)) if text else rows
