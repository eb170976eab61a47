"""Which way an order's money goes: changed by a person, with what it was before kept."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from core import events
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from orders import events as facts
from orders.models import Channel, Order, OrderStatus, Payment, PaymentKind, PaymentRoute, Via
from orders.services import instructions

LOOKED_AT = timedelta(days=90)
MOST = 5_000
WAYS = (Via.CHANNEL, Via.PROVIDER, Via.HAND)


@dataclass(frozen=True, slots=True)
class Draft:
    """A route as a form says it. `connection` is the code of the provider's account."""

    gateway: str
    via: str
    connection: str
    capture_on_ship: bool
    void_on_cancel: bool
    holds_days: int
    warn_hours: int


def keep(channel: Channel, draft: Draft, *, route_id: int | None, was: str, actor: Actor) -> PaymentRoute:
    """Make or change one. `was` is `stamp` of the row that was looked at: Refusal("stale") where it changed since.

    Orders under way follow it from their next capture, void or refund on; what was sent already stays where it is.
    """
    check(draft)
    with transaction.atomic():
        Channel.objects.select_for_update(no_key=True).get(pk=channel.pk)
        row = PaymentRoute.objects.filter(pk=route_id, channel=channel).first() if route_id else None
        if route_id and row is None:
            raise Refusal("not_found", "No such route.", status=404)
        if row is not None and stamp(row) != was:
            raise Refusal("stale", "Somebody else changed it meanwhile. Look again.")
        taken = PaymentRoute.objects.filter(channel=channel, gateway=draft.gateway).exclude(pk=route_id)
        if taken.exists():
            raise Invalid([Problem("gateway", "taken", f"{channel.name} has a route for it already.")], status=422)
        before = _told(row) if row else None
        row = row or PaymentRoute(channel=channel)
        for name, value in asdict(draft).items():
            setattr(row, name, value)
        row.save()
        if before != _told(row):
            events.record(
                facts.ROUTE_CHANGED,
                subject(row),
                actor=actor,
                data={"channel": channel.code, "before": before, "after": _told(row)},
            )
    return row


def check(draft: Draft) -> None:
    problems = []
    if draft.via not in WAYS:
        problems.append(Problem("via", "unknown", "Choose one of those offered."))
    if draft.via == Via.PROVIDER and not draft.connection:
        problems.append(Problem("connection", "missing", "Name the provider's account that carries it out."))
    if not 1 <= draft.holds_days <= 365:
        problems.append(Problem("holds_days", "range", "The days an authorisation lasts have to be 1 to 365."))
    if not 1 <= draft.warn_hours <= draft.holds_days * 24:
        problems.append(Problem("warn_hours", "range", "The warning has to come within the days it lasts."))
    if problems:
        raise Invalid(problems, status=422)


def subject(row: PaymentRoute) -> Subject:
    return Subject("payment_route", str(row.pk), f"{row.channel.name}, {row.gateway or 'any gateway'}")


def stamp(row: PaymentRoute) -> str:
    """Names a route as it stands."""
    return "|".join(str(value) for value in _told(row).values())


def open_orders(channel: Channel, gateway: str) -> int:
    """Orders under way that were paid this way, up to a thousand: they follow a change."""
    rows = Order.objects.filter(
        channel=channel, status__in=(OrderStatus.RECEIVED, OrderStatus.ACCEPTED), payments__kind=PaymentKind.AUTHORISED
    )
    rows = rows.filter(payments__gateway=gateway) if gateway else rows
    return rows.order_by().values("pk").distinct()[:1000].count()


def unrouted(channels: Any) -> list[tuple[int, str, int]]:
    """(channel, gateway, payments) of lately captured money that only the general way fits, the most used first. What
    our own ledger or returned goods paid for goes no such way."""
    known = set(PaymentRoute.objects.values_list("channel_id", "gateway"))
    lately = Payment.objects.filter(
        kind__in=(PaymentKind.CAPTURED, PaymentKind.REFUNDED), at__gt=timezone.now() - LOOKED_AT
    )
    newest = lately.order_by("-at").values("pk")[:MOST]
    rows = (
        Payment.objects.filter(pk__in=newest, order__channel__in=channels)
        .exclude(gateway__in=["", instructions.CREDIT, instructions.EXCHANGE])
        .values_list("order__channel_id", "gateway")
        .annotate(n=Count("pk"))
        .order_by("-n")
    )
    return [(channel, gateway, n) for channel, gateway, n in rows if (channel, gateway) not in known][:20]


def _told(row: PaymentRoute) -> dict[str, Any]:
    return {name: getattr(row, name) for name in Draft.__slots__}
