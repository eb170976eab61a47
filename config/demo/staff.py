"""People of the demo's stores and warehouses, working orders as real ones do: in turn, with the odd shelf found empty."""

from __future__ import annotations

from datetime import datetime
from random import Random

from config.demo.clock import SetClock
from core import outbox
from core.actors import PERSON, Actor
from core.errors import Refusal
from core.models import User
from orders.models import FulfilmentOrder, FulfilmentStatus, Order, ShortReason
from orders.models.fulfilment import ACTIVE
from orders.services import fulfilment
from orders.services.packing import Parcel

CARRIERS = {
    "GB": ("Royal Mail", "RM{:09d}GB"),
    "NL": ("PostNL", "3SHV{:09d}"),
    "BE": ("PostNL", "3SHV{:09d}"),
    "IE": ("DPD", "DPD{:09d}"),
}
SHORTS = (ShortReason.NOT_FOUND, ShortReason.DAMAGED, ShortReason.ON_DISPLAY, ShortReason.MISMATCH)
_people: dict[str, Actor] = {}


def at(job: FulfilmentOrder) -> Actor:
    """Somebody who works at that place."""
    code = job.location.site.code if job.location.site else ""
    if code not in _people:
        user = User.objects.filter(sites__code=code).first()
        _people[code] = (
            Actor(PERSON, str(user.pk), user.name)
            if user
            else Actor(PERSON, f"till-{code}", f"Handheld, {job.location.name}")
        )
    return _people[code]


def work(order: Order, clock: SetClock, random: Random, *, until: datetime) -> None:
    """Take everything of the order as far as time allows; each step takes some minutes."""
    if (until - clock.moment).total_seconds() < random.uniform(0, 10) * 3600:
        return  # fresh orders wait for somebody
    for _ in range(3):  # a short pick opens new work elsewhere
        jobs = list(
            FulfilmentOrder.objects.filter(order=order, status__in=ACTIVE)
            .select_related("location__site")
            .order_by("pk")
        )
        if not jobs:
            return
        for job in jobs:
            if not _finish(job, clock, random, until):
                return
        outbox.drain("default")


def _finish(job: FulfilmentOrder, clock: SetClock, random: Random, until: datetime) -> bool:
    """False when the day ended before the parcel left."""
    while job.status in ACTIVE:
        if clock.forward(minutes=random.uniform(4, 55)) >= until:
            return False
        step(job, random, short=random.random() < 0.02)
        job.refresh_from_db()
    return True


def step(job: FulfilmentOrder, random: Random, *, short: bool = False) -> str:
    """Do the next thing for this work; returns what was done."""
    who = at(job)
    if job.status == FulfilmentStatus.OPEN:
        fulfilment.accept(job.pk, actor=who)
        return "accepted"
    if job.status == FulfilmentStatus.ACCEPTED:
        fulfilment.start_pick(job.pk, actor=who)
        return "started"
    if job.status == FulfilmentStatus.PICKING:
        return _pick(job, random, who, short=short)
    if job.status == FulfilmentStatus.PICKED:
        if job.method == "PICKUP":
            fulfilment.ready(job.pk, actor=who)
            return "ready"
        fulfilment.pack(job.pk, parcels=[Parcel(random.randint(250, 2400))], actor=who)
        return "packed"
    if job.status == FulfilmentStatus.READY:
        fulfilment.hand_over(job.pk, id_seen=True, given_to=job.order.buyer_name, actor=who)
        return "collected"
    carrier, pattern = CARRIERS.get(job.location.country, CARRIERS["GB"])
    fulfilment.ship(job.pk, carrier=carrier, tracking_number=pattern.format(random.randrange(10**9)), actor=who)
    return "shipped"


def _pick(job: FulfilmentOrder, random: Random, who: Actor, *, short: bool) -> str:
    for line in job.lines.filter(quantity__gt=0).select_related("item"):
        left = line.quantity - line.picked
        if left and short:
            fulfilment.short_pick(job.pk, line_id=line.pk, quantity=left, reason=random.choice(SHORTS), actor=who)
            return "found it short"
        if left:
            fulfilment.pick(job.pk, code=line.item.gtin or line.item.sku, quantity=left, actor=who)
    return "picked"


def one(random: Random) -> str:
    """The next step of the work most behind, anywhere; returns what happened in words ("" when all is done)."""
    job = (
        FulfilmentOrder.objects.filter(status__in=ACTIVE)
        .exclude(partner_request__status__in=("REQUESTED", "ACCEPTED"))  # partners' own people do that
        .select_related("location__site", "order")
        .order_by("updated_at")
        .first()
    )
    if job is None:
        return ""
    try:
        return f"{job.number} {step(job, random, short=random.random() < 0.04)} at {job.location.name}"
    except Refusal as refusal:
        return f"{job.number}: {refusal.message}"
