"""Asking after what was sent and never answered: a webhook may have been lost."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.utils import timezone

from core.errors import TryLater
from integrations.payments import carrying
from orders.models import InstructionStatus, PaymentInstruction, Via

log = logging.getLogger(__name__)
PATIENCE = timedelta(minutes=15)
AT_ONCE = 200


def ask() -> int:
    """Look at each once; returns how many were asked for. What can't be reached now is asked for the next time."""
    rows = PaymentInstruction.objects.filter(status=InstructionStatus.SENT, via__in=(Via.PROVIDER, Via.CHANNEL))
    late = rows.filter(updated_at__lt=timezone.now() - PATIENCE).order_by("updated_at")
    asked = 0
    for pk in late.values_list("pk", flat=True)[:AT_ONCE]:
        try:
            carrying.carry(pk)
        except TryLater as error:
            log.info("payment.not_reached", extra={"instruction": pk, "why": str(error)[:200]})
        asked += 1
    return asked
