"""Sales of units told apart: under their names, or where nobody said which, as a case and a count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from core import events
from core.actors import Actor
from core.events import EventDraft
from core.models import Event
from core.subjects import Subject
from exceptions.services import cases
from inventory import skus
from inventory.events import SOLD_UNNAMED
from inventory.models import AdjustmentReason, Location, LotStock, State, Tracking
from inventory.services import counts, naming
from inventory.services.locking import Row
from inventory.services.movements import Move

UNNAMED = "inventory.sold_unnamed"


def moves(row: Row, quantity: int, named: Mapping[str, int] | None, occurred_at: datetime | None) -> list[Move]:
    """The moves of this sale (of a void, where negative), or none where which units they are is not known.

    Known is what the sale names, or what the shelf leaves no choice about, unless a count has looked at it since. Units
    promised to others are nobody's to take: then the sale waits, too.
    """
    names = {skus.normalise(code): units for code, units in (named or {}).items()}
    if names and sum(names.values()) != abs(quantity):
        return []
    if quantity < 0:
        return _moves(row, names, (None, State.CUSTOMER, row.location_id, State.SELLABLE)) if names else []
    names = names or _obvious(row, quantity, occurred_at)
    lying = naming.on_shelf(row.item_id, row.location_id)
    new = {code: units - lying.get(code, 0) for code, units in names.items() if units > lying.get(code, 0)}
    free = row.sellable if row.allows_backorder else row.sellable - row.reserved
    if not names or free + sum(new.values()) < quantity or (row.tracking == Tracking.SERIAL and _elsewhere(row, new)):
        return []
    found = _moves(row, new, (None, State.FOUND, row.location_id, State.SELLABLE), AdjustmentReason.LATE_SALE)
    return found + _moves(row, names, (row.location_id, State.SELLABLE, None, State.CUSTOMER))


def _obvious(row: Row, quantity: int, occurred_at: datetime | None) -> dict[str, int]:
    looked = counts.latest_word(row.item_id, row.location_id)
    if looked is not None and occurred_at is not None and occurred_at <= looked:
        return {}
    shelf = naming.on_shelf(row.item_id, row.location_id)
    if sum(shelf.values()) == quantity:
        return shelf
    if row.tracking == Tracking.LOT and len(shelf) == 1 and sum(shelf.values()) > quantity:
        return dict.fromkeys(shelf, quantity)
    return {}


def _elsewhere(row: Row, new: Mapping[str, int]) -> bool:
    rows = LotStock.objects.filter(single=True, quantity__gt=0, lot__item=row.item_id, lot__code__in=list(new))
    return bool(new) and rows.exists()


def _moves(
    row: Row, names: Mapping[str, int], ends: tuple[int | None, str, int | None, str], why: str = ""
) -> list[Move]:
    if not names:
        return []
    if row.tracking == Tracking.SERIAL:
        return [Move(row.item_id, len(names), *ends, why, serials=tuple(sorted(names)))]
    return [Move(row.item_id, units, *ends, why, lot=code) for code, units in sorted(names.items())]


def complain(sold: Sequence[tuple[Row, int]], *, cause: Subject, actor: Actor) -> None:
    """Say it once per sale and stock row, open the case, and have the items counted: that names what is missing."""
    uids = [str(row.id) for row, _ in sold]
    told = Event.objects.filter(type=SOLD_UNNAMED, subject_kind="stock", subject_uid__in=uids, data__cause=cause.uid)
    known = set(told.values_list("subject_uid", flat=True)) if sold else set()
    fresh = [(row, units) for row, units in sold if str(row.id) not in known]
    if not fresh:
        return
    events.record_many(
        [
            EventDraft(
                SOLD_UNNAMED, Subject("stock", str(row.id), row.label), actor,
                {"units": units, "cause": cause.uid, "cause_kind": cause.kind, "cause_label": cause.label},
                ((cause, "cause"),),
            )
            for row, units in fresh
        ]
    )  # fmt: skip
    place = fresh[0][0].location_id
    site_id = Location.objects.filter(pk=place).values_list("site_id", flat=True).first()
    said = [
        cases.Said(
            Subject("stock", str(row.id), row.label),
            f"{cause.label or cause.uid}: {abs(units)} {'sold' if units > 0 else 'came back'}, and nobody said which.",
        )
        for row, units in fresh
    ]
    cases.open_many(UNNAMED, said, site_id=site_id, actor=actor)
    items = [row.item_id for row, _ in fresh]
    counts.request(place, items, cause=cause, actor=actor, note="Sold without saying which")
