"""Taking in what another system says it has: understood line by line, compared with the books, never guessed at."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from core import events
from core.actors import SYSTEM, Actor
from core.errors import Refusal
from core.subjects import Subject
from inventory.events import SNAPSHOT_RESOLVED, SNAPSHOT_TAKEN
from inventory.models import LineOutcome, SnapshotLine, SnapshotPlace, StatusMap, StockSnapshot, StockSource
from inventory.services import differences, sources, understanding, unresolved
from inventory.services.understanding import Understood
from inventory.snapshots import Code, IncomingSnapshot, ReportedLine, checked, fingerprint

CHUNK = 5_000
NOT_NAMED = "(not named)"  # the status of lines that only the completeness of a snapshot implies


@dataclass(frozen=True, slots=True)
class Taken:
    """The snapshot as it stands now; `replayed` when it had been taken before."""

    snapshot: StockSnapshot
    replayed: bool


@transaction.atomic
def take(source: StockSource, incoming: IncomingSnapshot, *, cause: Subject, actor: Actor) -> Taken:
    """Keep what a source says, compare what is understood, open cases for what differs or isn't. All or nothing.

    Safe to repeat: (source, ref) is taken once. An older snapshot than the latest word on an item is kept and changes
    nothing else. Locks what was reported before, never stock. Raises Invalid, Refusal("source_closed"), or
    Refusal("ref_reused") when the reference stands for another snapshot.
    """
    now = timezone.now()
    as_of = checked(incoming, now)
    if not source.active:
        raise Refusal("source_closed", f"{source.name} is not listened to any more.", source=source.code)
    digest = fingerprint(incoming)
    known = StockSnapshot.objects.filter(source=source, ref=incoming.ref).first()
    if known is not None:
        return _replayed(known, digest)
    statuses = sources.current_map(source)
    lines = understanding.understood(source, statuses, incoming.lines)
    snapshot = _insert(source, incoming, as_of, digest, statuses, lines, cause=cause, actor=actor)
    if snapshot is None:  # a twin was quicker
        return _replayed(StockSnapshot.objects.get(source=source, ref=incoming.ref), digest)
    _insert_lines(snapshot, lines)
    if incoming.complete:
        _imply(snapshot, start=len(lines))
    _count_places(snapshot)
    differences.compare(snapshot, actor=actor)
    unresolved.open_cases(source, actor=actor)
    events.record(SNAPSHOT_TAKEN, snapshot.subject, actor=actor, data=_told(snapshot), related=((cause, "cause"),))
    return Taken(snapshot, replayed=False)


def resolve_again(source_id: int, *, actor: Actor) -> int:
    """Look again at the lines nobody understood, with the aliases and statuses of now; returns how many are.

    One snapshot a transaction, oldest first, so that the latest word wins. Safe to repeat.
    """
    waiting = StockSnapshot.objects.filter(
        source_id=source_id, unresolved__gt=0, taken_at__gte=timezone.now() - unresolved.LOOKED_BACK
    )
    found = 0
    for snapshot_id in list(waiting.order_by("as_of", "pk").values_list("pk", flat=True)):
        found += _resolve_one(snapshot_id, actor=actor)
    unresolved.recheck(source_id, actor=actor)
    return found


def resolve_waiting() -> int:
    """The same for every source that has such lines; returns how many are understood now."""
    waiting = StockSource.objects.filter(pk__in=unresolved.lines().values("snapshot__source_id"))
    return sum(resolve_again(pk, actor=SYSTEM) for pk in waiting.values_list("pk", flat=True))


@transaction.atomic
def _resolve_one(snapshot_id: int, *, actor: Actor) -> int:
    snapshot = (
        StockSnapshot.objects.select_for_update(no_key=True, of=("self",)).select_related("source").get(pk=snapshot_id)
    )
    rows = list(SnapshotLine.objects.filter(snapshot=snapshot, outcome=LineOutcome.UNRESOLVED).order_by("n"))
    reported = [
        ReportedLine(tuple(Code(value, kind) for kind, value in row.codes), row.place, row.status, row.quantity)
        for row in rows
    ]
    fresh = understanding.understood(snapshot.source, sources.current_map(snapshot.source), reported)
    changed = []
    for row, new in zip(rows, fresh, strict=True):
        if (row.item_id, row.location_id, row.measure, row.problem) == (
            new.item_id, new.location_id, new.measure, new.problem,
        ):  # fmt: skip
            continue
        row.item_id, row.location_id, row.measure = new.item_id, new.location_id, new.measure
        row.outcome, row.problem = new.outcome, new.problem
        changed.append(row)
    if not changed:
        return 0
    SnapshotLine.objects.bulk_update(changed, ["item", "location", "measure", "outcome", "problem"], batch_size=CHUNK)
    gone = Counter(row.outcome for row in changed if row.outcome != LineOutcome.UNRESOLVED)
    StockSnapshot.objects.filter(pk=snapshot_id).update(
        unresolved=F("unresolved") - sum(gone.values()),
        compared=F("compared") + gone[LineOutcome.COMPARED],
        ignored=F("ignored") + gone[LineOutcome.IGNORED],
    )
    _count_places(snapshot)
    differences.compare(snapshot, actor=actor)
    if gone:
        events.record(SNAPSHOT_RESOLVED, snapshot.subject, actor=actor, data={"lines": sum(gone.values())})
    return sum(gone.values())


# --- Writing -------------------------------------------------------------------------------------------------------


def _replayed(known: StockSnapshot, digest: bytes) -> Taken:
    if bytes(known.fingerprint) != digest:
        raise Refusal("ref_reused", f"{known.ref} names another snapshot of {known.source} already.", ref=known.ref)
    return Taken(known, replayed=True)


def _insert(
    source: StockSource,
    incoming: IncomingSnapshot,
    as_of: datetime,
    digest: bytes,
    statuses: StatusMap,
    lines: Sequence[Understood],
    *,
    cause: Subject,
    actor: Actor,
) -> StockSnapshot | None:
    counts = Counter(line.outcome for line in lines)
    made = StockSnapshot(
        source=source,
        ref=incoming.ref,
        fingerprint=digest,
        as_of=as_of,
        complete=incoming.complete,
        status_map=statuses,
        lines_total=len(lines),
        compared=counts[LineOutcome.COMPARED],
        ignored=counts[LineOutcome.IGNORED],
        unresolved=counts[LineOutcome.UNRESOLVED],
        refused=counts[LineOutcome.REFUSED],
        remarks=[*incoming.remarks[:50], *understanding.repeats(lines)],
        cause_kind=cause.kind,
        cause_uid=cause.uid,
        cause_label=cause.label[:200],
        actor_label=actor.label[:200],
    )
    StockSnapshot.objects.bulk_create([made], ignore_conflicts=True)
    return (
        StockSnapshot.objects.select_related("source")
        .filter(source=source, ref=incoming.ref, taken_at=made.taken_at)
        .first()
    )


def _insert_lines(snapshot: StockSnapshot, lines: Sequence[Understood]) -> None:
    """By COPY: a snapshot may have a hundred thousand lines, and a worker has a minute."""
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for line in lines:
            copy.write_row((
                snapshot.pk, line.n, line.code, line.place, line.status, line.quantity, json.dumps(line.codes),
                line.item_id, line.location_id, line.measure, line.outcome, line.problem,
            ))  # fmt: skip


def _imply(snapshot: StockSnapshot, *, start: int) -> None:
    """A complete snapshot has none of what it doesn't name, in every measure it uses at that place."""
    with connection.cursor() as cursor:
        cursor.execute(_IMPLY, {"snapshot": snapshot.pk, "start": start, "status": NOT_NAMED})
        implied = cursor.rowcount
    if implied:
        words = f"{implied:,} figures of none are implied: the snapshot is complete and does not name them."
        snapshot.remarks = [*snapshot.remarks, words]
        snapshot.lines_total += implied
        snapshot.compared += implied
        snapshot.save(update_fields=["remarks", "lines_total", "compared"])


