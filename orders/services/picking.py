"""Taking the units off the shelf, scan by scan, and saying what isn't there."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.utils import timezone

from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from exceptions.services import cases
from inventory.models import PARTNERS, Item, Lot, Tracking
from inventory.services.locking import retrying
from orders import canonical
from orders import events as facts
from orders.models import (
    FulfilmentLine,
    FulfilmentOrder,
    FulfilmentPart,
    FulfilmentStatus,
    NodeExclusion,
    PartnerRequest,
    ShortPick,
)
from orders.services import allocation, lifecycle, planned, short_reasons, shortages
from orders.services.short_reasons import Why
from orders.services.work import Work, open_work


def accept(fulfilment_id: int, *, version: int | None = None, actor: Actor) -> FulfilmentOrder:
    """The node takes the work on. Refusal("partners_work") for what a partner was asked to do."""

    def work() -> FulfilmentOrder:
        w = open_work(fulfilment_id, version=version, actor=actor)
        _ours(w)
        w.move(FulfilmentStatus.ACCEPTED, facts.ACCEPTED, accepted_at=timezone.now())
        lifecycle.save(w.desk)
        return w.job

    return retrying(work)


def _ours(w: Work) -> None:
    """Work that a partner was asked for moves by the partner's answers alone."""
    ours = w.job.location.kind not in PARTNERS
    if not ours and PartnerRequest.objects.open().filter(fulfilment=w.job.pk).exists():
        raise Refusal("partners_work", f"{w.job.location.name} was asked to do {w.job.number}: enter what it answers.")


def start_pick(fulfilment_id: int, *, version: int | None = None, actor: Actor) -> FulfilmentOrder:
    """Somebody walks to the shelves. Work that nobody accepted yet is accepted by that.

    Refusal("wave_waits") while its wave was not released, ("partners_work") for what a partner was asked to do.
    """

    def work() -> FulfilmentOrder:
        w = open_work(fulfilment_id, version=version, actor=actor)
        _ours(w)
        if planned.waits(w.job.pk):
            raise Refusal("wave_waits", f"{w.job.number} is in a wave that was not released yet.")
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
    item_ids = items_of(code, w.desk.order.channel.code, among={s.item_id for line in w.lines for s in line.slots})
    lines = [line for line in w.lines if any(slot.item_id in item_ids for slot in line.slots)]
    slots = [slot for line in lines for slot in line.slots if slot.item_id in item_ids]
    if not slots:
        wanted = sorted({w.desk.line(line.order_line_id).sku for line in w.lines})
        raise Refusal("wrong_item", f"{code} is not on this list. Wanted: {', '.join(wanted)}.", scanned=code)
    names = _names(code, slots, quantity)
    room = sum(slot.wanted - slot.picked for slot in slots)
    if room < quantity:
        raise Refusal("picked_already", f"Only {room} more of {code} are wanted.", scanned=code, wanted=room)
    for slot in slots:
        units = min(quantity, slot.wanted - slot.picked)
        slot.picked += units
        slot.codes = [*slot.codes, *names[:units]]
        quantity -= units
        names = names[units:]
    for line in lines:
        line.recount()
    lifecycle.save_picks(lines)


def _names(code: str, slots: Sequence[FulfilmentLine | FulfilmentPart], quantity: int) -> list[str]:
    """Under which names the scanned units leave; none where the article's units aren't told apart.

    Refusal("name_needed") where they are and the article was scanned, ("picked_already") for a serial counted before.
    """
    tracking = dict(Item.objects.filter(pk__in={slot.item_id for slot in slots}).values_list("pk", "tracking"))
    if set(tracking.values()) == {Tracking.NONE}:
        return []
    text = canonical.sku_text(canonical.clean(code))
    lot = Lot.objects.filter(item__in=tracking, code=text).first()
    if lot is None:
        what = "serial number" if Tracking.SERIAL in tracking.values() else "lot"
        raise Refusal("name_needed", f"Scan the {what} of {text}.", status=422, scanned=text)
    if lot.single and (quantity > 1 or any(text in slot.codes for slot in slots)):
        raise Refusal("picked_already", f"{text} is one unit, and it was counted.", scanned=text, wanted=0)
    return [text] * quantity


