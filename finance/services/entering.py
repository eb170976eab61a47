"""What people enter themselves: adjustments and write-offs. Somebody else approves them before the ERP hears of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.errors import Invalid, Problem
from finance import sides
from finance.documents import rounded
from finance.models import Entity, Kind, Posting
from finance.services import entities, making, postings
from finance.services.making import LETTERS, Cause
from orders.models import MONEY_LIMIT, Order


def write_off(
    entity: Entity | None,
    amount: Decimal,
    currency: str,
    *,
    why: str,
    order: Order | None = None,
    cause: tuple[str, str] = ("", ""),
    day: date | None = None,
    actor: Actor = SYSTEM,
) -> Posting:
    """Give up `amount` that is owed to us (below zero: keep what we owe). Once per cause, where there is one."""
    return _enter(Kind.WRITE_OFF, "write_offs", entity, -amount, currency, why, order, cause, day, actor)


def adjust(
    entity: Entity | None,
    amount: Decimal,
    currency: str,
    *,
    why: str,
    order: Order | None = None,
    cause: tuple[str, str] = ("", ""),
    day: date | None = None,
    actor: Actor = SYSTEM,
) -> Posting:
    """Book a difference with a channel or provider: above zero is owed to us."""
    return _enter(Kind.ADJUSTMENT, "adjustments", entity, amount, currency, why, order, cause, day, actor)


@transaction.atomic
def _enter(
    kind: Kind, role: str, entity: Entity | None, amount: Decimal, currency: str, why: str, order: Order | None,
    cause: tuple[str, str], day: date | None, actor: Actor,
) -> Posting:  # fmt: skip
    why = why.replace("\0", "").strip()[:300]
    problems = []
    if not amount or not amount.is_finite() or abs(amount) >= MONEY_LIMIT or amount != rounded(amount, currency):
        problems.append(Problem("amount", "money", f"must be an amount of {currency} other than nothing"))
    if len(why) < 3:
        problems.append(Problem("why", "missing", "must say what it is for"))
    if order is not None and order.currency != currency:
        problems.append(Problem("currency", "other", f"must be the order's: {order.currency}"))
    if problems:
        raise Invalid(problems, status=422)
    if order is not None:
        order = postings.locked(order.pk)
        entity = entities.of(order)
    entity = entity or entities.main()
    cause_key = f"{kind.lower()}:{cause[0]}:{cause[1]}"[:60] if cause[1] else f"{kind.lower()}:{uuid4()}"
    if order is not None:
        sequence, reference = making.next_reference(order, (kind,), LETTERS[kind])
    else:
        count = Posting.objects.filter(order=None, kind=kind).count() + 1
        sequence, reference = 1, f"{entity.code.upper()}-{LETTERS[kind]}{count}-{uuid4().hex[:4]}"
    return making.make(
        kind, key=cause_key, reference=reference, entity=entity, currency=currency, total=amount,
        day=day or entities.local_day(entity, timezone.now()), sides=sides.two(role, amount, why[:60]), order=order,
        sequence=sequence, cause=Cause(*cause), note=why, actor=actor,
        document=making.journal(reference, currency=currency, total=amount, why=why, order=order),
    )  # fmt: skip
