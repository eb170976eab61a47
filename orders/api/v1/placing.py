"""Taking one order from a caller: alone, or as one of a batch."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse

from core.api import Caller, etag, reply
from core.errors import Invalid, Problem, Refusal
from orders import canonical
from orders.api.v1.bodies import NewOrder
from orders.models import Channel
from orders.services import intake, lookups

# These keep the order but need a person before it is right.
NEEDS_A_PERSON = frozenset({"orders.unknown_sku", "orders.totals_disagree", "orders.unknown_account"})


def channel_of(code: str, caller: Caller) -> Channel:
    """The channel a caller speaks for. Another's isn't there for it; Refusal("channel_closed") where it is closed."""
    channel = lookups.channel(code)
    if channel is None or (caller.channels is not None and channel.code not in caller.channels):
        raise Http404
    if not channel.active:
        raise Refusal("channel_closed", f"{channel.name} takes no orders.", channel=channel.code)
    return channel


def orders_of(body: Any, *, most: int) -> list[Any]:
    """The orders of `{"orders": […]}`, unread as yet: 1 to `most`. Invalid for any other shape."""
    if not isinstance(body, dict) or set(body) != {"orders"} or not isinstance(body["orders"], list):
        raise Invalid([Problem("orders", "shape", 'Send {"orders": […]} and nothing else.')])
    orders = body["orders"]
    if not orders:
        raise Invalid([Problem("orders", "too_few", "Send at least one order.")])
    if len(orders) > most:
        raise Invalid([Problem("orders", "too_many", f"At most {most} in one call.")], status=413)
    return orders


def place(incoming: NewOrder, caller: Any) -> HttpResponse:
    """201 made, 200 changed or known, 202 kept although somebody has to look at it."""
    if problems := canonical.contradictions(incoming):
        raise Invalid(problems)
    channel = channel_of(incoming.channel, caller)
    placed = intake.place(incoming, channel=channel, actor=caller.actor)
    body = {
        "number": placed.number,
        "channel": channel.code,
        "channel_ref": incoming.channel_ref,
        "outcome": placed.outcome,
        "problems": placed.problems,
        "version": placed.version,
    }
    headers = {"Location": reverse("api:v1:order", args=[placed.number]), "ETag": etag(placed.version)}
    return reply(body, status=_status(placed), headers=headers)


def _status(placed: intake.Placed) -> int:
    if NEEDS_A_PERSON & set(placed.problems):
        return 202
    return 201 if placed.outcome == "created" else 200
