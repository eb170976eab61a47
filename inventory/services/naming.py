"""What a scanned code means where some units are told apart: an article, or which of its units."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from core.errors import Invalid, Problem, Refusal
from inventory import asides, skus
from inventory.models import Item, KitComponent, Lot, LotStock, State, Tracking
from inventory.models.lots import MAX_CODE
from inventory.services.codes import items_of

_WHAT = {Tracking.SERIAL: "serial number", Tracking.LOT: "lot"}


def word(item: Item) -> str:
    """`serial number` or `lot`: what the units of this item are called by."""
    return _WHAT[Tracking(item.tracking)]


def tracked(item: Item) -> bool:
    return item.tracking != Tracking.NONE


def hint(item: Item) -> str:
    """What a person has to scan where units are told apart."""
    return f"Scan each {word(item)}" if tracked(item) else ""


def device_codes(items: Sequence[Item]) -> dict[str, str] | None:
    """What a scanner here may read, so that the device can answer first; None where lots or serials are scanned: only
    the server knows those."""
    if any(tracked(item) for item in items):
        return None
    return {code: item.name for item in items for code in (item.gtin, item.sku) if code}


def require(item_ids: Collection[int]) -> None:
    """Refusal("unknown_item"), or ("is_kit") naming the parts to list instead: a kit lies nowhere, its parts do."""
    rows = dict(Item.objects.filter(pk__in=item_ids).values_list("pk", "is_kit"))
    if len(rows) != len(set(item_ids)):
        raise Refusal("unknown_item", "No such item.", status=404)
    if kit := next((pk for pk in sorted(rows) if rows[pk]), None):
        raise is_kit(kit)


def is_kit(item_id: int) -> Refusal:
    """Why a kit can't be counted or sent as such."""
    sku = Item.objects.values_list("sku", flat=True).get(pk=item_id)
    parts = list(KitComponent.objects.filter(kit=item_id).order_by("part__sku").values_list("part__sku", "quantity"))
    words = ", ".join(f"{quantity} of {part}" for part, quantity in parts) or "nobody has described yet"
    return Refusal(
        "is_kit",
        f"{sku} is a kit and lies nowhere itself. List its parts instead: {words}.",
        status=422,
        sku=sku,
        parts=[{"sku": part, "quantity": quantity} for part, quantity in parts],
    )


def countable(item_ids: Collection[int]) -> list[int]:
    """Those of them that lie on shelves: all but kits."""
    return list(Item.objects.filter(pk__in=item_ids, is_kit=False).order_by("pk").values_list("pk", flat=True))


def meant(code: str, among: Iterable[Item], *, chosen: Item | None = None) -> tuple[set[int], str]:
    """(ids of the items a code may mean, which of their units: "" for an article whose units are all alike).

    Among the items looked for, a lot or serial number names its item. One nobody knows belongs to the item the person
    has `chosen`. Refusal("name_needed") where an article was scanned whose units are told apart, ("ambiguous_code"),
    ("unknown_code"), ("unknown_name").
    """
    items = {item.pk: item for item in among}
    named = {pk: item for pk, item in items.items() if tracked(item)}
    text = skus.normalise(code.replace("\0", ""))
    if chosen is not None and tracked(chosen):
        if chosen.pk in _articles(text):
            raise _name_needed(chosen, code)
        return {chosen.pk}, checked(text)
    articles = _articles(text)
    if alike := articles & items.keys() - named.keys():
        return alike, ""
    owners = set(Lot.objects.filter(code=text, item__in=named).values_list("item_id", flat=True)) if named else set()
    if len(owners) > 1:
        names = ", ".join(sorted(items[pk].sku for pk in owners))
        raise Refusal("ambiguous_code", f"{text} names units of {names}. Choose the item first.", status=422,
                      scanned=text)  # fmt: skip
    if owners:
        return owners, text
    if known := sorted(articles & named.keys()):
        raise _name_needed(named[known[0]], code)
    if not articles and named and text:
        raise Refusal("unknown_name", f"Nobody knows {text[:100]}. Choose the item it belongs to, then scan it again.",
                      status=422, scanned=text[:100])  # fmt: skip
    return articles or items_of(code), ""


def name_of(item: Item, code: str) -> str:
    """The name of units of this one item, checked as it may be stored; refused where its units have none."""
    if not tracked(item):
        raise Invalid([Problem("code", "not_tracked", f"Units of {item.sku} aren't told apart.")], status=422)
    return checked(skus.normalise(code.replace("\0", "")))


def checked(text: str) -> str:
    if not 0 < len(text) <= MAX_CODE or not text.isprintable():
        raise Invalid([Problem("code", "code", f"A code has 1 to {MAX_CODE} visible characters.")], status=422)
    return text


def one_unit(item: Item, name: str, quantity: int, *, seen: int) -> None:
    """A serial number is one unit. Refusal("scanned_already") where it was seen before."""
    if not name or item.tracking != Tracking.SERIAL:
        return
    if quantity > 1:
        raise Invalid([Problem("quantity", "serial", "A serial number is one unit.")], status=422)
    if seen and quantity:
        raise Refusal("scanned_already", f"{name} is one unit, and it was scanned.", scanned=name)


def lying(item_ids: Collection[int], location_id: int, state: str = State.SELLABLE) -> dict[tuple[int, str], int]:
    """{(item, lot or serial): units} the books have of tracked items at a place in one state."""
    rows = LotStock.objects.filter(lot__item__in=item_ids, location=location_id, state=str(state), quantity__gt=0)
    return {(item, code): units for item, code, units in rows.values_list("lot__item_id", "lot__code", "quantity")}


def on_shelf(item_id: int, location_id: int) -> dict[str, int]:
    """{lot or serial: units} a walker should find: what the books have there, less what was picked and has not left."""
    aside = asides.named(location_id, [item_id])
    left = {code: units - aside[item, code] for (item, code), units in lying([item_id], location_id).items()}
    return {code: units for code, units in sorted(left.items()) if units > 0}


def _articles(text: str) -> set[int]:
    try:
        return items_of(text)
    except Refusal:
        return set()


def _name_needed(item: Item, code: str) -> Refusal:
    return Refusal("name_needed", f"Scan the {word(item)} of {item.sku}.", status=422, scanned=code[:100])
