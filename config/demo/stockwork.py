"""Candles by lot and lamps by number on the move: counts of them, and transfers at every step of their way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from config.demo.units import CANDLE, LAMP, STORE, WAREHOUSE
from core import actors, outbox
from core.models import User
from inventory.models import Item, Location, LotStock, State, Stock, TransferLine
from inventory.services import counts, transfers


def make(say: Callable[[str], None]) -> None:
    """Safe to repeat."""
    if TransferLine.objects.filter(item__sku=LAMP).exists():
        return
    warehouse, store = Location.objects.get(code=WAREHOUSE), Location.objects.get(code=STORE)
    asker, approver = (actors.person(user) for user in User.objects.filter(is_active=True).order_by("pk")[:2])
    _count(warehouse, asker, begun=True)
    _count(store, asker, begun=False)
    for fate in ("requested", "approved", "picking", "in transit"):
        _transfer(warehouse, store, asker, approver, fate)
    outbox.drain("default")
    say("2 counts and 4 transfers of articles told apart by lot or serial number")


def _named() -> dict[str, int]:
    return dict(Item.objects.filter(sku__in=(CANDLE, LAMP)).values_list("sku", "pk"))


def _plain(place: Location, many: int, *, least: int = 8) -> list[Stock]:
    rows = Stock.objects.filter(location=place, sellable__gte=least, item__tracking="NONE").select_related("item")
    return list(rows.order_by("pk")[:many])


def _count(place: Location, asker: actors.Actor, *, begun: bool) -> None:
    """A count of two plain articles and of those with names; begun, a few of each have been seen."""
    plain = [row.item for row in _plain(place, 2)]
    listed = [*(item.pk for item in plain), *_named().values()]
    pk = counts.request(place.pk, listed, cause=None, origin="HAND", actor=asker, note="Every quarter")
    if not begun:
        return
    counts.scan(pk, code=plain[0].sku, actor=asker)
    for name, quantity in LotStock.objects.filter(
        location=place, state=State.SELLABLE, lot__item__sku__in=(CANDLE, LAMP)
    ).values_list("lot__code", "quantity")[:4]:
        counts.scan(pk, code=name, quantity=quantity, actor=asker)


def _transfer(origin: Location, to: Location, asker: actors.Actor, approver: actors.Actor, fate: str) -> None:
    named, plain = _named(), _plain(origin, 1, least=20)[0]
    lines = [(plain.item_id, 4), (named[CANDLE], 6), (named[LAMP], 1)]
    pk = transfers.request(origin.pk, to.pk, lines, actor=asker, due_at=timezone.now() + timedelta(days=2))
    if fate == "requested":
        return
    transfers.approve(pk, actor=approver)
    if fate == "approved":
        return
    free = LotStock.objects.filter(location=origin, state=State.SELLABLE, quantity__gt=0)
    lamps = free.filter(lot__item__sku=LAMP).order_by("-lot__code").values_list("lot__code", flat=True)
    transfers.pick(pk, code=lamps[0 if fate == "picking" else 1], actor=asker)
    transfers.pick(pk, code="P-0417", quantity=6, actor=asker)
    transfers.pick(pk, code=plain.item.sku, quantity=3, actor=asker)
    if fate == "in transit":
        transfers.finish_pick(pk, actor=asker)
        transfers.ship(pk, carrier="Own van", actor=asker)
