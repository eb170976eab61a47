"""A matched payout in the books: what reached the bank, what was kept of it, whose the rest is, in which currency.

Posted by what is missing: each entity's leg in each currency is held against what was posted of it before.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from core.actors import SYSTEM, Actor
from exceptions.services import cases
from finance import sides
from finance.models import GONE, Kind, Posting, Settlement
from finance.services import entities, legs, making
from finance.services.legs import PARTS, ZERO, Leg, Parts
from finance.services.making import Cause
from finance.settlement_reasons import RATE_MISSING


@transaction.atomic
def book(settlement_id: int, *, actor: Actor = SYSTEM) -> Posting | None:
    """The payout's postings; what a later match changes of it makes others for the difference. Safe to repeat.

    It is in the books of whoever's account it was paid to, and the shares of other entities' orders in theirs. Where a
    later match, or an administrator, says otherwise, what is no longer theirs is taken back. Locks the payout. Returns
    the last one it made; None while nothing of it, or nothing new, is to be booked.
    """
    payout = Settlement.objects.select_for_update(no_key=True, of=("self",)).get(pk=settlement_id)
    owner = entities.of_payout(payout)
    day = payout.paid_on or entities.local_day(owner, payout.ends_at or timezone.now())
    wanted = legs.of(payout, owner, day)
    said = {"entity": owner, "exchange": wanted.exchange, "rates": wanted.rates, "unrated": wanted.unrated}
    if any(getattr(payout, name) != value for name, value in said.items()):
        Settlement.objects.filter(pk=payout.pk).update(**said)
    earlier = Posting.objects.filter(kind=Kind.FEES, cause_kind="settlement", cause_uid=str(payout.pk))
    count, booked = earlier.count(), _booked(earlier.exclude(status__in=GONE).select_related("entity"))
    made = None
    # What is taken back, or is others', goes before the books of whoever was paid.
    for leg in sorted({**booked, **wanted.legs}, key=lambda each: (each == (owner, payout.currency), str(each))):
        parts = _missing(wanted.legs.get(leg, {}), booked.get(leg, {}))
        if new := _write(payout, leg, parts, count, day, actor):
            made, count = new, count + 1
    _tell(payout, wanted, actor)
    return made


def _booked(earlier: Iterable[Posting]) -> dict[Leg, Parts]:
    found: dict[Leg, Parts] = {}
    for each in earlier:
        parts = found.setdefault((each.entity, each.currency), {})
        for name, amount in each.document["parts"].items():
            parts[name] = parts.get(name, ZERO) + Decimal(amount)
    return found


def _missing(wanted: Parts, booked: Parts) -> Parts:
    both = {**dict.fromkeys(PARTS, ZERO), **wanted, **booked}
    return {name: wanted.get(name, ZERO) - booked.get(name, ZERO) for name in both}


def _write(payout: Settlement, leg: Leg, parts: Parts, count: int, day: date, actor: Actor) -> Posting | None:
    both = sides.payout(parts, payout.provider)
    if not both:
        return None
    entity, currency = leg
    reference = f"P{payout.pk}" if not count else f"P{payout.pk}-{count + 1}"
    why = f"Payout {payout.ref} of {payout.provider}"
    total = parts["payout"] or sum((amount for name, amount in parts.items() if name not in PARTS), ZERO)
    return making.make(
        Kind.FEES, key=f"payout:{payout.pk}:{count + 1}", reference=reference, entity=entity, currency=currency,
        total=total, day=day, sides=both, sequence=count + 1, cause=Cause("settlement", str(payout.pk)), note=why,
        document={
            **making.journal(reference, currency=currency, total=total, why=why, channel=payout.provider),
            "parts": {name: str(value) for name, value in parts.items() if value or name in PARTS},
        },
        actor=actor,
    )  # fmt: skip


def _tell(payout: Settlement, wanted: legs.Legs, actor: Actor) -> None:
    if wanted.unrated:
        missing = [each for each in wanted.rates if each["rate"] is None]
        words = ", ".join(f"{each['given']} in {each['wanted']} on {each['on']}" for each in missing[:3])
        cases.open_(
            RATE_MISSING, payout.subject, summary=f"Nobody stated {words}.", value=abs(payout.payout),
            currency=payout.currency, actor=actor,
        )  # fmt: skip
    elif payout.unrated:
        cases.recheck(payout.subject, cause="The rates it needs are stated.", actor=actor)
