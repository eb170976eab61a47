"""Whose books an order is in, and on which day something counts in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import Sum

from core.formats import day as said
from finance.models import Entity, EntityAccount, EntityChannel, MatchSide, Period, PeriodStatus, Settlement
from orders.models import Order


@dataclass(frozen=True, slots=True)
class Booked:
    """The day something counts; `late_from` is the day it belonged to, where that one's period is locked."""

    on: date
    late_from: date | None = None

    @property
    def note(self) -> str:
        return f"Of {said(self.late_from, ZoneInfo('UTC'))}, whose period is locked." if self.late_from else ""


def main() -> Entity:
    """The entity whose books everything is in that belongs to no other."""
    found = Entity.objects.order_by("pk").first()
    if found is None:
        found = Entity.objects.get_or_create(code="main", defaults={"name": "Main", "currency": "EUR"})[0]
    return found


def of_channel(channel_id: int) -> Entity:
    own = EntityChannel.objects.filter(channel_id=channel_id).select_related("entity").first()
    return own.entity if own else main()


def of(order: Order) -> Entity:
    return of_channel(order.channel_id)


def of_payout(payout: Settlement) -> Entity:
    """Whose account it was paid to: as is stated for the account or its provider, else the entity most of it was earned
    by, by the channels of the orders it is matched with; the main one's where nothing says."""
    stated = {each.account: each for each in EntityAccount.objects.filter(
        provider=payout.provider, account__in=("", payout.account)
    ).select_related("entity")}  # fmt: skip
    if found := stated.get(payout.account) or stated.get(""):
        return found.entity
    earned: dict[int, Decimal] = {}
    rows = MatchSide.objects.filter(line__settlement=payout, live=True, order__isnull=False)
    for channel, amount in rows.values_list("order__channel").annotate(Sum("amount")):
        entity = of_channel(channel)
        earned[entity.pk] = earned.get(entity.pk, Decimal(0)) + amount
    if not earned:
        return payout.entity or main()
    return Entity.objects.get(pk=max(earned, key=lambda pk: (earned[pk], -pk)))


def local_day(entity: Entity, moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(entity.time_zone)).date()


def local_hour(entity: Entity, moment: datetime) -> int:
    return moment.astimezone(ZoneInfo(entity.time_zone)).hour


def booked(entity: Entity, day: date) -> Booked:
    """The day itself, or the first one after the locked periods that follow on it."""
    free = day
    locked = Period.objects.filter(entity=entity, status=PeriodStatus.LOCKED, ends_on__gte=day).order_by("starts_on")
    for starts_on, ends_on in locked.values_list("starts_on", "ends_on"):
        if not starts_on <= free <= ends_on:
            break
        free = ends_on + timedelta(days=1)
    return Booked(free, day if free != day else None)
