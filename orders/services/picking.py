"""Taking the units off the shelf, scan by scan, and saying what isn't there."""

from __future__ import annotations

from django.utils import timezone

from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from exceptions.services import cases
from inventory.models import Item, State
from inventory.services import movements
from inventory.services.locking import lock_stock, retrying
from orders import canonical
from orders import events as facts
from orders.models import FulfilmentLine, FulfilmentOrder, FulfilmentStatus, NodeExclusion, ShortPick, ShortReason
from orders.services import allocation, lifecycle
from orders.services.work import Work, open_work


def accept(fulfilment_id: int, *, version: int | None = None, actor: Actor) -> FulfilmentOrder:
    """The node takes the work on."""

    def work() -> FulfilmentOrder:
        w = open_work(fulfilment_id, version=version, actor=actor)
        w.move(FulfilmentStatus.ACCEPTED, facts.ACCEPTED, accepted_at=timezone.now())
        lifecycle.save(w.desk)
        return w.job

    return retrying(work)


def start_pick(fulfilment_id: int, *, version: int | None = None, actor: Actor) -> FulfilmentOrder:
    """Somebody walks to the shelves. Work that nobody accepted yet is accepted by that."""

    def work() -> FulfilmentOrder:
        w = open_work(fulfilment_id, version=version, actor=actor)
        if w.job.status == FulfilmentStatus.OPEN:
            w.move(FulfilmentStatus.ACCEPTED, facts.ACCEPTED, accepted_at=timezone.now())
        w.move(FulfilmentStatus.PICKING, facts.PICK_STARTED)
        lifecycle.save(w.desk)
        return w.job

    return retrying(work)


def pick(
    fulfilment_id: int, *, code: str, quantity: int = 1, version: int | None = None, actor: Actor
) -> FulfilmentOrder:
    """Scan `quantity` units in by GTIN, SKU or alias; the last one makes the work PICKED.

    Refusal("wrong_item") for an article that isn't part of the work, ("picked_already") for more than is wanted,
    ("unknown_code") for a code nobody knows.
    """
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 1 <= quantity <= canonical.MAX_QUANTITY:
        raise Invalid([Problem("quantity", "range", "must be a whole number from 1")])

    def work() -> FulfilmentOrder:
        w = open_work(fulfilment_id, version=version, actor=actor)
        if w.job.status != FulfilmentStatus.PICKING:
            raise Refusal("not_picking", f"{w.job.number} is {w.job.get_status_display().lower()}, not being picked.",
                          status_now=w.job.status, version=w.job.version)  # fmt: skip
        _count(w, code, quantity)
        _finish_or_touch(w)
        lifecycle.save(w.desk)
        return w.job

    return retrying(work)


def _count(w: Work, code: str, quantity: int) -> None:
    item_ids = items_of(code, w.desk.order.channel.code)
    lines = [line for line in w.lines if line.item_id in item_ids]
    if not lines:
        wanted = sorted({w.desk.line(line.order_line_id).sku for line in w.lines})
        raise Refusal("wrong_item", f"{code} is not on this list. Wanted: {', '.join(wanted)}.", scanned=code)
    room = sum(line.quantity - line.picked for line in lines)
    if room < quantity:
        raise Refusal("picked_already", f"Only {room} more of {code} are wanted.", scanned=code, wanted=room)
    for line in lines:
        units = min(quantity, line.quantity - line.picked)
        line.picked += units
        quantity -= units
    FulfilmentLine.objects.bulk_update(lines, ["picked"])


def items_of(code: str, system: str) -> set[int]:
    """What a scanned code may mean: a GTIN (leading zeros aside), a SKU, the channel's alias. Refuses unknown ones."""
    text = canonical.sku_text(canonical.clean(code))[:120]
    if not text:
        raise Refusal("unknown_code", "Nothing was scanned.", status=422, scanned=code)
    found = set(Item.objects.resolve([text], system=system).values())
    if text.isascii() and text.isdigit():
        bare = text.lstrip("0")
        spellings = {bare.zfill(length) for length in (8, 12, 13, 14) if len(bare) <= length}
        found |= set(Item.objects.filter(gtin__in=spellings).values_list("pk", flat=True))
    if not found:
        raise Refusal("unknown_code", f"Nobody knows the code {text}.", status=422, scanned=text)
    return found


