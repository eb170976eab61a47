"""Cases about what other systems say: where they disagree with the books, and words nobody has explained."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet
from django.urls import reverse

from core.actors import Actor
from core.errors import Refusal
from core.formats import number, plural
from core.subjects import Subject
from exceptions.reasons import Action, Cell, Column, Context, Evidence, Opening, Reason, Row
from inventory import lens, stock_cases, weights
from inventory.models import State, Stock, StockDifference, StockMovement, StockSource
from inventory.services import comparing, correcting, counts, differences, naming, unresolved
from inventory.services.comparing import Compared
from inventory.snapshots import CAUSE_WORDS, LEVELS
from inventory.stock_cases import stock_of
from inventory.wording_snapshots import FIGURES

# --- A source and the books disagree -------------------------------------------------------------------------------


def _words(uid: str) -> list[Compared]:
    stock = stock_of(uid)
    return comparing.of(stock.item_id, stock.location_id) if stock else []


def _differs(uid: str) -> bool:
    return any(word.beyond for word in _words(uid))


def _differing() -> Iterable[str]:
    rows = StockDifference.objects.open().filter(beyond=True).order_by("pk").values_list("item_id", "location_id")
    pairs = list(rows[:10_000])
    found = Stock.objects.filter(item_id__in={i for i, _ in pairs}, location_id__in={p for _, p in pairs})
    wanted = set(pairs)
    return [str(pk) for pk, *pair in found.values_list("pk", "item_id", "location_id") if tuple(pair) in wanted]


def _describe_difference(uid: str) -> Opening | None:
    stock = stock_of(uid)
    row = stock and _standing(stock).first()
    if not stock or not row:
        return None
    label = stock_cases.label(stock)
    return Opening(label=label, **differences.opening(row))


def _standing(stock: Stock) -> QuerySet[StockDifference]:
    rows = StockDifference.objects.open().filter(item=stock.item_id, location=stock.location_id, beyond=True)
    return rows.select_related("source", "item", "location").order_by("-gross")


def _difference_evidence(uid: str) -> list[Evidence]:
    stock = stock_of(uid)
    if stock is None:
        return []
    words = comparing.of(stock.item_id, stock.location_id)
    sources = StockSource.objects.in_bulk({word.source_id for word in words})
    found = [_both_sides(word, sources[word.source_id]) for word in words]
    shown = max(words, key=lambda word: word.as_of, default=None)
    if shown is not None:
        found += [_cause(stock), _between(shown)]
    return found


def _both_sides(word: Compared, source: StockSource) -> Evidence:
    rows = []
    for level in LEVELS:
        theirs = word.theirs[level]
        if theirs is None:
            continue
        apart = theirs - word.own[level]
        cells = [FIGURES[level], number(theirs), number(word.own[level]), number(apart) if apart else "equal"]
        rows.append(Row(cells, hot=level in word.deltas or (bool(apart) and bool(word.deltas))))
    columns = (Column("Figure"), Column(source.name, True), Column("Books then", True), Column("Apart", True))
    snapshot = f"SN-{word.snapshot_id}, {word.as_of:%d %b %Y %H:%M} UTC"
    return Evidence(f"Both sides as of {snapshot}", columns, rows)


def _cause(stock: Stock) -> Evidence:
    rows = [
        Row([row.get_cause_display(), CAUSE_WORDS[row.cause], row.source.name], hot=True)
        for row in StockDifference.objects.open()
        .filter(item=stock.item_id, location=stock.location_id)
        .select_related("source")
    ]
    return Evidence("Likely cause", ("Cause", "What it means", "Source"), rows)


def _between(word: Compared) -> Evidence:
    rows = [_moved(movement, word) for movement in comparing.around(word.item_id, word.location_id, word.as_of)]
    columns = (Column("Happened"), Column("Units", True), Column("From"), Column("To"), Column("Because of"))
    return Evidence("Movements from a week before until now", columns, rows, empty="Nothing moved here in that time.")


def _moved(movement: StockMovement, word: Compared) -> Row:
    late = movement.occurred_at <= word.as_of < movement.recorded_at
    note = "recorded after the snapshot" if late else ""
    if movement.occurred_at > word.as_of:
        correction = {movement.from_state, movement.to_state} & comparing.CORRECTIONS
        note = "a correction: it counts from the beginning" if correction else "after the snapshot"
    cause = Subject(movement.cause_kind, movement.cause_uid, movement.cause_label)
    return Row(
        [
            Cell(f"{movement.occurred_at:%d %b %H:%M}", note=note),
            number(movement.quantity),
            State(movement.from_state).label,
            State(movement.to_state).label,
            Cell(movement.cause_label or movement.cause_kind, subject=cause),
        ],
        hot=late,
    )


def _difference_context(uid: str) -> Context | None:
    stock = stock_of(uid)
    if stock is None:
        return None
    facts = [
        ("Place", stock.location.name),
        ("Sellable now", number(stock.sellable)),
        ("Promised now", number(stock.reserved)),
    ]
    return Context(stock.item.name, Subject("item", str(stock.item_id), stock.item.sku), facts)


def _preview(uid: str) -> list[tuple[str, str]]:
    try:
        fix = correcting.plan(int(uid))
    except Refusal as refusal:
        return [("Not possible", refusal.message)]
    steps = [
        (f"{State(move.from_state).label} to {State(move.to_state).label.lower()}", plural(move.quantity, "unit"))
        for move in fix.moves
    ]
    return [("Source believed", fix.source.name), *steps, ("Booked as of", f"{fix.word.as_of:%d %b %Y %H:%M} UTC")]


def _correct(uid: str, *, actor: Actor) -> str:
    fix = correcting.correct(int(uid), actor=actor)
    units = sum(move.quantity for move in fix.moves)
    return f"{plural(units, 'unit')} corrected to what {fix.source.name} said."


def _count(uid: str, *, actor: Actor) -> str:
    stock = stock_of(uid)
    if stock is None:
        raise Refusal("unknown_place", "There is no such stock.", status=404)
    latest = max(comparing.of(stock.item_id, stock.location_id), key=lambda word: word.as_of, default=None)
    cause = Subject("snapshot", str(latest.snapshot_id), f"SN-{latest.snapshot_id}") if latest else None
    note = "Another system disagrees"
    count_id = counts.request(stock.location_id, [stock.item_id], cause=cause, actor=actor, note=note)
    return f"Count {count_id} at {stock.location.code} is asked for."


def _countable(uid: str) -> bool:
    stock = stock_of(uid)
    return stock is not None and bool(naming.countable([stock.item_id]))


def _fixable(uid: str) -> bool:
    try:
        correcting.plan(int(uid))
    except Refusal:
        return False
    return True


SNAPSHOT_DIFFERS = Reason(
    code=differences.REASON,
    impact=weights.of_difference,
    title="A system disagrees about stock",
    queue="stock",
    subject_kind="stock",
    icon="scale",
    acknowledge_minutes=4 * 60,
    resolve_minutes=2 * 24 * 60,
    description="What another system says it has differs from the books, after everything that moved since it looked.",
    clears="the books of that moment say the same: by a late fact, a correction, a count or a new snapshot",
    predicate=_differs,
    evidence=_difference_evidence,
    context=_difference_context,
    standing=_differing,
    describe=_describe_difference,
    actions=(
        Action(
            code="correct",
            title="Correct the books",
            detail="Compensating movements make the books say what the system said. Nothing is overwritten.",
            permission="inventory.correct_difference",
            run=_correct,
            rehearsed=True,
            undo=lens.take_back,
            stake="what the corrected units cost",
            preview=_preview,
            offered=_fixable,
            confirm="The units are booked as found, missing or in another state.",
            primary=True,
        ),
        Action(
            code="count",
            title="Have it counted",
            detail="A blind count of this item at this place. What it finds decides.",
            permission="inventory.request_count",
            run=_count,
            rehearsed=True,
            undo=lens.call_off_count,
            offered=_countable,
        ),
        Action(
            code="reconcile",
            title="Open reconciliation",
            href=lambda uid: reverse("inventory:reconciliation"),
        ),
    ),
)


# --- A source uses words nobody has explained ----------------------------------------------------------------------


def _unexplained(code: str, title: str, description: str, clears: str) -> Reason:
    def evidence(uid: str) -> Evidence:
        rows = [
            Row([Cell(str(each["word"]) or "(empty)", code=True), number(each["lines"])], hot=n == 0)
            for n, each in enumerate(unresolved.words(code, int(uid)))
        ]
        return Evidence(title, ("Word", Column("Lines that wait", True)), rows)

    def describe(uid: str) -> Opening | None:
        source = StockSource.objects.filter(pk=uid).first()
        if source is None:
            return None
        words = unresolved.opening(code, source, unresolved.words(code, source.pk, 6))
        return Opening(label=source.code, **words)

    return Reason(
        code=code,
        title=title,
        queue="integration",
        subject_kind="stock_source",
        icon="tag",
        description=description,
        clears=clears,
        weightless="Lines that name nothing known are not compared: what they are worth is not known until they are.",
        predicate=lambda uid: unresolved.stands(code, int(uid)),
        evidence=evidence,
        standing=lambda: unresolved.standing(code),
        describe=describe,
        actions=(
            Action(
                code="explain",
                title="Say what they mean",
                permission="inventory.map_stocksource",
                href=lambda uid: reverse("inventory:source", args=[uid]),
                primary=True,
            ),
        ),
    )


UNKNOWN_ITEM = _unexplained(
    "inventory.snapshot_unknown_item",
    "Unknown item in a stock snapshot",
    "A system reports stock of codes that are neither a SKU nor a known alias. Those lines are kept and not compared.",
    "every code is a SKU or has an alias",
)
UNKNOWN_LOCATION = _unexplained(
    "inventory.snapshot_unknown_location",
    "Unknown place in a stock snapshot",
    "A system reports stock at places whose codes nobody has matched to ours. Those lines are kept and not compared.",
    "every place code is matched to one of our places",
)
UNMAPPED_STATUS = _unexplained(
    "inventory.snapshot_unmapped_status",
    "Unmapped status in a stock snapshot",
    "A system reports units under a status word its map does not have. Those lines are kept and not compared.",
    "every status word is mapped or marked as no stock level",
)

REASONS = (SNAPSHOT_DIFFERS, UNKNOWN_ITEM, UNKNOWN_LOCATION, UNMAPPED_STATUS)
