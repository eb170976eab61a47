"""Items and places kept by another system's master data: made, changed, never guessed at.

Which of ours a code means is settled by what we were told before (`item_id`, an alias, the SKU itself), never by what
looks alike. What contradicts our data is refused with both sides named.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Func, Value

from core import events
from core.actors import Actor
from core.errors import Refusal
from core.subjects import Subject
from inventory import skus
from inventory.events import ALIAS_ADDED, ITEM_KEPT, LOCATION_ALIAS_ADDED, PLACE_KEPT
from inventory.masters import OF_ITEMS, OF_PLACES, IncomingItem, IncomingPlace
from inventory.models import Item, ItemAlias, Location, LocationAlias, LocationKind, LocationStatus, Tracking


@dataclass(slots=True)
class Kept:
    """The record it is about, and what became different; nothing: all of it was known."""

    subject: Subject
    made: bool = False
    changed: list[str] = field(default_factory=list)


@transaction.atomic
def keep_item(
    incoming: IncomingItem, *, system: str, known_as: int | None, ours: Collection[str] = (), actor: Actor
) -> Kept:
    """Make the item or bring what its master system keeps up to date. Safe to repeat. Locks the item.

    `known_as` is the item this record meant before; `ours` names fields that are kept here all the same. Raises
    Invalid for a code that can't be a SKU, Refusal("gtin_taken"), ("alias_taken"), ("looks_alike"), ("tracking_stays").
    """
    code = skus.clean(incoming.code, path="code")
    item = _item(code, system, known_as)
    made = item is None
    if item is None:
        _refuse_look_alike(code)
        item = Item(sku=code, name=code)
    changed = _set_fields(item, incoming, ours)
    if "gtin" in changed and item.gtin:
        _refuse_taken_gtin(item)
    if made or changed:
        _save(item)
    kept = Kept(Subject("item", str(item.pk), item.sku), made, changed)
    for name in dict.fromkeys((code, *incoming.barcodes)):
        if _name(item, system, skus.normalise(name), actor):
            kept.changed.append(f"known as {name}")
    if made or kept.changed:
        data = {"made": made, "changed": kept.changed, "system": system}
        events.record(ITEM_KEPT, kept.subject, actor=actor, data=data)
    return kept


@transaction.atomic
def keep_place(
    incoming: IncomingPlace,
    *,
    system: str,
    known_as: int | None,
    new_kind: str = "",
    ours: Collection[str] = (),
    actor: Actor,
) -> Kept:
    """Bring the place up to date. One nobody knows is made only where `new_kind` says what it would be, and PAUSED:
    a person says when it takes orders. Refusal("unknown_location") otherwise, ("place_in_use") for one closed there
    that is open here."""
    code = skus.normalise(incoming.code)
    place = Location.objects.select_for_update(no_key=True).filter(pk=known_as).first() if known_as else None
    alias = LocationAlias.objects.filter(system=system, code=code).values_list("location_id", flat=True).first()
    place = place or Location.objects.select_for_update(no_key=True).filter(pk=alias).first()
    place = place or Location.objects.select_for_update(no_key=True).filter(code=code).first()
    made = place is None
    if place is None:
        if new_kind not in LocationKind.values or len(code) > 40:
            raise Refusal("unknown_location", f"No place of ours is called {code}: say which it is, or make it.")
        place = Location(code=code, name=code, kind=new_kind, status=LocationStatus.PAUSED)
    changed = []
    for name in OF_PLACES:
        value = getattr(incoming, name)
        if value is not None and name not in ours and getattr(place, name) != value:
            setattr(place, name, dict(value) if name == "address" else value[:120])
            changed.append(name)
    if incoming.active is False and not made and place.status == LocationStatus.ACTIVE:
        raise Refusal("place_in_use", f"{place.code} is closed there and open here: close it here, or open it there.")
    if made or changed:
        place.save()
    kept = Kept(Subject("location", str(place.pk), place.code), made, changed)
    _, named = LocationAlias.objects.get_or_create(system=system, code=code, defaults={"location": place})
    if named:
        events.record(LOCATION_ALIAS_ADDED, kept.subject, actor=actor, data={"system": system, "code": code})
    if made or changed:
        data = {"made": made, "changed": changed, "system": system}
        events.record(PLACE_KEPT, kept.subject, actor=actor, data=data)
    return kept


def _item(code: str, system: str, known_as: int | None) -> Item | None:
    """The one meant, locked: as we were told before, else by the system's name for it, else by SKU."""
    alias = ItemAlias.objects.filter(system=system, code=code).values_list("item_id", flat=True).first()
    if known_as and alias and alias != known_as:
        words = f"{code} means {Item.objects.get(pk=alias)} already, and this record was {_sku(known_as)} before."
        raise Refusal("alias_taken", words)
    found = Item.objects.select_for_update(no_key=True)
    if key := known_as or alias:
        return found.filter(pk=key).first()
    return found.filter(sku=code).first()


