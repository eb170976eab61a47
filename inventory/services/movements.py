"""Posting what happened to units: the verbs of the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.utils import timezone

from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from inventory.models import AdjustmentReason, LotStep, State, StockMovement
from inventory.services import locking, moves, posting
from inventory.services.lots import LotBook
from inventory.services.moves import Entry, Move, Named

__all__ = [
    "Move",
    "Named",
    "Posted",
    "Posting",
    "adjust",
    "compensate",
    "damage",
    "issue",
    "move_state",
    "post",
    "post_many",
    "quarantine",
    "receive",
    "return_in",
    "transfer_in",
    "transfer_out",
]

BATCH = 500  # moves written in one go


@dataclass(frozen=True, slots=True)
class Posted:
    """The movements now in the ledger under the key; `replayed` when they were there before."""

    movement_ids: list[int]
    replayed: bool


@dataclass(frozen=True, slots=True)
class Posting:
    """One entry of many: what `post` takes."""

    moves: Sequence[Move]
    key: str
    cause: Subject
    actor: Actor
    occurred_at: datetime | None = None
    note: str = ""


def post(
    moves: Sequence[Move],
    *,
    key: str,
    cause: Subject,
    actor: Actor,
    occurred_at: datetime | None = None,
    note: str = "",
) -> Posted:
    """Move units, all or nothing. Safe to repeat: the same moves under the same key are posted once.

    `occurred_at` may lie in the past, for facts that come late (a till that was offline); the ledger keeps when it
    heard of them, too. Locks the stock rows. Raises Invalid for moves that make no sense and for tracked units that are
    missing, unknown, elsewhere or named twice (status 422); Refusal("not_enough_stock") naming item and location when
    units are missing or promised to somebody; Refusal("key_reused") when the key stands for other moves.
    """
    entry = _entry(Posting(moves, key, cause, actor, occurred_at, note), timezone.now())
    (result,) = locking.retrying(lambda: settle([entry]))
    if isinstance(result, Refusal):
        raise result
    return result


def post_many(postings: Sequence[Posting]) -> list[Posted | Refusal]:
    """Post many entries, each for itself: what is refused is said in its place and hinders no other.

    Safe to repeat. About 500 moves make one transaction of four statements, so a crash in between keeps whole entries
    only, and a second run finds them. Within an outer transaction all locks last until its end: send what locks the
    same rows as others do in one batch there, or none.
    """
    now = timezone.now()
    results: list[Posted | Refusal] = []
    for batch in _batches(postings):
        ready = [_ready(each, now) for each in batch]
        entries = [each for each in ready if isinstance(each, Entry)]
        settled = iter(locking.retrying(partial(settle, entries)) if entries else [])
        results += [next(settled) if isinstance(each, Entry) else each for each in ready]
    return results


def compensate(
    movement_ids: Sequence[int], *, key: str, actor: Actor, note: str = "", cause: Subject | None = None
) -> Posted:
    """Post the reverse of these movements, all or nothing; history stays as it is. Safe to repeat by key.

    Units named by lot or serial go back under the same names. Raises Refusal("unknown_movement"), ("compensated")
    where one of them was taken back already, and whatever `post` raises when the units aren't there any more.
    """
    moves.check_key(key)
    ids = sorted(set(movement_ids))
    if not ids:
        raise Invalid([Problem("movement_ids", "required", "Nothing to take back.")])

    def work() -> Posted:
        about = cause or Subject("movement", str(ids[0]))
        (result,) = settle([_reverse(ids, Entry(key, about, actor, None, note))])
        if isinstance(result, Refusal):
            raise result
        return result

    return locking.retrying(work)


def _reverse(ids: Sequence[int], entry: Entry) -> Entry:
    found = {movement.pk: movement for movement in StockMovement.objects.filter(pk__in=ids)}
    if missing := [pk for pk in ids if pk not in found]:
        raise Refusal("unknown_movement", "No such movement.", status=404, movement_ids=missing)
    done = StockMovement.objects.filter(compensates__in=ids).exclude(key=entry.key)
    if taken := sorted(done.values_list("compensates_id", flat=True)):
        raise Refusal("compensated", "This was taken back already.", movement_ids=taken)
    named: dict[int, list[Named]] = defaultdict(list)
    for movement, code, quantity in LotStep.objects.filter(movement__in=ids).values_list(
        "movement_id", "lot__code", "quantity"
    ):
        named[movement].append(Named(code, quantity))
    for pk in ids:
        was = found[pk]
        back = Move(
            was.item_id, was.quantity, was.to_location_id, was.to_state, was.from_location_id, was.from_state,
            reason=was.reason, compensates=pk,
        )  # fmt: skip
        entry.add(back, tuple(named[pk]))
    return entry


def settle(entries: Sequence[Entry]) -> list[Posted | Refusal]:
    """Lock every row the entries touch, judge them in their order, and write those that fit. In a transaction."""
    pairs = {pair for entry in entries for pair in entry.changes}
    rows, unknown = locking.lock_or_make(pairs)
    before = posting.posted_before(entries)
    book = LotBook(entries, rows)
    results: list[Posted | Refusal] = []
    taken: list[Entry] = []
    facts = []
    new: dict[str, Posted] = {}
    for entry in entries:
        try:
            if entry.key in before:
                ids, said = before[entry.key]
                _require_same(entry, said)
                results.append(Posted(new[entry.key].movement_ids if entry.key in new else ids, replayed=True))
                continue
            if lost := unknown & entry.changes.keys():
                raise locking.unknown_place(lost)
            facts += posting.judge(entry, rows, book)
        except Refusal as refusal:
            results.append(refusal)
            continue
        taken.append(entry)
        new[entry.key] = Posted([], replayed=False)
        before[entry.key] = ([], posting.said(entry))
        results.append(new[entry.key])
    if taken:
        written = iter(posting.write(taken, rows, book, facts))
        for entry in taken:
            new[entry.key].movement_ids.extend(next(written) for _ in entry.steps)
    return results


def _require_same(entry: Entry, said: list[Any]) -> None:
    if posting.said(entry) != said:
        raise Refusal("key_reused", "This key was used for other movements.", key=entry.key)


def _ready(wanted: Posting, now: datetime) -> Entry | Refusal:
    try:
        return _entry(wanted, now)
    except Refusal as refusal:
        return refusal


def _entry(wanted: Posting, now: datetime) -> Entry:
    moves.check(wanted.moves, wanted.key, wanted.occurred_at, now=now)
    entry = Entry(wanted.key, wanted.cause, wanted.actor, wanted.occurred_at, wanted.note)
    for move in wanted.moves:
        entry.add(move)
    return entry


def _batches(postings: Sequence[Posting]) -> Iterator[list[Posting]]:
    batch: list[Posting] = []
    size = 0
    for each in postings:
        if batch and size + len(each.moves) > BATCH:
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += len(each.moves)
    if batch:
        yield batch


# The verbs. `about` is what `post` asks for: key, cause, actor and the optional rest; `units` names them where the
# item is tracked: serials=(…), or lot="…" with expires_on=… for a new one.


def _units(about: dict[str, Any]) -> dict[str, Any]:
    return {name: about.pop(name) for name in ("serials", "lot", "expires_on") if name in about}


def receive(item_id: int, location_id: int, quantity: int, *, state: str = State.SELLABLE, **about: Any) -> Posted:
    """Units arrived from a supplier."""
    units = _units(about)
    return post([Move(item_id, quantity, None, State.SUPPLIER, location_id, state, **units)], **about)


def issue(item_id: int, location_id: int, quantity: int, *, state: str = State.SELLABLE, **about: Any) -> Posted:
    """Units that nobody reserved left for a customer (a sale at a till)."""
    units = _units(about)
    return post([Move(item_id, quantity, location_id, state, None, State.CUSTOMER, **units)], **about)


def return_in(
    item_id: int, location_id: int, quantity: int, *, state: str = State.AWAITING_INSPECTION, **about: Any
) -> Posted:
    """Units came back from a customer; somebody looks at them before they are sold again."""
    units = _units(about)
    return post([Move(item_id, quantity, None, State.CUSTOMER, location_id, state, **units)], **about)


def adjust(
    item_id: int,
    location_id: int,
    change: int,
    *,
    reason: str = AdjustmentReason.OTHER,
    state: str = State.SELLABLE,
    **about: Any,
) -> Posted:
    """Correct a balance by what was found (positive) or is missing (negative), with the reason."""
    units = _units(about)
    if change > 0:
        move = Move(item_id, change, None, State.FOUND, location_id, state, reason, **units)
    else:
        move = Move(item_id, -change, location_id, state, None, State.SHRINKAGE, reason, **units)
    return post([move], **about)


def move_state(
    item_id: int, location_id: int, quantity: int, *, from_state: str, to_state: str, **about: Any
) -> Posted:
    """Units stay where they are and become something else: inspected, released, put aside."""
    units = _units(about)
    return post([Move(item_id, quantity, location_id, from_state, location_id, to_state, **units)], **about)


def damage(item_id: int, location_id: int, quantity: int, *, state: str = State.SELLABLE, **about: Any) -> Posted:
    """Units can't be sold as they are."""
    return move_state(item_id, location_id, quantity, from_state=state, to_state=State.DAMAGED, **about)


def quarantine(item_id: int, location_id: int, quantity: int, *, state: str = State.SELLABLE, **about: Any) -> Posted:
    """Units are put aside until somebody decides."""
    return move_state(item_id, location_id, quantity, from_state=state, to_state=State.QUARANTINED, **about)


def transfer_out(
    item_id: int, location_id: int, quantity: int, *, to_location_id: int, state: str = State.SELLABLE, **about: Any
) -> Posted:
    """Units left for another of our places, where they are in transit until somebody receives them."""
    units = _units(about)
    moved = Move(item_id, quantity, location_id, state, to_location_id, State.IN_TRANSIT_IN, **units)
    return post([moved], **about)


def transfer_in(item_id: int, location_id: int, quantity: int, *, state: str = State.SELLABLE, **about: Any) -> Posted:
    """Units in transit to this place arrived."""
    return move_state(item_id, location_id, quantity, from_state=State.IN_TRANSIT_IN, to_state=state, **about)
