"""One order by its number, as far as the key may see it."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse

from core.api import etag, reply, require_match
from orders.api.v1 import shapes
from orders.models import Order


def order(request: Any, number: str) -> Order:
    found = Order.objects.for_caller(request.auth).select_related("channel").filter(number=number).first()
    if found is None:
        raise Http404
    return found


def detailed(request: Any, number: str) -> Order:
    """The same with everything `shapes.detail` reads."""
    found = shapes.with_details(Order.objects.for_caller(request.auth)).filter(number=number).first()
    if found is None:
        raise Http404
    return found


def answer(request: Any, number: str, *, status: int = 200) -> HttpResponse:
    """The order as it is now."""
    fresh = detailed(request, number)
    return reply(shapes.detail(fresh), status=status, headers={"ETag": etag(fresh.version)})


def seen_version(request: Any, found: Order) -> int:
    """The version a change is made to: the caller's If-Match where it sent one, else what stands now."""
    if "HTTP_IF_MATCH" in request.META:
        require_match(request, found.version)
    return found.version
