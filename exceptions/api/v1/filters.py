"""The screen's filters as a program uses them: nobody is "me", and an owner may be named by e-mail."""

from __future__ import annotations

from typing import Any

import django_filters as df
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from core.errors import Invalid, Problem
from exceptions.filters import ORDERS, CaseFilter
from exceptions.models import Case

PAGING = frozenset({"after", "before", "page_size", "sort"})
ONCE = frozenset({"q", "owner", "subject", "parent"})


class CallerCaseFilter(CaseFilter):
    """`owner` is none, a person's id or an e-mail address."""

    owner = df.CharFilter(method="filter_owner", max_length=254)

    def __init__(self, data: Any, queryset: QuerySet[Case]):
        if unknown := sorted(set(data) - PAGING - set(self.base_filters)):
            problems = [Problem(name[:60], "unknown", "The list isn't narrowed by it.") for name in unknown[:50]]
            raise Invalid(problems, code="bad_filter")
        super().__init__(data, queryset, user=None)  # type: ignore[arg-type]  # a program is no person

    def filter_owner(self, rows: QuerySet[Case], name: str, value: str) -> QuerySet[Case]:
        if "@" in value:
            return rows.filter(owner__email__iexact=value)
        if value == "me" or (value.isdigit() and len(value) > 18):
            raise Invalid([Problem("owner", "unknown", "Ask for none, an e-mail address or a person's id.")])
        return super().filter_owner(rows, name, value)


def parameters() -> list[OpenApiParameter]:
    """The filters, the order and the paging for the schema."""

    def query(name: str, kind: Any = OpenApiTypes.STR, **options: Any) -> OpenApiParameter:
        return OpenApiParameter(name, kind, OpenApiParameter.QUERY, **options)

    named = [query(name, many=name not in ONCE) for name in CallerCaseFilter.base_filters]
    order = query("sort", enum=list(ORDERS), description="Without it, the case nearest its time comes first.")
    return [*named, order, query("page_size", OpenApiTypes.INT), query("after"), query("before")]