def _count_places(snapshot: StockSnapshot) -> None:
    SnapshotPlace.objects.filter(snapshot=snapshot).delete()
    with connection.cursor() as cursor:
        cursor.execute(_PLACES, [snapshot.pk])


def _told(snapshot: StockSnapshot) -> dict[str, Any]:
    return {
        "source": snapshot.source.code,
        "ref": snapshot.ref,
        "as_of": snapshot.as_of.isoformat(),
        "lines": snapshot.lines_total,
        "compared": snapshot.compared,
        "ignored": snapshot.ignored,
        "unresolved": snapshot.unresolved,
        "refused": snapshot.refused,
    }


_COPY = """
COPY inventory_snapshotline (
    snapshot_id, n, code, place, status, quantity, codes, item_id, location_id, measure, outcome, problem
) FROM STDIN
"""

_PLACES = """
INSERT INTO inventory_snapshotplace (snapshot_id, location_id, lines)
SELECT snapshot_id, location_id, count(*) FROM inventory_snapshotline
WHERE snapshot_id = %s AND location_id IS NOT NULL GROUP BY snapshot_id, location_id
"""

_IMPLY = """
WITH told AS (
    SELECT location_id, measure FROM inventory_snapshotline
    WHERE snapshot_id = %(snapshot)s AND outcome = 'COMPARED' GROUP BY location_id, measure
), missing AS (
    SELECT stock.item_id, stock.location_id FROM inventory_stock stock
    WHERE stock.location_id IN (SELECT location_id FROM told)
        AND (stock.sellable, stock.damaged, stock.quarantined, stock.awaiting_inspection, stock.in_transit_in)
            <> (0, 0, 0, 0, 0)
        AND NOT EXISTS (
            SELECT FROM inventory_snapshotline line WHERE line.snapshot_id = %(snapshot)s
                AND line.item_id = stock.item_id AND line.location_id = stock.location_id
        )
)
INSERT INTO inventory_snapshotline (
    snapshot_id, n, code, place, status, quantity, codes, item_id, location_id, measure, outcome, problem
)
SELECT %(snapshot)s, %(start)s - 1 + row_number() OVER (ORDER BY missing.location_id, missing.item_id, told.measure),
    item.sku, location.code, %(status)s, 0, '[]'::jsonb, missing.item_id, missing.location_id, told.measure,
    'COMPARED', ''
FROM missing
JOIN told USING (location_id)
JOIN inventory_item item ON item.id = missing.item_id
JOIN inventory_location location ON location.id = missing.location_id
"""
