"""A matched payout in the books: what reached the bank, what the provider kept, and what that settles."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from core.actors import SYSTEM, Actor
from finance import sides
from finance.models import GONE, Kind, Posting, Settlement
from finance.services import entities, making
from finance.services.making import Cause

ZERO = Decimal(0)
PARTS = ("payout", "fees", "other", "written_off")


@transaction.atomic
def book(settlement_id: int, *, actor: Actor = SYSTEM) -> Posting | None:
    """The payout's posting; what a later match changes of it makes another for the difference. Safe to repeat.

    Locks the payout. None while nothing of it, or nothing new, is to be booked.
    """
    payout = Settlement.objects.select_for_update(no_key=True, of=("self",)).get(pk=settlement_id)
    earlier = Posting.objects.filter(kind=Kind.FEES, cause_kind="settlement", cause_uid=str(payout.pk))
    booked = dict.fromkeys(PARTS, ZERO)
    for each in earlier.exclude(status__in=GONE):
        for name in PARTS:
            booked[name] += Decimal(each.document["parts"][name])
    now = {
        "payout": payout.payout, "fees": -payout.fees, "other": -payout.other, "written_off": -payout.written_off,
    }  # fmt: skip
    parts = {name: now[name] - booked[name] for name in PARTS}
    both = sides.payout(parts["payout"], parts["fees"], parts["other"], parts["written_off"], provider=payout.provider)
    if not both:
        return None
    entity = entities.main()
    count = earlier.count() + 1
    reference = f"P{payout.pk}" if count == 1 else f"P{payout.pk}-{count}"
    why = f"Payout {payout.ref} of {payout.provider}"
    day = payout.paid_on or entities.local_day(entity, payout.ends_at or timezone.now())
    return making.make(
        Kind.FEES, key=f"payout:{payout.pk}:{count}", reference=reference, entity=entity, currency=payout.currency,
        total=parts["payout"], day=day, sides=both, sequence=count, cause=Cause("settlement", str(payout.pk)), note=why,
        document={
            **making.journal(
                reference, currency=payout.currency, total=parts["payout"], why=why, channel=payout.provider
            ),
            "parts": {name: str(value) for name, value in parts.items()},
        },
        actor=actor,
    )  # fmt: skip
