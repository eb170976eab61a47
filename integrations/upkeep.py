"""Keeping the tables that only explain from growing for ever."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from integrations.models import OutboundCall

CALLS_KEPT = timedelta(days=30)
BATCH = 5_000


def forget_old_calls() -> int:
    """Delete calls older than a month, in batches, so that no lock is held for long; returns how many."""
    gone = 0
    while True:
        old = OutboundCall.objects.filter(at__lt=timezone.now() - CALLS_KEPT).order_by("at").values("pk")[:BATCH]
        count, _ = OutboundCall.objects.filter(pk__in=list(old.values_list("pk", flat=True))).delete()
        gone += count
        if count < BATCH:
            return gone
