"""An order to be collected where the goods aren't: a transfer of ours brings them, and the order waits for it.

The place of collection must allow it (`Location.brought_in`). Each origin gets one transfer, approved at once, and the
order's units are back-ordered from what it brings; when the store receives it they become work there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.errors import Refusal
from inventory.models import ExpectedReceipt, Location, LocationStatus, Transfer, TransferStatus
from inventory.services import inbound, transfers
from inventory.services.locking import retrying
from orders import sourcing
from orders.models import BackOrder, BackOrderStatus, Method
from orders.services import backorders, lookups, transit
from orders.services.desk import Desk
from orders.sourcing import Node, Pick, Want

RULE = "ship_to_store"


def bring(desk: Desk, wants: Sequence[Want]) -> tuple[Want, ...] | None:
    """Have what the place of collection lacks brought there; returns the wants it has itself, for the caller to hold.

    None, and nothing done, where that isn't possible. Lines are not split between its shelf and a transfer. Locks stock
    rows and deliveries.
    """
    place = _place(desk)
    if place is None:
        return None
    nodes = lookups.nodes_with({want.item_id for want in wants})
    here, away = _apart(wants, next((node for node in nodes if node.location_id == place.pk), None))
    picks = _origins(place, away, [node for node in nodes if node.location_id != place.pk])
    if not picks:
        return None
    try:
        with transaction.atomic():
            _send(desk, place, picks)
    except Refusal:  # the stock was taken a moment ago, or its articles can't be transferred
        return None
    return tuple(here)


def _place(desk: Desk) -> Location | None:
    if desk.order.method != Method.PICKUP or desk.order.pickup_location_id is None:
        return None
    rows = Location.objects.filter(pk=desk.order.pickup_location_id, pickup=True, brought_in=True)
    return rows.filter(status=LocationStatus.ACTIVE).first()


def _apart(wants: Sequence[Want], store: Node | None) -> tuple[list[Want], list[Want]]:
    """What the store has whole, line by line, and what it hasn't."""
    free = Counter(dict(store.free)) if store else Counter()
    here, away = [], []
    for want in wants:
        if free[want.item_id] >= want.quantity:
            free[want.item_id] -= want.quantity
            here.append(want)
        else:
            away.append(want)
    return here, away


def _origins(place: Location, away: Sequence[Want], nodes: list[Node]) -> list[Pick]:
    """Where it comes from, by the same rules as if it were sent to the store's own address."""
    request = sourcing.Request(
        wants=tuple(away), country=place.country, latitude=place.lat, longitude=place.lon,
    )  # fmt: skip
    return sourcing.plan(request, nodes).picks if away else []


def _send(desk: Desk, place: Location, picks: Sequence[Pick]) -> None:
    by_origin: dict[int, list[Pick]] = defaultdict(list)
    for pick in picks:
        by_origin[pick.location_id].append(pick)
    origins = Location.objects.in_bulk(by_origin)
    for origin_id, theirs in sorted(by_origin.items()):
        units: Counter[int] = Counter()
        for pick in theirs:
            units[pick.item_id] += pick.quantity
        due_at = transit.to_store(origins[origin_id], place, asked_at=timezone.now(), units=units)
        transfer_id = transfers.request(
            origin_id, place.pk, sorted(units.items()), actor=SYSTEM, reason=f"For {desk.order.number}", due_at=due_at
        )
        transfer = transfers.approve(transfer_id, actor=SYSTEM)
        lines = [inbound.Line(item_id, place.pk, n) for item_id, n in sorted(units.items())]
        inbound.expect(transfer.subject, lines, due_at=due_at, actor=SYSTEM)
        wants = [Want(pick.line_id, pick.item_id, pick.quantity) for pick in theirs]
        if not backorders.place(desk, wants, whole=True, from_=transfer.subject).ok:
            raise Refusal("not_promised", "What the transfer brings was promised to somebody else.")


def call_off(*, actor: Actor = SYSTEM, limit: int = 200) -> int:
    """Transfers nobody waits for any more, while they haven't left; returns how many. Safe to repeat."""
    since = timezone.now() - timedelta(days=30)
    gone = BackOrder.objects.filter(
        transfer=True, status__in=[BackOrderStatus.CANCELLED, BackOrderStatus.MOVED], ended_at__gte=since
    )
    receipts = set(gone.order_by("-ended_at").values_list("receipt_id", flat=True)[:limit])
    receipts -= set(BackOrder.objects.waiting().filter(receipt_id__in=receipts).values_list("receipt_id", flat=True))
    causes = ExpectedReceipt.objects.open().filter(pk__in=receipts, cause_kind="transfer")
    done = 0
    for uid in set(causes.values_list("cause_uid", flat=True)):
        done += retrying(partial(_call_off, int(uid), actor))
    return done


def _call_off(transfer_id: int, actor: Actor) -> bool:
    early = Transfer.objects.filter(pk=transfer_id, status=TransferStatus.REQUESTED, reason__startswith="For ")
    still = ExpectedReceipt.objects.open().filter(cause_kind="transfer", cause_uid=str(transfer_id), committed__gt=0)
    if not early.exists() or still.exists():
        return False
    transfers.cancel(transfer_id, reason="Nobody waits for it any more", actor=actor)
    return True