def _finish_or_touch(w: Work) -> None:
    if w.lines and all(line.picked == line.quantity for line in w.lines):
        w.move(FulfilmentStatus.PICKED, facts.PICKED, picked_at=timezone.now())
    else:
        w.touch()


def short_pick(
    fulfilment_id: int, *, line_id: int, quantity: int, reason: str, version: int | None = None, actor: Actor
) -> FulfilmentOrder:
    """Units of a line are not to be had here: they leave this work, stock is put right, another node is asked.

    The rest of the work goes on; work with nothing left is cancelled. `line_id` is the fulfilment line's. Stock:
    NOT_FOUND writes off everything free of it here, MISMATCH the missing units, DAMAGED and ON_DISPLAY move them out of
    sellable, NO_TIME leaves stock alone. Opens a case about the fulfilment order.
    """
    if reason not in ShortReason.values:
        raise Invalid([Problem("reason", "choice", f"must be one of {', '.join(ShortReason.values)}")])

    def work() -> FulfilmentOrder:
        w = open_work(fulfilment_id, version=version, actor=actor)
        if w.job.status != FulfilmentStatus.PICKING:
            raise Refusal("not_picking", f"{w.job.number} is {w.job.get_status_display().lower()}, not being picked.",
                          status_now=w.job.status, version=w.job.version)  # fmt: skip
        line = w.line(line_id)
        missing = line.quantity - line.picked
        if isinstance(quantity, bool) or not isinstance(quantity, int) or not 1 <= quantity <= missing:
            raise Refusal(
                "not_missing", f"Between 1 and {missing} units of it can be short.", status=422, missing=missing
            )
        _fall_short(w, line, quantity, reason)
        return w.job

    return retrying(work)


def _fall_short(w: Work, line: FulfilmentLine, quantity: int, reason: str) -> None:
    desk, wanted = w.desk, w.desk.line(line.order_line_id)
    wanted.allocated -= quantity
    wanted.open += quantity
    lifecycle.take_back(desk, [(line, quantity)], reason=f"Short: {reason}")
    moved = _correct_stock(w, line, quantity, reason)
    ShortPick.objects.create(
        fulfilment_line=line, quantity=quantity, reason=reason, moved=moved, by=desk.actor.label[:200]
    )
    NodeExclusion.objects.get_or_create(
        order_line=wanted, location_id=line.location_id, defaults={"reason": f"short: {reason}"}
    )
    desk.note_work(
        facts.SHORT_PICKED,
        w.job,
        {
            "line": wanted.pk,
            "item": line.item_id,
            "sku": wanted.sku,
            "quantity": quantity,
            "reason": reason,
            "moved": moved,
        },
    )
    allocation.source(desk)
    lifecycle.save(desk)
    words = ShortReason(reason).label.lower()
    cases.open_(
        "orders.short_pick",
        Subject("fulfilment", str(w.job.pk), w.job.number),
        summary=f"{wanted.sku or wanted.title}: {quantity} {words} at {w.job.location.name}",
        site_id=w.job.location.site_id,
        value=wanted.unit_price * quantity,
        currency=desk.order.currency,
        promise_by=desk.order.promise_by,
        actor=desk.actor,
    )


# reason -> where the units go (None: stock stays as it is)
_EFFECTS: dict[str, State | None] = {
    ShortReason.NOT_FOUND: State.SHRINKAGE,
    ShortReason.MISMATCH: State.SHRINKAGE,
    ShortReason.DAMAGED: State.DAMAGED,
    ShortReason.ON_DISPLAY: State.QUARANTINED,
    ShortReason.NO_TIME: None,
}


def _correct_stock(w: Work, line: FulfilmentLine, quantity: int, reason: str) -> int:
    """Move what the shelf really lacks; returns the units moved. Never touches what other orders were promised."""
    to = _EFFECTS[reason]
    if to is None:
        return 0
    units = quantity
    if reason == ShortReason.NOT_FOUND:
        row = lock_stock([(line.item_id, line.location_id)])[line.item_id, line.location_id]
        units = max(quantity, row.sellable - row.reserved)
    place = line.location_id if to in {State.DAMAGED, State.QUARANTINED} else None
    movements.post(
        [movements.Move(line.item_id, units, line.location_id, State.SELLABLE, place, to)],
        key=w.desk.key(f"short-{line.pk}"),
        cause=Subject("fulfilment", str(w.job.pk), w.job.number),
        actor=w.desk.actor,
        note=f"Short pick: {ShortReason(reason).label}",
    )
    return units
