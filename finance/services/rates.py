"""What a currency was worth on a day, by the rates somebody stated; and the payouts that waited for one."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q

from finance.models import ExchangeRate, Settlement

AGE = timedelta(days=7)  # banks state none on weekends and holidays
MOST = 1_000


def rate(given: str, wanted: str, on: date) -> Decimal | None:
    """How much of `wanted` one of `given` was worth that day: the latest stated until then that isn't too old, or the
    other way round; None where nobody stated one."""
    if given == wanted:
        return Decimal(1)
    either = Q(given=given, wanted=wanted) | Q(given=wanted, wanted=given)
    found = ExchangeRate.objects.filter(either, on__lte=on, on__gte=on - AGE).order_by("-on", "-id").first()
    if found is None:
        return None
    return found.rate if found.given == given else 1 / found.rate


def stated(new: ExchangeRate) -> int:
    """Book the payouts anew that waited for this rate, or were booked by an earlier one; returns how many."""
    from finance.services import payouts

    both = {new.given, new.wanted}
    waiting = Settlement.objects.exclude(rates=[]).filter(
        Q(rates__contains=[{"given": new.given, "wanted": new.wanted}])
        | Q(rates__contains=[{"given": new.wanted, "wanted": new.given}])
    )
    count = 0
    for pk, asked in waiting.order_by("pk").values_list("pk", "rates")[:MOST]:
        if any({each["given"], each["wanted"]} == both and _concerns(new.on, each) for each in asked):
            payouts.book(pk)
            count += 1
    return count


def _concerns(on: date, asked: dict[str, Any]) -> bool:
    return on <= date.fromisoformat(asked["on"]) <= on + AGE