def items_of(code: str, system: str, *, among: Collection[int] = ()) -> set[int]:
    """What a scanned code may mean: a GTIN (leading zeros aside), a SKU, the channel's alias.

    Or, of the items it is looked for `among`, a lot or serial number. Refuses unknown ones.
    """
    text = canonical.sku_text(canonical.clean(code))[:120]
    if not text:
        raise Refusal("unknown_code", "Nothing was scanned.", status=422, scanned=code)
    found = set(Item.objects.resolve([text], system=system).values())
    if text.isascii() and text.isdigit():
        bare = text.lstrip("0")
        spellings = {bare.zfill(length) for length in (8, 12, 13, 14) if len(bare) <= length}
        found |= set(Item.objects.filter(gtin__in=spellings).values_list("pk", flat=True))
    if not found & set(among):
        found |= set(Lot.objects.filter(code=text, item__in=among).values_list("item_id", flat=True))
    if not found:
        raise Refusal("unknown_code", f"Nobody knows the code {text}.", status=422, scanned=text)
    return found


def _finish_or_touch(w: Work) -> None:
    if w.lines and all(line.picked == line.quantity for line in w.lines):
        w.move(FulfilmentStatus.PICKED, facts.PICKED, picked_at=timezone.now())
    else:
        w.touch()


def short_pick(
    fulfilment_id: int,
    *,
    line_id: int,
    quantity: int,
    reason: str,
    part_id: int | None = None,
    codes: Sequence[str] = (),
    version: int | None = None,
    actor: Actor,
) -> FulfilmentOrder:
    """Units of a line are not to be had here: they leave this work, stock is put right, another node is asked.

    The rest of the work goes on; work with nothing left is cancelled. `line_id` is the fulfilment line's; of a kit,
    `quantity` counts kits and `part_id` says which part is missing (needed where several are unpicked). What it does to
    stock depends on the reason (services.short_reasons). Of tracked articles, `codes` may name the very units (a broken
    one is in the hand). Opens a case about the fulfilment order.
    """
    why = short_reasons.find(reason)

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
        _fall_short(w, line, quantity, why, _missing(line, part_id, quantity), codes)
        return w.job

    return retrying(work)


def _missing(line: FulfilmentLine, part_id: int | None, quantity: int) -> tuple[int, int]:
    """(item, units) that are not on the shelf. Refusal("part_needed") where a kit's parts leave it open."""
    if not line.is_kit:
        return line.item_id, quantity
    lacking = [part for part in line.parts.all() if part.picked < part.wanted and part_id in {None, part.pk}]
    if len(lacking) != 1:
        raise Refusal("part_needed", "Say which part of the kit is missing.", status=422, line_id=line.pk)
    (part,) = lacking
    return part.item_id, min(quantity * part.per_kit, part.wanted - part.picked)


def _fall_short(
    w: Work, line: FulfilmentLine, quantity: int, why: Why, missing: tuple[int, int], codes: Sequence[str]
) -> None:
    desk, wanted = w.desk, w.desk.line(line.order_line_id)
    wanted.allocated -= quantity
    wanted.open += quantity
    lifecycle.take_back(desk, [(line, quantity)], reason=f"Short: {why.code}")
    effect = shortages.correct(w, line, *missing, why, codes)
    ShortPick.objects.create(
        fulfilment_line=line,
        quantity=quantity,
        reason=why.code,
        title=why.title,
        moved=effect.moved,
        by=desk.actor.label[:200],
    )
    if not why.asks_again:
        NodeExclusion.objects.get_or_create(
            order_line=wanted, location_id=line.location_id, defaults={"reason": f"short: {why.code}"}
        )
    desk.note_work(
        facts.SHORT_PICKED,
        w.job,
        {
            "line": wanted.pk,
            "item": missing[0],
            "sku": wanted.sku,
            "quantity": quantity,
            "reason": why.code,
            "moved": effect.moved,
            "counts": why.counts or effect.unnamed,
        },
    )
    allocation.source(desk)
    lifecycle.save(desk)
    cases.open_(
        "orders.short_pick",
        Subject("fulfilment", str(w.job.pk), w.job.number),
        summary=f"{wanted.sku or wanted.title}: {quantity} {why.title.lower()} at {w.job.location.name}",
        site_id=w.job.location.site_id,
        value=wanted.unit_price * quantity,
        currency=desk.order.currency,
        promise_by=desk.order.promise_by,
        actor=desk.actor,
    )
