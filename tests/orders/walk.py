"""Everything that may happen to an order, each as one step by chance: for tests that mix steps in any order, at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from random import Random

from core.actors import SYSTEM
from core.errors import Refusal
from orders import edits
from orders.models import Channel, FulfilmentLine, FulfilmentOrder, Order, OrderLine, ShortReason
from orders.services import allocation, changing, fulfilment, holds, intake
from tests.factories.orders import LEEDS, incoming, incoming_line

SKUS = ("A", "B", "C")
YORK = replace(LEEDS, line1="9 Stonegate", city="York", postal_code="YO1 8AS", latitude=None, longitude=None)
Step = Callable[[Random], object]


def _order(by: Random) -> Order:
    return by.choice(list(Order.objects.order_by("pk")))


def _job(by: Random) -> int:
    """Some work, rather one that goes on."""
    jobs = list(FulfilmentOrder.objects.active().order_by("pk").values_list("pk", flat=True))
    jobs = jobs or list(FulfilmentOrder.objects.order_by("pk").values_list("pk", flat=True))
    if not jobs:
        raise Refusal("no_work", "Nothing is to be worked on.")
    return by.choice(jobs)


def _edit(by: Random, order: Order) -> tuple[edits.Edit, ...]:
    lines = list(OrderLine.objects.filter(order=order, ordered__gt=0).order_by("pk"))
    ref, units = by.choice(lines).ref, by.randint(0, 5)
    return (
        by.choice(
            [
                edits.ChangeQuantity(line=ref, quantity=units),
                edits.RemoveLine(line=ref),
                edits.AddLine(sku=by.choice(SKUS), quantity=max(1, units), unit_price=Decimal(2)),
                edits.Substitute(line=ref, sku=by.choice(SKUS), quantity=max(1, units)),
                edits.Cancel(lines=(edits.CancelPart(line=ref, quantity=max(1, units)),)),
                edits.ChangeAddress(address=YORK),
                edits.ChangeMethod(method=by.choice(["SHIP", "PICKUP"]), pickup_location_code="SHOP"),
            ]
        ),
    )


def tell(by: Random) -> object:
    """The source sends the order again, changed or not, sometimes an old version."""
    order = _order(by)
    lines = [incoming_line(sku, by.randint(1, 4)) for sku in by.sample(SKUS, by.randint(1, 2))]
    version = order.source_version + by.randint(-1, 3)
    message = incoming(*lines, channel_ref=order.channel_ref, version=max(1, version))
    return intake.place(message, channel=Channel.objects.get(), actor=SYSTEM)


def confirm(by: Random) -> object:
    order = _order(by)
    version = order.version if by.random() < 0.7 else None
    return changing.confirm(order.pk, _edit(by, order), version=version, actor=SYSTEM, key=f"{by.getrandbits(64)}")


def preview(by: Random) -> object:
    order = _order(by)
    return changing.preview(order.pk, _edit(by, order), actor=SYSTEM)


def answer(by: Random) -> object:
    order = _order(by)
    change = changing.propose(order.pk, _edit(by, order), version=None, actor=SYSTEM, key=f"{by.getrandbits(64)}")
    return changing.accept(change, actor=SYSTEM) if by.random() < 0.7 else changing.decline(change, actor=SYSTEM)


def pick(by: Random) -> object:
    job = _job(by)
    line = by.choice(list(FulfilmentLine.objects.filter(fulfilment=job, quantity__gt=0).select_related("item")))
    return fulfilment.pick(job, code=line.item.sku, quantity=max(1, line.quantity - line.picked), actor=SYSTEM)


def short_pick(by: Random) -> object:
    job = _job(by)
    line = by.choice(list(FulfilmentLine.objects.filter(fulfilment=job, quantity__gt=0)))
    reason = by.choice([ShortReason.DAMAGED, ShortReason.NO_TIME, ShortReason.MISMATCH])
    return fulfilment.short_pick(job, line_id=line.pk, quantity=1, reason=reason, actor=SYSTEM)


def leave(by: Random) -> object:
    """As far towards the door as it goes."""
    job = FulfilmentOrder.objects.get(pk=_job(by))
    if job.status == "PICKED":
        return (fulfilment.ready if job.method == "PICKUP" else fulfilment.pack)(job.pk, actor=SYSTEM)
    if job.status == "READY":
        return fulfilment.hand_over(job.pk, id_seen=True, actor=SYSTEM)
    return fulfilment.ship(job.pk, actor=SYSTEM)


STEPS: dict[str, Step] = {
    "tell": tell,
    "confirm": confirm,
    "preview": preview,
    "answer": answer,
    "release": lambda by: fulfilment.create(_order(by).pk),
    "allocate": lambda by: allocation.allocate(_order(by).pk),
    "start": lambda by: fulfilment.start_pick(_job(by), actor=SYSTEM),
    "pick": pick,
    "short_pick": short_pick,
    "leave": leave,
    "leave_again": leave,
    "reject": lambda by: fulfilment.reject(_job(by), reason="No time", actor=SYSTEM),
    "withdraw": lambda by: fulfilment.cancel(_job(by), reason="Elsewhere", actor=SYSTEM),
    "cancel": lambda by: changing.cancel(_order(by).pk, reason="Changed their mind", actor=SYSTEM),
    "hold": lambda by: holds.place(_order(by).pk, blocks=by.choice(["ALLOCATE", "RELEASE", "SHIP"]), actor=SYSTEM),
    "lift": lambda by: holds.release(_order(by).pk, hold_type="MANUAL", actor=SYSTEM),
}


def take(name: str, seed: int) -> str:
    """One step; what was refused, "" when it was done. A place that runs out of choices counts as refused."""
    try:
        STEPS[name](Random(seed))
    except Refusal as refusal:
        return refusal.code
    except IndexError:
        return "nothing_there"
    return ""


def go(seed: int, steps: int) -> int:
    """So many steps by chance; returns how many were taken."""
    by, names = Random(seed), sorted(STEPS)
    return sum(take(by.choice(names), by.getrandbits(32)) == "" for _ in range(steps))
