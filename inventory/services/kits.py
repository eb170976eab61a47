"""What kits are made of, and what wanting a kit means in units that lie on shelves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from django.db import transaction

from core import events, prepared
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.events import EventDraft
from core.subjects import Subject
from inventory.events import KIT_DEFINED
from inventory.models import Item, KitComponent, Stock
from inventory.models.kits import MAX_PARTS, MAX_PER_KIT
from inventory.services.holding import Want

Parts = list[tuple[int, int]]  # (part's item id, units of it in one kit)


def components(item_ids: Collection[int]) -> dict[int, Parts]:
    """{kit: its parts} for those of the items that are kits, in one query. A kit without parts has an empty list."""
    if not item_ids:
        return {}
    found: dict[int, Parts] = {}
    for kit, part, quantity in prepared.fetchall(_COMPONENTS, [list(set(item_ids))]):
        found.setdefault(kit, [])
        if part is not None:
            found[kit].append((part, quantity))
    return found


_COMPONENTS = """
SELECT kit.id, parts.part_id, parts.quantity FROM inventory_item kit
LEFT JOIN inventory_kitcomponent parts ON parts.kit_id = kit.id
WHERE kit.is_kit AND kit.id = ANY(%s::bigint[]) ORDER BY kit.id, parts.part_id
"""


def explode(wants: Sequence[Want], *, kits: Mapping[int, Parts] | None = None) -> list[Want]:
    """The wants with every kit replaced by its parts, under the same `ref`. At most one query, none with `kits` given.

    Raises Refusal("kit_without_parts"): nothing can be promised of a kit nobody has described.
    """
    known = components({want.item_id for want in wants}) if kits is None else kits
    made: list[Want] = []
    for want in wants:
        parts = known.get(want.item_id)
        if parts is None:
            made.append(want)
            continue
        if not parts:
            raise Refusal("kit_without_parts", "This kit has no parts yet.", status=422, item_id=want.item_id)
        made += [replace(want, item_id=part, quantity=want.quantity * each) for part, each in parts]
    return made


def whole(parts: Parts, free: Mapping[int, int]) -> int:
    """How many kits the free units of the parts make: the scarcest part decides. None of a kit without parts."""
    return min((free.get(part, 0) // quantity for part, quantity in parts), default=0)


def define(kit_id: int, parts: Mapping[int, int], *, actor: Actor) -> None:
    """Make the item a kit of these parts, {item id: units in one kit}. Safe to repeat; replaces what it was before.

    Orders placed earlier keep what was promised to them. Locks the item. Raises Invalid, or Refusal("has_stock") for
    an item that lies on shelves itself, Refusal("kit_in_kit") where a kit would contain a kit.
    """
    _check(kit_id, parts)
    with transaction.atomic():
        kit = Item.objects.select_for_update().filter(pk=kit_id).first()
        known = dict(Item.objects.filter(pk__in=parts).values_list("pk", "is_kit"))
        if kit is None or known.keys() != parts.keys():
            raise Refusal("unknown_item", "No such item.", status=404, items=sorted(parts.keys() - known.keys()))
        _refuse_what_cannot_be(kit, known)
        if not kit.is_kit:
            kit.is_kit = True
            kit.save(update_fields=["is_kit"])
        before = dict(kit.parts.values_list("part_id", "quantity"))
        if before == parts:
            return
        kit.parts.exclude(part_id__in=parts).delete()
        KitComponent.objects.bulk_create(
            [KitComponent(kit=kit, part_id=part, quantity=quantity) for part, quantity in sorted(parts.items())],
            update_conflicts=True,
            unique_fields=["kit", "part"],
            update_fields=["quantity"],
        )
        told = {"parts": {str(part): quantity for part, quantity in sorted(parts.items())}}
        events.record_many([EventDraft(KIT_DEFINED, Subject("item", str(kit.pk), kit.sku), actor, told)])


def _refuse_what_cannot_be(kit: Item, parts: Mapping[int, bool]) -> None:
    if nested := sorted(part for part, is_kit in parts.items() if is_kit):
        raise Refusal("kit_in_kit", "A kit can't contain another kit.", status=422, items=nested)
    if KitComponent.objects.filter(part=kit).exists():
        raise Refusal("kit_in_kit", f"{kit.sku} is a part of another kit.", status=422, items=[kit.pk])
    if Stock.objects.filter(item=kit).exists():
        raise Refusal("has_stock", f"{kit.sku} lies on shelves itself, so it can't be a kit.", item_id=kit.pk)


def _check(kit_id: int, parts: Mapping[int, int]) -> None:
    problems = []
    if not 1 <= len(parts) <= MAX_PARTS:
        problems.append(Problem("parts", "length", f"A kit has 1 to {MAX_PARTS} different parts."))
    for part, quantity in parts.items():
        if part == kit_id:
            problems.append(Problem(f"parts.{part}", "self", "A kit can't contain itself."))
        if isinstance(quantity, bool) or not isinstance(quantity, int) or not 1 <= quantity <= MAX_PER_KIT:
            message = f"A quantity is a whole number from 1 to {MAX_PER_KIT}."
            problems.append(Problem(f"parts.{part}", "range", message))
    if problems:
        raise Invalid(problems)
