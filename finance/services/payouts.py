"""A matched payout in the books: what reached the bank, what the provider kept, and what that settles."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from core.actors import SYSTEM, Actor
from finance import sides
from finance.models import GONE, Entity, Kind, Posting, Settlement
from finance.services import entities, making
from finance.services.making import Cause

ZERO = Decimal(0)
PARTS = ("payout", "fees", "other", "written_off")
Parts = dict[str, Decimal]


@transaction.atomic
def book(settlement_id: int, *, actor: Actor = SYSTEM) -> Posting | None:
    """The payout's posting; what a later match changes of it makes another for the difference. Safe to repeat.

    It is in the books of whoever's account it was paid to. Where a later match, or an administrator, says that these
    are another entity's, the first one's get it taken back. Locks the payout. None while nothing of it, or nothing new,
    is to be booked.
    """
    payout = Settlement.objects.select_for_update(no_key=True, of=("self",)).get(pk=settlement_id)
    entity = entities.of_payout(payout)
    if payout.entity_id != entity.pk:
        Settlement.objects.filter(pk=payout.pk).update(entity=entity)
    wanted = {
        "payout": payout.payout, "fees": -payout.fees, "other": -payout.other, "written_off": -payout.written_off,
    }  # fmt: skip
    earlier = Posting.objects.filter(kind=Kind.FEES, cause_kind="settlement", cause_uid=str(payout.pk))
    count, booked = earlier.count(), _booked(earlier.exclude(status__in=GONE).select_related("entity"))
    made = None
    for other, parts in booked.items():
        if other != entity and (taken := _write(payout, other, {n: -parts[n] for n in PARTS}, count, actor)):
            made, count = taken, count + 1
    known = booked.get(entity, dict.fromkeys(PARTS, ZERO))
    return _write(payout, entity, {name: wanted[name] - known[name] for name in PARTS}, count, actor) or made


def _booked(earlier: Iterable[Posting]) -> dict[Entity, Parts]:
    found: dict[Entity, Parts] = {}
    for each in earlier:
        parts = found.setdefault(each.entity, dict.fromkeys(PARTS, ZERO))
        for name in PARTS:
            parts[name] += Decimal(each.document["parts"][name])
    return found


def _write(payout: Settlement, entity: Entity, parts: Parts, count: int, actor: Actor) -> Posting | None:
    both = sides.payout(parts["payout"], parts["fees"], parts["other"], parts["written_off"], provider=payout.provider)
    if not both:
        return None
    reference = f"P{payout.pk}" if not count else f"P{payout.pk}-{count + 1}"
    why = f"Payout {payout.ref} of {payout.provider}"
    day = payout.paid_on or entities.local_day(entity, payout.ends_at or timezone.now())
    return making.make(
        Kind.FEES, key=f"payout:{payout.pk}:{count + 1}", reference=reference, entity=entity, currency=payout.currency,
        total=parts["payout"], day=day, sides=both, sequence=count + 1, cause=Cause("settlement", str(payout.pk)),
        note=why,
        document={
            **making.journal(
                reference, currency=payout.currency, total=parts["payout"], why=why, channel=payout.provider
            ),
            "parts": {name: str(value) for name, value in parts.items()},
        },
        actor=actor,
    )  # fmt: skip
