"""The demo's warehouse floor: cartons, today's waves in every state, totes at the bench, a van that is being loaded."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from django.utils import timezone

from core import actors, outbox
from core.actors import Actor
from core.errors import Refusal
from core.models import User
from inventory.models import Location, Stock
from orders import canonical
from orders.canonical import Address, Buyer, IncomingLine, IncomingOrder
from orders.models import Carton, Channel, FulfilmentOrder, Wave
from orders.services import bench, fulfilment, intake, manifests, waves
from orders.services.bench import Closed

CARTONS = (
    ("bag-s", "Mailing bag, small", 300, 200, 40, 15, 1_000),
    ("bag-l", "Mailing bag, large", 450, 350, 80, 30, 3_000),
    ("box-m", "Box, medium", 350, 250, 150, 220, 10_000),
    ("box-l", "Box, large", 550, 400, 300, 480, 25_000),
)
PICKED, PACKED, MORNING = 6, 3, 14
PRICE = Decimal("24.00")


def make(say: Callable[[str], None]) -> None:
    """Safe to repeat: a floor that has waves is left as it is."""
    for code, name, *figures in CARTONS:
        sides = dict(zip(("length_mm", "width_mm", "height_mm", "tare_grams", "max_grams"), figures, strict=True))
        Carton.objects.get_or_create(code=code, defaults={"name": name, **sides})
    depot = Location.objects.filter(kind="WAREHOUSE", site__isnull=False).order_by("pk").first()
    if depot is None or Wave.objects.exists():
        return
    picker = actors.person(User.objects.get(email="chen@harrowvale.example"))
    _orders(depot)
    groups = sorted(waves.propose(depot.pk), key=lambda group: -len(group.works))[:3]
    made = [waves.plan(depot.pk, numbers=group.numbers, priority=group.priority, actor=picker) for group in groups]
    if made:
        waves.release(made[0].pk, actor=picker)
        _work(depot, made[0], picker)
    if len(made) > 1:
        waves.hold(made[-1].pk, because="The carrier's second van is late today", actor=picker)
    say(f"{len(made)} waves on the floor of {depot.name}")


def _orders(depot: Location) -> None:
    """What came in this morning and leaves from here this afternoon."""
    channel = Channel.objects.filter(code="web-uk").first()
    deep = Stock.objects.filter(location=depot, sellable__gt=12, item__tracking="NONE").order_by("-sellable", "pk")
    items = list(deep.select_related("item")[: MORNING * 2])
    if channel is None or len(items) < 2:
        return
    for n in range(MORNING):
        lines = tuple(
            IncomingLine(ref=str(at), sku=row.item.sku, title=row.item.name, quantity=1 + n % 2, unit_price=PRICE)
            for at, row in enumerate(items[n % len(items) : n % len(items) + 1 + n % 2])
        )
        order = IncomingOrder(
            channel_ref=f"morning-{n}", placed_at=timezone.now(), currency=channel.currency, version=1,
            total=sum((line.unit_price * line.quantity for line in lines), Decimal(0)), lines=lines,
            payment_state="paid", buyer=Buyer(name="Ada Birch"), tax_included=channel.prices_include_tax,
            ship_to=Address(
                name="Ada Birch", line1=f"{n + 1} Wood Street", city="Wakefield", postal_code="WF1 2EB", country="GB",
                latitude=53.68, longitude=-1.5,
            ),
        )  # fmt: skip
        intake.place(canonical.check(order), channel=channel, actor=actors.SYSTEM)
    outbox.drain("default")


def _work(depot: Location, wave: Wave, picker: Actor) -> None:
    """Some of it is picked, some of that packed, and some of that aboard."""
    works = FulfilmentOrder.objects.filter(wave_works__wave=wave, lines__item__tracking="NONE").distinct()
    for n, job in enumerate(works.order_by("due_at", "pk")[:PICKED]):
        try:
            fulfilment.start_pick(job.pk, actor=picker)
            slots = [slot for line in job.lines.filter(quantity__gt=0) for slot in line.slots]
            for slot in slots:
                fulfilment.pick(job.pk, code=slot.item.sku, quantity=slot.wanted, actor=picker)
            if n < PACKED:
                for slot in slots:
                    bench.scan(job.pk, code=slot.item.sku, quantity=slot.wanted, actor=picker)
                _, bought, _ = bench.close(job.pk, parcels=[Closed("box-m")], anyway=True, actor=picker)
                if n == 0 and bought:
                    van = manifests.open_(depot.pk, carrier=bought[0].service.carrier, actor=picker)
                    manifests.load(van.pk, code=job.number, actor=picker)
        except Refusal:
            continue  # held, kit or tracked: what stands in its way is a case of its own
