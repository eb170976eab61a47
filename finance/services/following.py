"""The books follow an order: its ledger first, then whatever documents that calls for."""

from __future__ import annotations

from django.db import transaction

from core.actors import SYSTEM, Actor
from finance.services import charges, deferring, memos, postings


@transaction.atomic
def follow(order_id: int, *, actor: Actor = SYSTEM) -> None:
    """Bring an order's ledger and its memos, deferrals and chargebacks to what is known of it. Safe to repeat.

    Locks the order.
    """
    order = postings.locked(order_id)
    charges.follow(order)
    memos.follow(order, actor=actor)
    deferring.follow(order, actor=actor)
