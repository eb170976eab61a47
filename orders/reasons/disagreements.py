"""The case of one payment told with two amounts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from core.actors import Actor
from core.errors import Refusal
from core.formats import money
from exceptions.models import ActionRun
from exceptions.reasons import Action, Cell, Column, Evidence, Reason, Row
from orders import lens
from orders.models import PaymentDisagreement
from orders.reasons import shared, weights


def _standing() -> Any:
    return PaymentDisagreement.objects.filter(settled_at__isnull=True)


def _value(uid: str) -> tuple[Decimal, str] | None:
    """What is at stake: the widest gap between what counts and what was told since."""
    rows = _standing().filter(order_id=uid)
    gaps = [(abs(row.said_amount - row.amount), row.currency) for row in rows if row.currency == row.said_currency]
    return max(gaps, default=None)


def _amounts(uid: str) -> Evidence:
    return Evidence(
        heading="One event, two amounts",
        columns=("Reference", "Event", Column("Told first", numeric=True), Column("Told since", numeric=True), "When"),
        rows=[
            Row(
                (
                    Cell(row.ref, code=True),
                    row.kind.capitalize(),
                    money(row.amount, row.currency),
                    money(row.said_amount, row.said_currency),
                    f"{row.found_at:%d %b %H:%M} UTC",
                ),
                hot=True,
            )
            for row in _standing().filter(order_id=uid).order_by("pk")
        ],
        empty="A person has judged all of them.",
    )


def _settle(uid: str, *, actor: Actor) -> str:
    from orders.services import payments

    count = payments.settle(int(uid), actor=actor)
    return f"What was told first stands, for {count}."


def _judge_again(run: ActionRun, *, actor: Actor) -> str:
    from orders.services import payments

    ids = lens.named(run, "mark")
    if not ids:
        raise Refusal("nothing_to_undo", "It had judged no amount.")
    count = payments.judge_again(int(run.case.subject_uid), ids, actor=actor)
    return f"{count} to be judged again."


REASONS = (
    Reason(
        code="orders.payment_disagrees",
        impact=weights.of_money,
        title="A payment was told with two amounts",
        queue="payments",
        subject_kind="order",
        icon="scale",
        acknowledge_minutes=2 * 60,
        resolve_minutes=8 * 60,
        description="The same payment or refund came again with another amount. What was told first counts.",
        clears="when a person has judged which amount is right",
        predicate=lambda uid: _standing().filter(order_id=uid).exists(),
        evidence=_amounts,
        context=shared.context,
        describe=shared.describe,
        value=_value,
        standing=shared.standing(
            lambda: _standing().order_by("order_id").values_list("order_id", flat=True).distinct()
        ),
        actions=(
            Action(
                code="first_amount_stands",
                title="The first amount is right",
                detail="Compare with the payment provider first. Where the other is right, book the difference there.",
                permission="orders.change_order",
                run=_settle,
                rehearsed=True,
                amount=_value,
                stake="the gap between the two amounts",
                undo=_judge_again,
                primary=True,
            ),
        ),
    ),
)
