"""Counts and transfers of the demo: worked through the same services as a retailer's, and some left for today."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

from django.utils import timezone

from core import actors
from core.actors import Actor
from core.models import User
from inventory.models import COUNT_TO_DO, Count, CountPlan, Location, Stock, Transfer
from inventory.services import counts, paces, plans, transfers

LEFT_OPEN = timedelta(hours=20)


def make(say: Callable[[str], None]) -> None:
    """Count what the month's short picks asked for, open today's plans, move what runs out. Safe to repeat."""
    random = Random("stockroom")
    done = _old_counts(random)
    for place in Location.objects.filter(kind__in=("STORE", "WAREHOUSE")).order_by("pk"):
        paces.measure(place.pk)
    for place in Location.objects.filter(kind="STORE").order_by("pk")[:2]:
        CountPlan.objects.get_or_create(location=place, defaults={"lines_per_count": 8})
    opened = plans.open_due()
    moved = 0 if Transfer.objects.exists() else _transfers(random)
    say(f"{done} counts made, {opened} opened by plan, {moved} transfers")


def _person(email: str) -> Actor:
    return actors.person(User.objects.get(email=email))


def _old_counts(random: Random) -> int:
    """Everything asked for before today is counted; about one in five finds something."""
    old = Count.objects.filter(status__in=COUNT_TO_DO, created_at__lt=timezone.now() - LEFT_OPEN).order_by("pk")
    made, picker = 0, _person("chen@harrowvale.example")
    for count in old[:60]:
        for _ in range(2):  # a large difference is looked at twice
            for line in count.lines.filter(counted=None):
                row = Stock.objects.filter(item=line.item_id, location=line.location_id).first()
                found = max(0, (row.sellable if row else 0) + random.choice((0, 0, 0, 0, -1, 1)))
                counts.enter(count.pk, line_id=line.pk, quantity=found, actor=picker)
            if counts.finish(count.pk, actor=picker).status != "COUNTING":
                break
        made += 1
    return made


def _transfers(random: Random) -> int:
    """From the warehouse to the stores: one arrived, one short, one on its way, the rest wait for approval."""
    depot = Location.objects.filter(kind="WAREHOUSE").order_by("pk").first()
    if depot is None:
        return 0
    made, picker = 0, _person("chen@harrowvale.example")
    deep = Stock.objects.filter(location=depot, sellable__gt=40, reserved=0, item__tracking="NONE").order_by("pk")
    items = list(deep.values_list("item_id", flat=True)[:500])
    for n, store in enumerate(Location.objects.filter(kind="STORE").order_by("pk")[:5]):
        lines = [(item, random.randint(2, 6)) for item in random.sample(items, min(len(items), 3))]
        if not lines:
            break
        transfer = transfers.request(depot.pk, store.pk, lines, actor=picker, reason="Weekly delivery")
        made += 1
        _walk(transfer, n, random, picker)
    return made


def _walk(transfer: int, n: int, random: Random, picker: Actor) -> None:
    if n > 2:
        return
    transfers.approve(transfer, actor=_person("admin@harrowvale.example"))
    for line in Transfer.objects.get(pk=transfer).lines.select_related("item"):
        transfers.pick(transfer, code=line.item.sku, quantity=line.approved, actor=picker)
    transfers.ship(transfer, carrier="Own van", tracking_number=f"V-{random.randrange(1000, 9999)}", actor=picker)
    if n == 2:
        return
    for line in Transfer.objects.get(pk=transfer).lines.all():
        missing = 1 if n == 1 and line.shipped > 1 else 0
        transfers.enter(transfer, line_id=line.pk, found=line.shipped - missing, actor=picker)
    transfers.receive(transfer, accept_differences=True, actor=picker)
