"""/api/v1/stock: what lies where."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse

from core.api import ApiView, keyset, page_reply
from inventory.api.v1 import lists, words
from inventory.filters import StockFilter
from inventory.models import INSIDE, Stock


class StockList(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "stock:read"}

    @words.STOCK
    def get(self, request: Any) -> HttpResponse:
        """A page of stock rows; new ones come last, so walking the pages meets every row once."""
        lists.known(request, StockFilter)
        rows = StockFilter(request.GET, Stock.objects.for_caller(request.auth), request=request).found()
        return page_reply(request, keyset(rows.select_related("item", "location"), request, ("id",)), _row)


def _row(row: Stock) -> dict[str, Any]:
    return {
        "sku": row.item.sku,
        "location": row.location.code,
        **{state.value: getattr(row, state.value) for state in INSIDE},
        "reserved": row.reserved,
        "free": row.free,
        "updated_at": row.updated_at,
    }
