"""The nightly look for drift: every document of late beside what its ERP has, in parts, and what differs kept.

A look begins once a night and goes on, part by part, until all was looked at. Of what was found before everything is
looked at again, however old: a finding ends when the two agree. Looking changes nothing in an ERP.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from finance.models import Posting
from integrations.erp import drift, registry
from integrations.models import DriftFinding, DriftLook

BEGINS = 2  # o'clock, UTC
LATE = timedelta(days=45)
PART = 100
SECONDS = 40.0
BUSY = timedelta(minutes=3)


def look(now: datetime | None = None) -> int:
    """The next part of the night's look; how many documents it compared. Safe to repeat and to race."""
    now = now or timezone.now()
    found = _turn(now)
    if found is None:
        return 0
    postings = _due(found, now)
    stop, done, counts = time.monotonic() + SECONDS, 0, {"compared": 0, "differing": 0, "unknown": 0}
    for posting, compared in zip(postings, drift.compare(postings), strict=True):
        counts["unknown" if compared.unknown else "compared"] += 1
        counts["differing"] += bool(compared.differences)
        _keep(compared)
        done += 1
        found.upto = posting.pk
        if time.monotonic() > stop:
            break
    over = done == len(postings) < PART
    DriftLook.objects.filter(pk=found.pk).update(
        upto=found.upto,
        busy_until=None,
        finished_at=timezone.now() if over else None,
        **{name: F(name) + count for name, count in counts.items()},
    )
    return done


def _turn(now: datetime) -> DriftLook | None:
    """The look that goes on, this worker's for a while; a new one once a night, if any ERP is connected."""
    found = DriftLook.objects.filter(finished_at__isnull=True).first()
    if found is None:
        tonight = now.replace(hour=BEGINS, minute=0, second=0, microsecond=0)
        if now < tonight or DriftLook.objects.filter(started_at__gte=tonight).exists() or not registry.any_connected():
            return None
        try:
            with transaction.atomic():
                found = DriftLook.objects.create(started_at=now)
        except IntegrityError:  # another worker began it
            return None
    free = Q(busy_until__isnull=True) | Q(busy_until__lt=now)
    taken = DriftLook.objects.filter(free, pk=found.pk, finished_at__isnull=True).update(busy_until=now + BUSY)
    return found if taken else None


def _due(found: DriftLook, now: datetime) -> list[Posting]:
    if found.upto is None:  # what is compared no more has nothing to say any more
        DriftFinding.objects.exclude(posting__in=drift.comparable()).delete()
    rows = drift.comparable().filter(Q(prepared_at__gte=now - LATE) | Q(drift__isnull=False))
    if found.upto is not None:
        rows = rows.filter(pk__lt=found.upto)
    return list(rows.order_by("-pk")[:PART])


@transaction.atomic
def _keep(compared: drift.Compared) -> None:
    posting = compared.posting
    if not compared.differences and not compared.unknown:
        DriftFinding.objects.filter(posting=posting).delete()
        return
    said = {
        "words": compared.unknown or "; ".join(compared.differences),
        "unknown": bool(compared.unknown),
        "connection": registry.connection_of(posting.document),
        "seen_at": timezone.now(),
    }
    DriftFinding.objects.update_or_create(posting=posting, defaults=said)
