"""The systems that tell us what they believe, what their words mean, and what they call our items and places."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from django.db import transaction

from core import events
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from inventory import skus
from inventory.events import ALIAS_ADDED, LOCATION_ALIAS_ADDED, STATUS_MAP_CHANGED
from inventory.models import Item, ItemAlias, Location, LocationAlias, SourceKind, StatusMap, StockSource
from inventory.snapshots import MEANINGS, WORDS, status_key

# What words every retailer's systems share mean. A source's own first map starts from these where its vendor has none.
COMMON = {
    "on_hand": "on_hand", "stock": "on_hand", "physical": "on_hand", "available": "free", "atp": "free", "free": "free",
    "sellable": "sellable", "unrestricted": "sellable", "damaged": "damaged", "qc": "quarantined",
    "quality_control": "quarantined", "blocked": "quarantined", "quarantine": "quarantined",
    "quarantined": "quarantined", "rtv": "quarantined", "returned": "awaiting_inspection",
    "awaiting_inspection": "awaiting_inspection", "in_transit": "in_transit_in", "reserved": "reserved",
    "committed": "reserved",
}  # fmt: skip


@transaction.atomic
def ensure(
    code: str,
    *,
    name: str,
    kind: str = SourceKind.CHANNEL,
    alias_system: str = "",
    statuses: Mapping[str, str] | None = None,
    actor: Actor,
) -> StockSource:
    """The source of that code, made with its first status map if it is new. Safe to race."""
    source = StockSource.objects.filter(code=code).first()
    if source is not None:
        return source
    about = {"name": name[:120], "kind": kind, "alias_system": alias_system or code}
    source, made = StockSource.objects.get_or_create(code=code, defaults=about)
    if made:
        first = {status_key(word): meaning for word, meaning in (COMMON if statuses is None else statuses).items()}
        StatusMap.objects.create(
            source=source, version=1, statuses=first, note="What its words mean by default", actor_label=actor.label
        )
    return source


def current_map(source: StockSource) -> StatusMap:
    """The newest version. Every source has one from its beginning."""
    found = StatusMap.objects.filter(source=source).order_by("-version").first()
    if found is None:
        # One made by hand: common words mean what they mean everywhere until somebody says otherwise.
        note = "What common words mean"
        return StatusMap.objects.create(source=source, version=1, statuses=COMMON, note=note, actor_label="Backroom")
    return found


@transaction.atomic
def map_statuses(
    source_id: int, changes: Mapping[str, str], *, version: int | None = None, note: str = "", actor: Actor
) -> StatusMap:
    """Say what status words mean ("" forgets one), as the map's next version. Locks the source.

    Invalid names words and meanings that make no sense; Refusal("map_changed") when `version` is no longer the newest.
    """
    source = _locked(source_id)
    now = current_map(source)
    if version is not None and version != now.version:
        raise Refusal("map_changed", "Somebody else changed this map a moment ago.", version=now.version)
    problems = [
        Problem(f"statuses.{word[:40]}", "choice", f"{meaning[:40]!r} is no meaning a status can have.")
        for word, meaning in changes.items()
        if meaning and meaning not in MEANINGS
    ]
    problems += [Problem("statuses", "required", "A status needs a word.") for word in changes if not status_key(word)]
    if problems:
        raise Invalid(problems)
    statuses = dict(now.statuses)
    for word, meaning in changes.items():
        statuses[status_key(word)] = meaning
    statuses = {word: meaning for word, meaning in statuses.items() if meaning}
    if statuses == now.statuses:
        return now
    made = StatusMap.objects.create(
        source=source, version=now.version + 1, statuses=statuses, note=note[:200], actor_label=actor.label[:200]
    )
    told = {status_key(word): WORDS.get(meaning, "") for word, meaning in changes.items()}
    events.record(STATUS_MAP_CHANGED, source.subject, actor=actor, data={"version": made.version, "changes": told})
    return made


@transaction.atomic
def name_item(source_id: int, code: str, item_id: int, *, actor: Actor) -> None:
    """Say which item a source's code means. Safe to repeat. Refusal("alias_taken") when it means another already."""
    source = _locked(source_id)
    normal = _code(code)
    item = Item.objects.filter(pk=item_id).first()
    if item is None:
        raise Refusal("unknown_item", "No such item.", status=404)
    known, made = ItemAlias.objects.get_or_create(system=source.alias_system, code=normal, defaults={"item": item})
    if known.item_id != item_id:
        raise Refusal("alias_taken", f"{normal} means {known.item} at {source} already.", item=known.item.sku)
    if made:
        about = Subject("item", str(item.pk), item.sku)
        events.record(ALIAS_ADDED, about, actor=actor, data={"system": source.alias_system, "code": normal})


@transaction.atomic
def name_location(source_id: int, code: str, location_id: int, *, actor: Actor) -> None:
    """Say which of our places a source's code means. Safe to repeat. Refusal("alias_taken") for a second meaning."""
    source = _locked(source_id)
    normal = _code(code)
    location = Location.objects.filter(pk=location_id).first()
    if location is None:
        raise Refusal("unknown_location", "No such place.", status=404)
    known, made = LocationAlias.objects.get_or_create(
        system=source.alias_system, code=normal, defaults={"location": location}
    )
    if known.location_id != location_id:
        raise Refusal("alias_taken", f"{normal} means {known.location} at {source} already.")
    if made:
        about = Subject("location", str(location.pk), location.code)
        told = {"system": source.alias_system, "code": normal}
        events.record(LOCATION_ALIAS_ADDED, about, actor=actor, data=told)


@transaction.atomic
def tolerate(source_id: int, *, units: int, percent: Decimal, actor: Actor) -> None:
    """Set what a difference must exceed to be a case. Invalid for what is no tolerance."""
    problems = []
    if isinstance(units, bool) or not 0 <= units <= 1_000_000:
        problems.append(Problem("tolerance_units", "range", "Units from 0 to 1,000,000."))
    if not percent.is_finite() or not 0 <= percent <= 100:
        problems.append(Problem("tolerance_percent", "range", "A percentage from 0 to 100."))
    if problems:
        raise Invalid(problems)
    _locked(source_id)
    StockSource.objects.filter(pk=source_id).update(tolerance_units=units, tolerance_percent=percent)


def _locked(source_id: int) -> StockSource:
    source = StockSource.objects.select_for_update(no_key=True).filter(pk=source_id).first()
    if source is None:
        raise Refusal("unknown_source", "No such source.", status=404)
    return source


def _code(code: str) -> str:
    normal = skus.normalise(code)
    if not normal or len(normal) > 200 or "\0" in normal:
        raise Invalid([Problem("code", "text", "A code of 1 to 200 characters is needed.")])
    return normal
