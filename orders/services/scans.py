"""What handhelds scanned, judged in the order it happened: each scan once, with a verdict that stays the same.

A device keeps its scans while it has no connection and sends them in order when it is back. Each has a key of its own;
sent again, it gets the verdict it got, and nothing happens twice. A refused scan changes nothing but leaves its row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from core.actors import Actor
from core.errors import Refusal
from inventory.services.locking import retrying
from orders.models import DeviceScan, FulfilmentOrder, FulfilmentStatus, PickBatch
from orders.services import batches, picking

KEPT_DAYS = 30


@dataclass(frozen=True, slots=True)
class Scan:
    """One unit read by a device. `target` names what it was scanned for, `into` the tote the device told."""

    key: str
    kind: str
    target: str
    code: str
    at: datetime
    into: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`rule` is the code of the refusal, `words` what to tell the person."""

    key: str
    ok: bool
    words: str
    rule: str = ""


def judge(location_id: int, scans: Sequence[Scan], *, person_id: int, actor: Actor) -> list[Verdict]:
    """Judge scans in their order, each in a transaction of its own: one that is refused hinders no other."""
    return [retrying(lambda scan=scan: _once(location_id, scan, person_id, actor)) for scan in scans]  # type: ignore[misc]


def _once(location_id: int, scan: Scan, person_id: int, actor: Actor) -> Verdict:
    row = DeviceScan(
        person_id=person_id, key=scan.key, location_id=location_id, kind=scan.kind, target=scan.target, code=scan.code,
        into=scan.into, scanned_at=scan.at, accepted=False,
    )  # fmt: skip
    # Written first: the same scan sent at the same moment by another tab waits here for the verdict.
    DeviceScan.objects.bulk_create([row], ignore_conflicts=True)
    row = DeviceScan.objects.select_for_update().get(person_id=person_id, key=scan.key)
    if (row.kind, row.target, row.code, row.location_id) != (scan.kind, scan.target, scan.code, location_id):
        return Verdict(scan.key, ok=False, words="This key was used for another scan.", rule="key_reused")
    if row.accepted or row.rule:
        return Verdict(scan.key, row.accepted, row.words, row.rule)
    try:
        with transaction.atomic():
            row.words, row.accepted = KINDS[scan.kind](location_id, scan, actor)[:300], True
    except Refusal as refusal:
        row.rule, row.words = refusal.code[:40], refusal.message[:300]
    row.save(update_fields=["accepted", "rule", "words"])
    return Verdict(scan.key, row.accepted, row.words, row.rule)


def _pick(location_id: int, scan: Scan, actor: Actor) -> str:
    """For one fulfilment order. The first scan begins it."""
    job = FulfilmentOrder.objects.filter(location=location_id, number=scan.target).first()
    if job is None:
        raise Refusal("not_found", f"{scan.target} is not work of this place.", status=404)
    if job.status in {FulfilmentStatus.OPEN, FulfilmentStatus.ACCEPTED}:
        picking.start_pick(job.pk, actor=actor)
    return _said(picking.pick(job.pk, code=scan.code, actor=actor), scan.code)


def _batch(location_id: int, scan: Scan, actor: Actor) -> str:
    """For several orders on one walk."""
    number = int(scan.target) if scan.target.isascii() and scan.target.isdigit() and len(scan.target) < 10 else 0
    batch = PickBatch.objects.filter(location=location_id, pk=number).first()
    if batch is None:
        raise Refusal("not_found", "This walk is not of this place.", status=404)
    job, tote = batches.scan(batch.pk, code=scan.code, into=scan.into, actor=actor)
    return f"{_said(job, scan.code)}. Put it into tote {tote}"


def _said(job: FulfilmentOrder, code: str) -> str:
    """`Chore jacket: 1 of 2 found`, for a code that was just counted."""
    for line in job.lines.filter(quantity__gt=0).select_related("item").prefetch_related("parts__item"):
        for slot in line.slots:
            if code.upper() in {slot.item.gtin, slot.item.sku.upper()}:
                return f"{slot.item.name}: {slot.picked} of {slot.wanted} found"
    return f"{code} matched"


KINDS: dict[str, Callable[[int, Scan, Actor], str]] = {"pick": _pick, "batch": _batch}


def forget(*, limit: int = 10_000) -> int:
    """Drop what was judged a month ago: by then no device still holds it. Returns how many."""
    old = DeviceScan.objects.filter(judged_at__lt=timezone.now() - timedelta(days=KEPT_DAYS)).order_by("judged_at")
    return DeviceScan.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:limit])).delete()[0]


def refused(rows: Any) -> Any:
    """Of these scans the ones that were refused, newest first."""
    return rows.filter(accepted=False).select_related("person").order_by("-id")
