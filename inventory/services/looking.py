"""Taking down what people see on the shelf: article by article, and unit by unit where units are told apart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Max, Sum
from django.utils import timezone
from django.utils.timezone import is_naive

from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from inventory import asides
from inventory.models import MAX_UNITS, Count, CountEntry, CountLine, CountLot, CountStatus, Item
from inventory.services import naming
from inventory.services.counting import begin, open_count
from inventory.services.locking import retrying


def scan(
    count_id: int,
    *,
    code: str,
    quantity: int = 1,
    line_id: int | None = None,
    at: datetime | None = None,
    version: int | None = None,
    actor: Actor,
) -> CountLine:
    """Units seen by their code: `quantity` more of that line. Starts a count nobody has started.

    Of tracked items the lot or serial is scanned; `line_id` says of which item a code is that nobody knows yet. `at` is
    when the device read it, for scans kept while offline. Refusal("not_on_this_count"), ("counted_already") where only
    some lines are counted again, ("scanned_already") for a serial seen before, ("name_needed"), ("unknown_code"),
    ("unknown_name"), ("ambiguous_code"), ("not_counting").
    """
    _check(quantity, 1)

    def work() -> CountLine:
        count = _counting(count_id, version, actor)
        lines = list(count.lines.select_related("item"))
        ids, name = naming.meant(code, [line.item for line in lines], chosen=_chosen(lines, line_id))
        hits = [line for line in lines if line.item_id in ids]
        if not hits:
            raise Refusal("not_on_this_count", f"{code} is not on {count.number}. Put it back.", scanned=code)
        now_due = [line for line in hits if line.round == count.round]
        if not now_due:
            raise Refusal("counted_already", f"{hits[0].item.sku} needs no second count.", scanned=code)
        line = now_due[0]
        _take_down(count, line, quantity, at, actor, name=name, whole=False)
        return line

    return retrying(work)


def _chosen(lines: Sequence[CountLine], line_id: int | None) -> Item | None:
    if line_id is None:
        return None
    for line in lines:
        if line.pk == line_id:
            return line.item
    raise _unknown_line()


def enter(
    count_id: int,
    *,
    line_id: int,
    quantity: int,
    code: str = "",
    at: datetime | None = None,
    version: int | None = None,
    actor: Actor,
) -> CountLine:
    """The whole figure of a line, typed; replaces what was scanned of it in this round. Zero is a figure, too.

    Of a tracked item it is the figure of the lot or serial in `code`; without one only zero can be said, of them all.
    """
    _check(quantity, 0)

    def work() -> CountLine:
        count = _counting(count_id, version, actor)
        line = count.lines.select_related("item").filter(pk=line_id).first()
        if line is None:
            raise _unknown_line()
        if line.round != count.round:
            raise Refusal("counted_already", f"{line.item.sku} needs no second count.")
        name = naming.name_of(line.item, code) if code else ""
        if naming.tracked(line.item) and not name and quantity:
            words = f"Say which {naming.word(line.item)}s of {line.item.sku} there are, one by one."
            raise Refusal("name_needed", words, status=422)
        _take_down(count, line, quantity, at, actor, name=name, whole=True)
        return line

    return retrying(work)


def _unknown_line() -> Refusal:
    return Refusal("unknown_line", "This line is not part of the count.", status=404)


def _check(quantity: int, least: int) -> None:
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not least <= quantity <= MAX_UNITS:
        raise Invalid([Problem("quantity", "range", f"A whole number from {least}.")], status=422)


def _counting(count_id: int, version: int | None, actor: Actor) -> Count:
    count = open_count(count_id, version)
    if count.status == CountStatus.REQUESTED:
        begin(count, actor)
    if count.status != CountStatus.COUNTING:
        raise Refusal(
            "not_counting",
            f"{count.number} is {count.get_status_display().lower()}, not being counted.",
            status_now=count.status,
            version=count.version,
        )
    return count


def _take_down(
    count: Count, line: CountLine, figure: int, at: datetime | None, actor: Actor, *, name: str, whole: bool
) -> None:
    now = timezone.now()
    begun = count.round_at or now
    # A device's clock is trusted between the beginning of the round and now.
    seen = now if at is None or is_naive(at) else max(begun, min(at, now))
    first = line.first_at is None
    if naming.tracked(line.item):
        _take_down_named(count, line, name, figure, whole=whole, first=first)
    else:
        fresh = whole or line.counted is None
        line.counted = figure if fresh else (line.counted or 0) + figure
    if (line.counted or 0) > MAX_UNITS:
        raise Invalid([Problem("quantity", "range", f"At most {MAX_UNITS}.")], status=422)
    aside = asides.of(count.location_id, [line.item_id])[line.item_id]
    if line.first_at is None:
        line.first_at = _looked_since(count, actor, begun, seen) if whole else seen
        line.aside_low = line.aside_high = aside
    line.first_at = min(line.first_at, seen)
    line.last_at = max(line.last_at or seen, seen)
    line.aside_low, line.aside_high = min(line.aside_low, aside), max(line.aside_high, aside)
    line.save(update_fields=["counted", "first_at", "last_at", "aside_low", "aside_high"])
    CountEntry.objects.create(
        line=line,
        round=line.round,
        figure=figure,
        whole=whole,
        code=name,
        at=seen,
        actor_kind=actor.kind,
        actor_uid=actor.uid,
        actor_label=actor.label[:200],
    )
    if actor.label not in count.counted_by:
        names = f"{count.counted_by}, {actor.label}".strip(", ")[:200]
        Count.objects.filter(pk=count.pk).update(counted_by=names)


def _take_down_named(count: Count, line: CountLine, name: str, figure: int, *, whole: bool, first: bool) -> None:
    """The figure of one lot or serial, or of all at once; the line's own is their sum."""
    _remember_aside(count, line, first=first)
    if not name:
        line.lots.update(counted=0)
        line.counted = 0
        return
    lot, _ = CountLot.objects.get_or_create(line=line, code=name)
    seen = 0 if whole else lot.counted or 0
    naming.one_unit(line.item, name, figure, seen=seen)
    lot.counted = seen + figure
    if lot.counted > MAX_UNITS:
        raise Invalid([Problem("quantity", "range", f"At most {MAX_UNITS}.")], status=422)
    lot.save(update_fields=["counted"])
    line.counted = line.lots.aggregate(units=Sum("counted"))["units"]


def _remember_aside(count: Count, line: CountLine, *, first: bool) -> None:
    """The least and the most of each lot that stood elsewhere while the line was looked at."""
    now = asides.named(count.location_id, [line.item_id])
    known = {lot.code: lot for lot in line.lots.all()}
    for code in sorted({code for item, code in now if item == line.item_id} | known.keys()):
        aside = now[line.item_id, code]
        lot = known.get(code) or CountLot(line=line, code=code)
        low = aside if first else min(lot.aside_low, aside)
        high = aside if first else max(lot.aside_high, aside)
        if lot.pk is None or (low, high) != (lot.aside_low, lot.aside_high):
            lot.aside_low, lot.aside_high = low, high
            lot.save()


def _looked_since(count: Count, actor: Actor, begun: datetime, seen: datetime) -> datetime:
    """A typed figure was counted since this person's last entry: that is when the look began."""
    mine = CountEntry.objects.filter(line__count=count, actor_kind=actor.kind, actor_uid=actor.uid, at__lte=seen)
    return max(begun, mine.aggregate(last=Max("at"))["last"] or begun)
