"""The packing bench: every unit is seen once more before its parcel is closed, weighed and labelled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Q

from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from inventory.models import Item, Lot, Tracking
from inventory.services.locking import retrying
from orders import canonical, cartons
from orders.cartons import Box, Piece
from orders.models import (
    BatchWork,
    Carton,
    FulfilmentLine,
    FulfilmentOrder,
    FulfilmentPart,
    FulfilmentStatus,
    PackCheck,
    ParcelLabel,
)
from orders.services import labels, packing, picking
from orders.services.packing import Parcel
from orders.services.work import Work, open_work

S = FulfilmentStatus
Slot = FulfilmentLine | FulfilmentPart


@dataclass(frozen=True, slots=True)
class Closed:
    """A parcel as the packer closes it: the carton's code ("" for none of ours), grams (None: not weighed)."""

    carton: str = ""
    grams: int | None = None


@dataclass(slots=True)
class Row:
    """One article of the work: how many it needs and how many were seen, in which parcels."""

    item: Item
    wanted: int = 0
    seen: int = 0
    parcels: Counter[int] = field(default_factory=Counter)

    @property
    def left(self) -> int:
        return self.wanted - self.seen


def find(location_id: int, code: str) -> FulfilmentOrder:
    """The picked work a code at the bench means: a tote's, a fulfilment order's or an order's number.

    Refusal("unknown_work") 404 where nothing picked here goes by it, ("several") where it means more than one.
    """
    text = canonical.sku_text(canonical.clean(code)).upper()[:40]
    here = FulfilmentOrder.objects.filter(location=location_id)
    picked = here.filter(status__in=(S.PICKED, S.PACKED))
    totes = BatchWork.objects.filter(tote=text, fulfilment__in=here.filter(status=S.PICKED)).select_related(
        "fulfilment"
    )
    found = list({each.fulfilment_id: each.fulfilment for each in totes}.values())
    if len(found) == 1:
        return found[0]
    found = found or list(picked.filter(Q(number=text) | Q(order__number=text)).order_by("pk")[:2])
    if len(found) == 1:
        return found[0]
    if found:
        raise Refusal("several", f"{text} means several here: {', '.join(job.number for job in found)}.")
    other = here.filter(number=text).first()
    if other is not None:
        state = other.get_status_display().lower()
        raise Refusal("not_picked", f"{other.number} is {state}, not ready to pack.", status_now=other.status)
    raise Refusal("unknown_work", f"Nothing picked here goes by {text or 'that'}.", status=404, scanned=text)


def rows(job: FulfilmentOrder, check: PackCheck | None) -> list[Row]:
    """What the parcels must hold together, by article, and what was seen of it."""
    found: dict[int, Row] = {}
    for slot in _slots(list(_lines(job.pk))):
        row = found.setdefault(slot.item_id, Row(slot.item))
        row.wanted += slot.wanted
    for number, parcel in enumerate(check.parcels if check else [], start=1):
        for item_id, units in parcel["items"].items():
            row = found.get(int(item_id)) or found.setdefault(int(item_id), Row(Item.objects.get(pk=item_id)))
            row.seen += units
            row.parcels[number] += units
    return sorted(found.values(), key=lambda row: row.item.sku)


def scan(fulfilment_id: int, *, code: str, quantity: int = 1, actor: Actor) -> PackCheck:
    """See units go into the parcel being filled. Locks the order.

    Refusal("wrong_item") for what isn't in this work, ("too_many") for more than it needs, ("name_needed") where the
    article is scanned but its lots or serials are told apart, ("not_this_unit") for a serial that was not picked.
    """

    def work() -> PackCheck:
        w = _picked(fulfilment_id, None, actor)
        check = _check(w)
        lines = list(_lines(w.job.pk))
        slots = _slots(lines)
        wanted = picking.items_of(code, w.desk.order.channel.code, among={slot.item_id for slot in slots})
        item_id = next((slot.item_id for slot in slots if slot.item_id in wanted), None)
        if item_id is None:
            raise Refusal("wrong_item", f"{code} is not in {w.job.number}. Take it out.", scanned=code)
        row = next(row for row in rows(w.job, check) if row.item.pk == item_id)
        name = _name(row.item, code, slots, check, quantity)
        if row.left < quantity:
            raise Refusal(
                "too_many", f"{row.item.name}: {row.wanted} belong in here, and {row.seen} are.", wanted=row.left
            )
        parcel = check.parcels[-1]
        parcel["items"][str(item_id)] = parcel["items"].get(str(item_id), 0) + quantity
        if name:
            parcel["codes"].append(name)
        check.save(update_fields=["parcels"])
        return check

    return retrying(work)


def next_parcel(fulfilment_id: int, *, actor: Actor) -> PackCheck:
    """Close this parcel and fill another. Refusal("empty_parcel") while nothing is in this one."""

    def work() -> PackCheck:
        check = _check(_picked(fulfilment_id, None, actor))
        if not check.parcels[-1]["items"]:
            raise Refusal("empty_parcel", "Nothing is in this parcel yet.")
        if len(check.parcels) >= packing.MAX_PARCELS:
            raise Refusal("too_many_parcels", f"At most {packing.MAX_PARCELS} parcels.", status=422)
        check.parcels.append(_empty())
        check.save(update_fields=["parcels"])
        return check

    return retrying(work)


def start_over(fulfilment_id: int, *, actor: Actor) -> None:
    """Everything out of the parcels again: nothing was seen."""

    def work() -> None:
        check = _check(_picked(fulfilment_id, None, actor))
        check.parcels = [_empty()]
        check.save(update_fields=["parcels"])

    retrying(work)


