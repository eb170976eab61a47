"""Cases of money that a person asked to move above their limit: they stand while somebody else's word is waited for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from core import formats
from core.actors import Actor
from core.subjects import Subject
from exceptions.reasons import Action, Column, Context, Evidence, Param, Reason, Row
from orders.models import Order, StoreCredit, StoreCreditEntry
from orders.reasons import asked
from orders.services import agreeing, by_hand

PARAMS = (Param("amount", "Amount", most=40), Param("why", "Why"), Param("key", "Key", most=40))


def _moves(verb: str) -> Any:
    def run(uid: str, *, amount: str, why: str, key: str, actor: Actor, approver_id: int | None = None) -> str:
        return by_hand.run_move(uid, verb, amount=amount, why=why, key=key, approver_id=approver_id, actor=actor)

    return run


def _enter(uid: str, *, amount: str, why: str, key: str, actor: Actor, approver_id: int | None = None) -> str:
    return by_hand.run_credit(uid, amount=amount, why=why, key=key, approver_id=approver_id, actor=actor)


def _of_order(uid: str, *, amount: str, **_: Any) -> tuple[Decimal, str] | None:
    currency = Order.objects.filter(pk=uid).values_list("currency", flat=True).first()
    return (Decimal(amount), currency) if currency else None


def _of_credit(uid: str, *, amount: str, **_: Any) -> tuple[Decimal, str] | None:
    currency = StoreCredit.objects.filter(pk=uid).values_list("currency", flat=True).first()
    return (Decimal(amount), currency) if currency else None


def _told(uid: str, *, why: str, **_: Any) -> list[tuple[str, str]]:
    return [("Why", why)]


def _entries(uid: str) -> list[Evidence]:
    rows = StoreCreditEntry.objects.filter(credit=int(uid)).select_related("credit").order_by("-pk")[:20]
    return [
        Evidence(
            "What was put on it and taken off it",
            ("Why", "By", Column("Amount", numeric=True), Column("Left", numeric=True)),
            [
                Row(
                    (
                        row.why or "Not said", row.actor_label, formats.money(row.amount, row.credit.currency),
                        formats.money(row.balance_after, row.credit.currency),
                    )
                )
                for row in rows
            ],
            empty="Nothing yet.",
        )
    ]  # fmt: skip


def _credit(uid: str) -> Context | None:
    found = StoreCredit.objects.select_related("channel").filter(pk=uid).first()
    if found is None:
        return None
    facts = [("Channel", found.channel.name), ("Holds", formats.money(found.balance, found.currency))]
    return Context(found.code, Subject("store_credit", uid, found.code), facts)


def _action(code: str, title: str, permission: str, run: Any, amount: Any, lasting: str) -> Action:
    # Asked for on its own page, so it is never offered on the case.
    return Action(
        code=code, title=title, permission=permission, run=run, params=PARAMS, preview=_told, amount=amount,
        offered=lambda uid: False, stake="the money that moves", lasting=lasting, countersigned=True,
    )  # fmt: skip


REASONS = (
    Reason(
        code=by_hand.MOVE,
        title="A capture or void waits for approval",
        queue=agreeing.QUEUE,
        subject_kind="order",
        icon="hourglass",
        acknowledge_minutes=4 * 60,
        resolve_minutes=2 * 8 * 60,
        description="A person asked for more than one person may move alone.",
        clears="Somebody else agreed or declined, it was withdrawn, or nobody agreed in time.",
        weightless="The money it asks for is its value.",
        predicate=lambda uid: agreeing.waits(by_hand.MOVE, "order", uid),
        standing=lambda: agreeing.standing(by_hand.MOVE),
        evidence=asked.evidence,
        context=asked.context,
        actions=(
            _action(
                by_hand.CAPTURE, "Capture", "orders.pay_order", _moves(by_hand.CAPTURE), _of_order,
                "What was captured is refunded, not undone.",
            ),
            _action(
                by_hand.LET_GO, "Let go", "orders.pay_order", _moves(by_hand.LET_GO), _of_order,
                "Nobody can hold it again without the customer.",
            ),
        ),
    ),
    Reason(
        code=by_hand.CREDIT,
        title="Store credit waits for approval",
        queue=agreeing.QUEUE,
        subject_kind="store_credit",
        icon="hourglass",
        acknowledge_minutes=4 * 60,
        resolve_minutes=2 * 8 * 60,
        description="A person asked to give or take more store credit than one person may alone.",
        clears="Somebody else agreed or declined, it was withdrawn, or nobody agreed in time.",
        weightless="The money it asks for is its value.",
        predicate=lambda uid: agreeing.waits(by_hand.CREDIT, "store_credit", uid),
        standing=lambda: agreeing.standing(by_hand.CREDIT),
        evidence=_entries,
        context=_credit,
        actions=(
            _action(
                by_hand.ENTER, "Change the store credit", "orders.give_storecredit", _enter, _of_credit,
                "An entry is never taken back; another one can be made.",
            ),
        ),
    ),
)  # fmt: skip
