"""Several orders picked on one walk: started by promise, scanned into totes, ended when nothing is left to find."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase

from django.db import transaction
from django.utils import timezone

from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from inventory.services.locking import retrying
from orders.models import BatchStatus, BatchWork, FulfilmentOrder, FulfilmentStatus, PickBatch, StorePolicy
from orders.services import picking, planned

S = FulfilmentStatus
TO_PICK = (S.OPEN, S.ACCEPTED, S.PICKING)


def candidates(location_id: int) -> list[FulfilmentOrder]:
    """What may be picked together here now, the nearest promise first: not begun, and in no other batch."""
    rows = FulfilmentOrder.objects.filter(location=location_id, status__in=(S.OPEN, S.ACCEPTED))
    rows = rows.exclude(batch_works__running=True).exclude(planned.UNRELEASED).order_by("due_at", "pk")
    return list(rows[: StorePolicy.of(location_id).batch_size])


def start(location_id: int, *, numbers: Sequence[str] = (), totes: Sequence[str] = (), actor: Actor) -> PickBatch:
    """One walk for these fulfilment orders, or for those due soonest; each gets a tote and is being picked from now.

    Work somebody else began, ended or took into a batch meanwhile is left out. Refusal("nothing_to_pick") when nothing
    remains. Totes are lettered unless `totes` names them, as their own labels do: then there must be enough, and none
    of them may hold other picked work (Invalid). Locks each order in turn, in the order of their ids.
    """
    most = StorePolicy.of(location_id).batch_size
    if len(numbers) > most:
        raise Invalid([Problem("work", "range", f"at most {most} orders fit one walk here")], status=422)
    if numbers:
        rows = FulfilmentOrder.objects.filter(location=location_id, number__in=numbers)
        wanted = list(rows.filter(status__in=(S.OPEN, S.ACCEPTED)).exclude(batch_works__running=True))
    else:
        wanted = candidates(location_id)

    def work() -> PickBatch:
        batch = PickBatch.objects.create(location_id=location_id, created_by=actor.label[:200])
        taken = [job for job in sorted(wanted, key=lambda job: job.order_id) if _take(batch, job, actor)]
        if not taken:
            raise Refusal("nothing_to_pick", "Somebody else has taken that work on; nothing is left to pick together.")
        names = _names(totes, len(taken))
        for tote, job in zip(names, sorted(taken, key=lambda job: (job.due_at, job.pk)), strict=False):
            BatchWork.objects.filter(batch=batch, fulfilment=job).update(tote=tote)
        return batch

    return retrying(work)


def _names(totes: Sequence[str], wanted: int) -> list[str]:
    if not totes:
        return list(ascii_uppercase)
    names = [tote.strip().upper() for tote in totes if tote.strip()]
    full = BatchWork.objects.filter(tote__in=names, fulfilment__status__in=(S.PICKING, S.PICKED))
    problems = []
    if len(set(names)) != len(names) or any(len(name) > 12 for name in names):
        problems.append(Problem("totes", "unique", "name each tote once, with at most 12 characters"))
    if len(names) < wanted:
        problems.append(Problem("totes", "count", f"{wanted} totes are needed, {len(names)} are named"))
    if taken := full.first():
        problems.append(Problem("totes", "taken", f"tote {taken.tote} holds {taken.fulfilment.number}"))
    if problems:
        raise Invalid(problems, status=422)
    return names


def _take(batch: PickBatch, job: FulfilmentOrder, actor: Actor) -> bool:
    """Whether this work is in the batch now. Its order is locked by that, so nobody else can take it too."""
    try:
        with transaction.atomic():
            begun = picking.start_pick(job.pk, actor=actor)
            if BatchWork.objects.filter(fulfilment=begun, running=True).exists():
                return False
            BatchWork.objects.create(batch=batch, fulfilment=begun, tote=f"?{begun.pk}"[:12])
    except Refusal:
        return False
    return True


def scan(batch_id: int, *, code: str, into: str = "", actor: Actor) -> tuple[FulfilmentOrder, str]:
    """One unit found: it goes to the order due soonest that still lacks it; returns that and its tote.

    A device that was offline has told the picker a tote already: with `into` only that one counts, so that the books
    say where the unit really is. Refusals are those of `picking.pick`, and ("batch_over"), ("tote_over").
    """

    def work() -> tuple[FulfilmentOrder, str]:
        batch = _open(batch_id)
        works = [each for each in _works(batch) if not into or each.tote == into]
        if not works:
            raise Refusal("tote_over", f"Batch {batch.pk} has no tote {into}.", status=422)
        said: Refusal | None = None
        for each in works:
            if each.fulfilment.status != S.PICKING:
                state = each.fulfilment.get_status_display().lower()
                said = said or Refusal(
                    "tote_over", f"{each.fulfilment.number} in tote {each.tote} is {state}: take it out."
                )
                continue
            try:
                with transaction.atomic():
                    job = picking.pick(each.fulfilment_id, code=code, actor=actor)
            except Refusal as refusal:
                if said is None or refusal.code == "picked_already" or said.code == "tote_over":
                    said = refusal
                if refusal.code == "unknown_code":
                    break
                continue
            finish(batch)
            return job, each.tote
        raise said or Refusal("wrong_item", f"{code} is not on this walk.", scanned=code)

    return retrying(work)


def short(batch_id: int, *, item_id: int, quantity: int, reason: str, actor: Actor) -> int:
    """So many units of an article are not on the shelf: the orders due last do without. Returns the units reported.

    Kits are reported in their own order's pick list. Refusal("not_missing") 422 for more than the walk still lacks.
    """

    def work() -> int:
        batch, left = _open(batch_id), quantity
        lacking = [
            (each.fulfilment, line)
            for each in reversed(_works(batch))
            if each.fulfilment.status == S.PICKING
            for line in each.fulfilment.lines.filter(item_id=item_id, is_kit=False, quantity__gt=0).order_by("-pk")
            if line.picked < line.quantity
        ]
        most = sum(line.quantity - line.picked for _, line in lacking)
        if isinstance(quantity, bool) or not 1 <= quantity <= most:
            raise Refusal("not_missing", f"Between 1 and {most} units of it can be short.", status=422, missing=most)
        for job, line in lacking:
            units = min(left, line.quantity - line.picked)
            if units:
                picking.short_pick(job.pk, line_id=line.pk, quantity=units, reason=reason, actor=actor)
                left -= units
        finish(batch)
        return quantity

    return retrying(work)


def end(batch_id: int, *, actor: Actor) -> PickBatch:
    """Stop walking together: what is found stays found, and each order goes on by itself. Safe to repeat."""

    def work() -> PickBatch:
        batch = PickBatch.objects.select_for_update(no_key=True).get(pk=batch_id)
        if batch.status == BatchStatus.OPEN:
            _close(batch, BatchStatus.ENDED)
        return batch

    return retrying(work)


def finish(batch: PickBatch) -> bool:
    """Close the batch once none of its orders is being picked any more."""
    if batch.works.filter(fulfilment__status__in=TO_PICK).exists():
        return False
    _close(batch, BatchStatus.DONE)
    return True


def _close(batch: PickBatch, status: str) -> None:
    batch.move(status, ended_at=timezone.now())
    batch.works.update(running=False)


def _open(batch_id: int) -> PickBatch:
    """Lock the batch, so that two people who scan for it don't both give their unit to the same place."""
    batch = PickBatch.objects.select_for_update(no_key=True).filter(pk=batch_id).first()
    if batch is None:
        raise Refusal("not_found", "No such batch.", status=404)
    if batch.status != BatchStatus.OPEN:
        raise Refusal("batch_over", f"Batch {batch.pk} is over.", status_now=batch.status)
    return batch


def _works(batch: PickBatch) -> list[BatchWork]:
    """In the order of their promises: the nearest gets the first unit."""
    return list(batch.works.select_related("fulfilment").order_by("fulfilment__due_at", "fulfilment_id"))
