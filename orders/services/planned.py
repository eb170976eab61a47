"""What waves say of single work: asked wherever work begins, so it knows nothing of how waves are made."""

from __future__ import annotations

from django.db.models import Q

from orders.models import WaveStatus, WaveWork

# Of fulfilment orders: those in a wave nobody may begin yet.
UNRELEASED = Q(wave_works__running=True, wave_works__wave__status__in=("PLANNED", "HELD"))


def waits(fulfilment_id: int) -> bool:
    """Is this work in a wave that was not released yet?"""
    waiting = (WaveStatus.PLANNED, WaveStatus.HELD)
    return WaveWork.objects.filter(fulfilment=fulfilment_id, running=True, wave__status__in=waiting).exists()
