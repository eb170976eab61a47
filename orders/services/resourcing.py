"""Taking work off a node that can't do it in time, where another can: sites that close, carriers that don't run, risk.

Only work nobody has begun moves. Where no other node has it, it stays, and its promise or a case says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from core.actors import Actor
from inventory.models import Location
from inventory.services.locking import retrying
from orders import events as facts
from orders.models import COLLECTED_HERE, FulfilmentOrder, FulfilmentStatus
from orders.services import allocation, lifecycle, lookups, promises
from orders.services.desk import Desk
from orders.services.withdrawing import free
from orders.services.work import Work, open_work
from orders.sourcing import Want

UNSTARTED = frozenset({FulfilmentStatus.OPEN, FulfilmentStatus.ACCEPTED})


@dataclass(frozen=True, slots=True)
class Moved:
    """Where the units of one fulfilment order went: (code of the node, units)."""

    fulfilment_id: int
    to: tuple[tuple[str, int], ...]


def move(fulfilment_id: int, *, why: str, avoiding: Collection[int] = (), actor: Actor) -> Moved | None:
    """Bring this work's units to other nodes, all of them or none: None when it stays. Safe to repeat.

    Its own node and those of `avoiding` aren't asked this time; they are not excluded for ever. Work somebody began,
    and what is collected here, stays. Locks the order, then stock rows.
    """

    def work() -> Moved | None:
        try:
            with transaction.atomic():
                return _move(open_work(fulfilment_id, version=None, actor=actor), why, frozenset(avoiding))
        except Stays:
            return None

    return retrying(work)


def would_move(fulfilment_id: int, *, actor: Actor) -> Moved | None:
    """What `move` would do now. Everything it does is undone again."""

    def work() -> Moved | None:
        found: Moved | None = None
        try:
            with transaction.atomic():
                found = _move(open_work(fulfilment_id, version=None, actor=actor), "A preview", frozenset())
                raise Stays
        except Stays:
            return found

    return retrying(work)


def _move(w: Work, why: str, avoiding: frozenset[int]) -> Moved:
    if w.job.status not in UNSTARTED or w.job.method in COLLECTED_HERE or not w.lines:
        raise Stays
    desk, here = w.desk, w.job.location_id
    units: Counter[tuple[int, int]] = Counter()
    for line in w.lines:
        units[line.order_line_id, line.item_id] += line.quantity
    w.move(FulfilmentStatus.CANCELLED, facts.FULFILMENT_CANCELLED, {"reason": why}, ended_reason=why[:255])
    free(w, why, exclude=False)
    wanted = tuple(Want(line_id, item_id, n) for (line_id, item_id), n in sorted(units.items()))
    let_down = lookups.let_down([want.line_id for want in wanted])
    out = {want.line_id: let_down.get(want.line_id, frozenset()) | avoiding | {here} for want in wanted}
    found = allocation.source(desk, wanted=wanted, let_down=out)
    if not found.ok or not found.picks:
        raise Stays
    to: Counter[int] = Counter()
    for _, location_id, n in found.picks:
        to[location_id] += n
    codes = dict(Location.objects.filter(pk__in=to).values_list("pk", "code"))
    moved = Moved(w.job.pk, tuple((codes[pk], n) for pk, n in sorted(to.items())))
    desk.note_work(facts.RESOURCED, w.job, {"why": why, "to": [{"location": c, "quantity": n} for c, n in moved.to]})
    lifecycle.save(desk)
    return moved


class Stays(Exception):
    """No other node can do it: everything is left as it was."""


def postpone(fulfilment_id: int, *, until: datetime, promise_by: datetime, why: str, actor: Actor) -> bool:
    """Work that stays is due later, and its customer is promised that; whether anything changed. Safe to repeat."""

    def work() -> bool:
        w = open_work(fulfilment_id, version=None, actor=actor)
        if w.job.status not in UNSTARTED or w.job.due_at >= until:
            return False
        w.job.due_at = until
        w.job.save(update_fields=["due_at"])
        w.touch()
        _promise_later(w.desk, promise_by, why)
        lifecycle.save(w.desk)
        return True

    return retrying(work)


def _promise_later(desk: Desk, promise_by: datetime, why: str) -> None:
    if desk.order.promise_by is None or desk.order.promise_by < promise_by:
        promises.set_(desk, promise_by, why)


def unstarted_at(location_id: int) -> list[FulfilmentOrder]:
    """What nobody has begun at this node, the most urgent first."""
    rows = FulfilmentOrder.objects.filter(location=location_id, status__in=UNSTARTED)
    return list(rows.select_related("order").order_by("due_at", "pk"))
