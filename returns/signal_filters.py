"""Filters of the signals list, shared with whatever else lists them."""

from __future__ import annotations

import django_filters

from returns.models import Dimension, ReturnSignal, SignalKind


class SignalFilter(django_filters.FilterSet):
    kind = django_filters.MultipleChoiceFilter(choices=SignalKind)
    dimension = django_filters.MultipleChoiceFilter(choices=Dimension)
    ended = django_filters.BooleanFilter(field_name="ended_at", lookup_expr="isnull", exclude=True)
    q = django_filters.CharFilter(field_name="label", lookup_expr="icontains", max_length=100)

    class Meta:
        model = ReturnSignal
        fields = ("kind", "dimension", "ended", "q")

    def filter_queryset(self, queryset):
        found = super().filter_queryset(queryset)
        return found if self.form.cleaned_data.get("ended") is not None else found.filter(ended_at__isnull=True)
