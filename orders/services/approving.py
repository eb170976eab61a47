"""A person's word that an order may go on: approved before picking, or let through over a credit limit."""

from __future__ import annotations

from django.db.models import QuerySet

from core.actors import SYSTEM, Actor
from core.errors import Refusal
from inventory.services.locking import retrying
from orders import events as facts
from orders.models import Account, Approval, Hold, HoldType, Order
from orders.services import credit, holds, lifecycle
from orders.services.desk import Desk, open_desk

AT_ONCE = 20  # orders of one account looked at in one sweep: the oldest come first, so the rest wait their turn


def approve(order_id: int, *, kind: str, actor: Actor, note: str = "", version: int | None = None) -> None:
    """Say yes to the order as it stands; its hold ends. An order that grows afterwards needs another word.

    Refusal("nothing_to_approve") when no such hold stands, "unknown_account" where nobody knows who would owe it,
    "stale" for an order that changed since it was looked at.
    """

    def work() -> None:
        desk = open_desk(order_id, actor=actor)
        lifecycle.require_version(desk, version)
        order = desk.order
        if order.account_id is None and order.account_code:
            raise Refusal("unknown_account", f"Nobody knows an account {order.account_code}. Make it known first.")
        if not any(hold.type == kind for hold in desk.holds):
            raise Refusal("nothing_to_approve", f"{order.number} doesn't wait for this.")
        total = credit.worth(order, desk.lines)
        Approval.objects.create(
            order=order, kind=kind, total=total, currency=order.currency, note=note[:255],
            actor_kind=actor.kind, actor_uid=actor.uid[:64], actor_label=actor.label[:200],
        )  # fmt: skip
        desk.note(
            facts.APPROVED, {"kind": str(kind), "total": str(total), "currency": order.currency, "note": note[:255]}
        )
        _resync(desk)
        lifecycle.save(desk)

    retrying(work)


def reweigh(order_id: int, *, actor: Actor = SYSTEM) -> bool:
    """Ask an order's credit and approval again, now that its account or others' debts changed. Safe to repeat.

    Finds the account of an order that named one nobody knew. Says whether anything came of it.
    """

    def work() -> bool:
        desk = open_desk(order_id, actor=actor)
        order = desk.order
        if order.account_id is None and order.account_code:
            account = Account.objects.at(order.channel_id).filter(code=order.account_code).first()
            if account is not None:
                order.account = account
                order.payment_terms = order.payment_terms or account.payment_terms
                desk.note(facts.CHANGED, {"changes": [{"field": "account", "before": None, "after": account.code}]})
        _resync(desk)
        if not desk.facts:
            return False
        lifecycle.save(desk)
        return True

    return retrying(work)


def reweigh_account(account_id: int, *, actor: Actor = SYSTEM, limit: int = 1_000) -> int:
    """After an account changed: every order that waits for its word or named it too early; returns how many moved."""
    account = Account.objects.get(pk=account_id)
    early = Order.objects.filter(account__isnull=True, account_code=account.code).values_list("pk", flat=True)
    held = _held().filter(order__account=account).values_list("order_id", flat=True)
    waiting = sorted({*early[:limit], *held[:limit]})
    return sum(reweigh(order_id, actor=actor) for order_id in waiting)


def reweigh_waiting(*, actor: Actor = SYSTEM, accounts: int = 200) -> int:
    """Orders held for credit, where their account owes less now: oldest first. For a timer; returns how many went on.

    Accounts that still owe too much are left alone, whatever waits for them.
    """
    waiting: dict[int, list[int]] = {}
    held = _held().filter(type=HoldType.CREDIT, order__account__isnull=False, order__account__on_stop=False)
    for account_id, order_id in held.order_by("order__placed_at", "order_id").values_list("order__account", "order_id"):
        if account_id in waiting or len(waiting) < accounts:
            waiting.setdefault(account_id, []).append(order_id)
    owed = credit.exposures(waiting)
    limits = dict(Account.objects.filter(pk__in=waiting).values_list("pk", "credit_limit"))
    return sum(
        reweigh(order_id, actor=actor)
        for account_id, orders in waiting.items()
        if limits[account_id] is None or owed[account_id].total < limits[account_id]
        for order_id in orders[:AT_ONCE]
    )


def _held() -> QuerySet[Hold]:
    return Hold.objects.standing().filter(type__in=(HoldType.CREDIT, HoldType.APPROVAL)).order_by("order_id")


def _resync(desk: Desk) -> None:
    holds.sync(desk)
