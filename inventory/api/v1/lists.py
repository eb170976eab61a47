"""What every list of stock shares: parameters it doesn't know are refused, and the schema names those it does."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from core.errors import Invalid, Problem

PAGING = frozenset({"after", "before", "page_size"})


def known(request: Any, filters: Any) -> None:
    """Invalid (400) for parameters the list isn't narrowed by: a misspelt filter would answer with everything."""
    unknown = sorted(set(request.GET) - PAGING - set(filters.base_filters))
    if unknown:
        raise Invalid([Problem(name[:60], "unknown", "Not narrowed by this.") for name in unknown], code="bad_filter")


def parameters(filters: Any, *, flags: Collection[str] = (), single: Collection[str] = ()) -> list[OpenApiParameter]:
    """The filters and the paging for the schema. `flags` are true or false, `single` are said once at most."""

    def query(name: str, kind: Any = OpenApiTypes.STR, *, many: bool = False) -> OpenApiParameter:
        return OpenApiParameter(name, kind, OpenApiParameter.QUERY, many=many)

    once = {"q", *flags, *single}
    named = [
        query(name, OpenApiTypes.BOOL if name in flags else OpenApiTypes.STR, many=name not in once)
        for name in filters.base_filters
    ]
    return [*named, query("page_size", OpenApiTypes.INT), query("after"), query("before")]
