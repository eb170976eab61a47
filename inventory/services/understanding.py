"""What a source's lines mean: its codes looked up, its statuses mapped, every line with its outcome. Never a guess."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q

from inventory import skus
from inventory.models import (
    Item,
    KitComponent,
    LineOutcome,
    Location,
    LocationAlias,
    StatusMap,
    StockSource,
)
from inventory.snapshots import ALIAS, GTIN, IGNORED, LIMIT, SKU, STATUS_LENGTH, Code, ReportedLine, status_key

CHUNK = 5_000
AMBIGUOUS = -1  # several of an item's names are known, and they mean different items


@dataclass(slots=True)
class Understood:
    """What a SnapshotLine will say. No model: a row of one takes ten times as long to make, and there are many."""

    n: int
    code: str
    place: str
    status: str
    quantity: int | None
    codes: list[list[str]]
    item_id: int | None
    location_id: int | None
    measure: str
    outcome: str
    problem: str


def understood(source: StockSource, statuses: StatusMap, lines: Sequence[ReportedLine]) -> list[Understood]:
    """Every line with what it means or why it means nothing, in their order. Reads; writes nothing."""
    items = _items(source, lines)
    places = _places(source, {line.place for line in lines})
    meanings = {word: statuses.statuses.get(status_key(word), "") for word in {line.status for line in lines}}
    kits = _kits(items.values())
    made = []
    for n, line in enumerate(lines):
        item = items.get(line.codes)
        each = _line(n, line, item, places.get(line.place), meanings[line.status])
        if item in kits and each.outcome == LineOutcome.COMPARED:
            each.outcome, each.problem = LineOutcome.IGNORED, "kit"
        made.append(each)
    return made


def repeats(lines: Iterable[Understood]) -> tuple[str, ...]:
    """What has to be said where a source gives several figures for one thing: they are added up, as bins are."""
    told = Counter(
        (line.item_id, line.location_id, line.status) for line in lines if line.outcome == LineOutcome.COMPARED
    )
    several = sum(times > 1 for times in told.values())
    if not several:
        return ()
    return (f"Added up: {several:,} figures that came in several lines of one item, place and status.",)


def _line(n: int, line: ReportedLine, item: int | None, place: int | None, meaning: str) -> Understood:
    outcome, problem = _judged(line, item, place, meaning)
    return Understood(
        n=n,
        code=line.code[:200],
        place=line.place[:200],
        status=line.status[:STATUS_LENGTH],
        quantity=line.quantity if line.fault == "" else None,
        codes=[[code.kind, code.value] for code in line.codes],
        item_id=item if item != AMBIGUOUS else None,
        location_id=place,
        measure="" if meaning == IGNORED else meaning,
        outcome=outcome,
        problem=problem,
    )


def _judged(line: ReportedLine, item: int | None, place: int | None, meaning: str) -> tuple[str, str]:
    """(outcome, why not compared). What is no stock level needs no item to be left out."""
    if line.fault or (line.quantity is not None and abs(line.quantity) > LIMIT):
        return LineOutcome.REFUSED, line.fault or "bad_quantity"
    if meaning == IGNORED:
        return LineOutcome.IGNORED, "not_a_level"
    if line.quantity is None:
        return LineOutcome.IGNORED, "not_tracked"
    if place is None:
        return LineOutcome.UNRESOLVED, "unknown_location"
    if item is None or item == AMBIGUOUS:
        return LineOutcome.UNRESOLVED, "ambiguous_item" if item == AMBIGUOUS else "unknown_item"
    if not meaning:
        return LineOutcome.UNRESOLVED, "unmapped_status"
    return LineOutcome.COMPARED, ""


def _items(source: StockSource, lines: Iterable[ReportedLine]) -> dict[tuple[Code, ...], int]:
    """The item each set of names means: all that are known must agree, else it is ambiguous."""
    wanted = {line.codes for line in lines}
    by_kind: dict[str, set[str]] = defaultdict(set)
    for code in {code for codes in wanted for code in codes}:
        by_kind[code.kind].add(code.value)
    known = {
        SKU: _resolve(by_kind[SKU], source),
        GTIN: _by_gtin(by_kind[GTIN]),
        ALIAS: _aliases(by_kind[ALIAS], source),
    }
    found: dict[tuple[Code, ...], int] = {}
    for codes in wanted:
        ids = {known[code.kind][code.value] for code in codes if code.value in known[code.kind]}
        if ids:
            found[codes] = ids.pop() if len(ids) == 1 else AMBIGUOUS
    return found


def _resolve(codes: Collection[str], source: StockSource) -> dict[str, int]:
    found: dict[str, int] = {}
    for chunk in _chunks(codes):
        found |= Item.objects.resolve(chunk, system=source.alias_system)
    return found


def _aliases(codes: Collection[str], source: StockSource) -> dict[str, int]:
    """Ids of the other system: only its aliases say what they mean, for a number may well be somebody's SKU."""
    found: dict[str, int] = {}
    for chunk in _chunks(codes):
        normal = {code: skus.normalise(code) for code in chunk}
        known = dict(
            Item.objects.filter(aliases__system=source.alias_system, aliases__code__in=set(normal.values()))
            .values_list("aliases__code", "pk")
        )  # fmt: skip
        found |= {code: known[plain] for code, plain in normal.items() if plain in known}
    return found


def _by_gtin(codes: Collection[str]) -> dict[str, int]:
    """Items by GTIN, compared at 14 digits; a GTIN two items share means neither."""
    full = {
        code: code.zfill(14) for code in codes if code.isascii() and code.isdigit() and len(code) in {8, 12, 13, 14}
    }
    found: dict[str, int] = {}
    spelt = {spelling for code in full.values() for spelling in (code, code[1:], code[2:], code[6:])}
    for chunk in _chunks(spelt):
        for gtin, item_id in Item.objects.filter(gtin__in=chunk).values_list("gtin", "pk"):
            whole = gtin.zfill(14)
            found[whole] = AMBIGUOUS if found.get(whole, item_id) != item_id else item_id
    return {code: found[whole] for code, whole in full.items() if whole in found}


def _places(source: StockSource, codes: Collection[str]) -> dict[str, int]:
    """Our locations by what the source calls them: its aliases first, then our own codes and GLNs."""
    found: dict[str, int] = {}
    for chunk in _chunks({code for code in codes if code and "\0" not in code}):
        normal = {code: skus.normalise(code) for code in chunk}
        plain = set(normal.values())
        own = Location.objects.filter(Q(code__in=plain) | Q(gln__in=plain - {""})).values_list("code", "gln", "pk")
        known = {name: pk for code, gln, pk in own for name in (gln, code) if name}
        known |= dict(
            LocationAlias.objects.filter(system=source.alias_system, code__in=plain).values_list("code", "location_id")
        )
        found |= {code: known[name] for code, name in normal.items() if name in known}
    return found


def _kits(ids: Iterable[int]) -> set[int]:
    """Those that are kits: they have no stock of their own, so nothing can be compared."""
    found: set[int] = set()
    wanted = sorted(set(ids))
    for at in range(0, len(wanted), CHUNK):
        found |= set(KitComponent.objects.filter(kit_id__in=wanted[at : at + CHUNK]).values_list("kit_id", flat=True))
    return found


def _chunks(codes: Collection[str]) -> Iterable[list[str]]:
    ordered = sorted(codes)
    return (ordered[at : at + CHUNK] for at in range(0, len(ordered), CHUNK))