def close(
    fulfilment_id: int,
    *,
    parcels: Sequence[Closed],
    anyway: bool = False,
    version: int | None = None,
    actor: Actor,
) -> tuple[FulfilmentOrder, list[ParcelLabel], str]:
    """Pack what was seen, one of `parcels` for each filled; then its labels. Returns the work, labels, and why not.

    Everything must have been seen: Refusal("not_all_seen") names what is missing. A weight that is off by more than
    50 g and a twentieth is Refusal("weight_is_off") with both figures, unless `anyway`. A label that can't be had now
    doesn't undo the packing: the third value says why.
    """

    def work() -> FulfilmentOrder:
        w = _picked(fulfilment_id, version, actor)
        check = _check(w)
        seen = rows(w.job, check)
        _require_all(w, seen)
        filled = [n for n, parcel in enumerate(check.parcels, start=1) if parcel["items"]]
        if len(parcels) != len(filled):
            words = f"{len(filled)} parcels were filled, {len(parcels)} are closed."
            raise Invalid([Problem("parcels", "count", words)], status=422)
        boxes = _boxes({each.carton for each in parcels if each.carton})
        made = []
        for n, each in zip(filled, parcels, strict=True):
            box = boxes.get(each.carton)
            expected = cartons.expected_grams(pieces(seen, n), box.tare_grams if box else 0)
            if each.grams and cartons.is_off(each.grams, expected) and not anyway:
                words = f"Parcel {n} weighs {each.grams} g and should weigh {expected} g. Look inside."
                raise Refusal("weight_is_off", words, parcel=n, weighed=each.grams, expected=expected)
            made.append(Parcel(each.grams or expected, kind=each.carton))
        job = packing.pack(fulfilment_id, parcels=made, actor=actor)
        BatchWork.objects.filter(fulfilment=job).update(running=False)
        return job

    job = retrying(work)
    try:
        bought = labels.buy(fulfilment_id, actor=actor)
    except Refusal as refusal:
        return job, [], refusal.message
    return job, bought, ""


def pieces(seen: Sequence[Row], parcel: int | None = None) -> list[Piece]:
    """The articles of one parcel (of all, without a number) as cartons are chosen by."""
    found = []
    for row in seen:
        units = row.wanted if parcel is None else row.parcels[parcel]
        if units:
            item = row.item
            sides = (item.length_mm, item.width_mm, item.height_mm)
            known = (sides[0] or 0, sides[1] or 0, sides[2] or 0) if all(sides) else None
            found.append(Piece(units, known, item.weight_grams))
    return found


def boxes() -> list[Box]:
    return [
        Box(c.code, (c.length_mm, c.width_mm, c.height_mm), c.tare_grams, c.max_grams) for c in Carton.objects.in_use()
    ]


def _boxes(codes: set[str]) -> dict[str, Box]:
    known = {box.code: box for box in boxes()}
    if unknown := sorted(codes - set(known)):
        raise Invalid([Problem("carton", "unknown", f"There is no carton {unknown[0][:40]}.")], status=422)
    return known


def _require_all(w: Work, seen: Sequence[Row]) -> None:
    missing = [{"sku": row.item.sku, "missing": row.left} for row in seen if row.left > 0]
    extra = [{"sku": row.item.sku, "extra": -row.left} for row in seen if row.left < 0]
    if extra:
        words = ", ".join(f"{-row.left} × {row.item.sku}" for row in seen if row.left < 0)
        raise Refusal("take_out", f"{w.job.number} changed: take out {words} and start over.", extra=extra)
    if missing:
        words = ", ".join(f"{row.left} × {row.item.sku}" for row in seen if row.left > 0)
        raise Refusal("not_all_seen", f"Not in a parcel yet: {words}.", missing=missing)


def _name(item: Item, code: str, slots: Sequence[Slot], check: PackCheck, quantity: int) -> str:
    """The lot or serial a unit goes by; "" where the article's units aren't told apart."""
    if item.tracking == Tracking.NONE:
        return ""
    text = canonical.sku_text(canonical.clean(code))
    picked = Counter(name for slot in slots if slot.item_id == item.pk for name in slot.codes)
    packed = Counter(name for parcel in check.parcels for name in parcel["codes"])
    if not Lot.objects.filter(item=item, code=text).exists():
        what = "serial number" if item.tracking == Tracking.SERIAL else "lot"
        raise Refusal("name_needed", f"Scan the {what} of {item.sku}.", status=422, scanned=text)
    if quantity > 1 or packed[text] >= picked[text]:
        raise Refusal("not_this_unit", f"{text} was not picked for this, or is packed already.", scanned=text)
    return text


def _picked(fulfilment_id: int, version: int | None, actor: Actor) -> Work:
    w = open_work(fulfilment_id, version=version, actor=actor)
    if w.job.status != S.PICKED:
        state = w.job.get_status_display().lower()
        raise Refusal(
            "not_picked", f"{w.job.number} is {state}, not ready to pack.", status_now=w.job.status,
            version=w.job.version,
        )  # fmt: skip
    return w


def _check(w: Work) -> PackCheck:
    check, _ = PackCheck.objects.get_or_create(
        fulfilment=w.job, defaults={"parcels": [_empty()], "by": w.desk.actor.label[:200]}
    )
    return check


def _empty() -> dict[str, object]:
    return {"items": {}, "codes": []}


def _lines(fulfilment_id: int) -> list[FulfilmentLine]:
    rows_ = FulfilmentLine.objects.filter(fulfilment=fulfilment_id, quantity__gt=0)
    return list(rows_.select_related("item").prefetch_related("parts__item").order_by("pk"))


def _slots(lines: Sequence[FulfilmentLine]) -> list[Slot]:
    return [slot for line in lines for slot in line.slots]