def _set_fields(item: Item, incoming: IncomingItem, ours: Collection[str]) -> list[str]:
    changed = []
    for name, value in _wanted(incoming, item).items():
        if name in ours or all(getattr(item, field) == wanted for field, wanted in value.items()):
            continue
        for attribute, wanted in value.items():
            setattr(item, attribute, wanted)
        changed.append(name)
    return changed


def _wanted(incoming: IncomingItem, item: Item) -> dict[str, dict[str, Any]]:
    """What the item's fields shall be, by the names of what is kept elsewhere."""
    told: dict[str, dict[str, Any]] = {}
    for name in OF_ITEMS:
        value = getattr(incoming, name)
        if name == "cost" and value is not None:
            told[name] = {"unit_cost": value[0], "cost_currency": value[1]}
        elif name == "facts":
            told[name] = {"attributes": {**item.attributes, **value}}
        elif name == "name" and value:
            told[name] = {"name": value[:200]}
        elif name != "name" and value is not None:
            told[name] = {name: value}
    return told


def _save(item: Item) -> None:
    if item.is_kit and item.tracking != Tracking.NONE:
        raise Refusal("tracking_stays", f"{item.sku} is a kit here: its parts are told apart, not the kit.")
    try:
        item.clean()
    except ValidationError as error:
        raise Refusal("tracking_stays", f"{item.sku}: {' '.join(error.messages)}") from None
    item.save()


def _name(item: Item, system: str, code: str, actor: Actor) -> bool:
    """Remember what the system calls it; whether that is news."""
    if not code or len(code) > 200:
        return False
    alias, made = ItemAlias.objects.get_or_create(system=system, code=code, defaults={"item": item})
    if alias.item_id != item.pk:
        raise Refusal("alias_taken", f"{code} means {_sku(alias.item_id)} already; this record says it is {item.sku}.")
    if made and code != item.sku:
        about = Subject("item", str(item.pk), item.sku)
        events.record(ALIAS_ADDED, about, actor=actor, data={"system": system, "code": code})
        return True
    return False


def _refuse_taken_gtin(item: Item) -> None:
    bare = item.gtin.lstrip("0")
    spellings = {bare.zfill(length) for length in (8, 12, 13, 14) if len(bare) <= length}
    other = Item.objects.filter(gtin__in=spellings).exclude(pk=item.pk).values_list("sku", flat=True).first()
    if other:
        raise Refusal(
            "gtin_taken", f"The GTIN {item.gtin} of {item.sku} is {other}'s already: one of the two is wrong."
        )


def _refuse_look_alike(sku: str) -> None:
    plain = sku.translate(str.maketrans(skus.LOOK_ALIKES, skus.LATIN))
    printed = Func(F("sku"), Value(skus.LOOK_ALIKES), Value(skus.LATIN), function="translate")
    other = Item.objects.annotate(printed=printed).filter(printed=plain).values_list("sku", flat=True).first()
    if other:
        raise Refusal("looks_alike", f"{sku} prints like {other}, which is another item.")


def _sku(item_id: int) -> str:
    return Item.objects.filter(pk=item_id).values_list("sku", flat=True).first() or f"item {item_id}"
