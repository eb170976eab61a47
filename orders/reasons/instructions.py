"""Cases of money that was to move: refused by its holder, unanswered, or waiting for a person's hand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.timezone import localtime

from core.actors import Actor
from core.formats import money
from core.subjects import Subject
from exceptions import reasons
from exceptions.reasons import Action, Cell, Column, Context, Evidence, Impact, Opening, Param, Reason, Row
from orders.models import UNDER_WAY, InstructionStatus, Payment, PaymentInstruction, Via
from orders.reasons import weights

SILENT = timedelta(hours=6)  # a provider that took an instruction and says nothing of it for so long
SWEPT = 5_000


def _row(uid: str) -> PaymentInstruction | None:
    if not uid.isdigit():
        return None
    return PaymentInstruction.objects.select_related("order__channel", "tender").filter(pk=int(uid)).first()


def _failed() -> QuerySet[PaymentInstruction]:
    return PaymentInstruction.objects.filter(status=InstructionStatus.FAILED)


def _by_hand() -> QuerySet[PaymentInstruction]:
    return PaymentInstruction.objects.filter(status=InstructionStatus.WANTED, via=Via.HAND)


def _silent() -> QuerySet[PaymentInstruction]:
    late = timezone.now() - SILENT
    return PaymentInstruction.objects.filter(status__in=UNDER_WAY, updated_at__lt=late).exclude(via=Via.HAND)


def _evidence(uid: str) -> list[Evidence]:
    row = _row(uid)
    if row is None:
        return []
    told = [
        ("What", row.get_kind_display()),
        ("Amount", money(row.amount, row.currency)),
        ("By", f"{row.get_via_display()} {row.connection}".strip()),
        ("Paid with", f"{row.tender.gateway} {row.tender.provider_ref}".strip() if row.tender else "not known"),
        ("Why", row.why or "not said"),
        ("Asked by", f"{row.asked_by}, {_when(row.created_at)}"),
        ("Sent", _when(row.sent_at) if row.sent_at else "never"),
        ("Its number there", row.provider_ref or "none"),
        ("Answer", row.failure or "none"),
    ]
    payments = Payment.objects.filter(order=row.order_id).order_by("-at", "-pk")[:20]
    return [
        Evidence("The instruction", ("What", "Says"), [Row(pair, hot=pair[0] == "Answer") for pair in told]),
        Evidence(
            "What is known of the order's money",
            ("At", "What", Column("Amount", numeric=True), "Provider", "Its number"),
            [
                Row(
                    (
                        _when(p.at),
                        p.get_kind_display(),
                        money(p.amount, p.currency),
                        p.gateway,
                        Cell(p.provider_ref, code=True),
                    )
                )
                for p in payments
            ],
            empty="Nothing.",
        ),
    ]


def _context(uid: str) -> Context | None:
    row = _row(uid)
    if row is None:
        return None
    order = row.order
    facts = [("Channel", order.channel.name), ("Total", money(order.total, order.currency))]
    return Context(order.number, Subject("order", str(order.pk), order.number), facts)


def _describe(uid: str) -> Opening | None:
    row = _row(uid)
    if row is None:
        return None
    return Opening(
        label=f"{row.order.number}: {row}", summary=row.failure or row.why, value=row.amount, currency=row.currency,
        started_at=row.updated_at,
    )  # fmt: skip


def _value(uid: str) -> tuple[Decimal, str] | None:
    row = _row(uid)
    return (row.amount, row.currency) if row else None


def _impact(uid: str) -> Impact | None:
    row = _row(uid)
    return weights.of_money(str(row.order_id)) if row else None


def _standing(rows: Any) -> Any:
    def standing() -> Iterable[str]:
        return [str(pk) for pk in rows().order_by("pk").values_list("pk", flat=True)[:SWEPT]]

    return standing


def _when(moment: Any) -> str:
    return f"{localtime(moment):%d %b %H:%M}"


def _retry(uid: str, *, actor: Actor) -> str:
    from orders.services import instructions

    return f"{instructions.retry(int(uid), actor=actor)} goes out again."


def _give_up(uid: str, *, actor: Actor) -> str:
    from orders.services import instructions

    return f"{instructions.cancel(int(uid), reason='Given up', actor=actor)} is given up."


def _confirm(uid: str, *, reference: str, actor: Actor) -> str:
    from orders.services import instructions

    return f"{instructions.confirm(int(uid), reference=reference, actor=actor)} is done."


RETRY = Action(
    code="send_again",
    title="Send it again",
    detail="After the cause was put right. The provider counts it as a new try.",
    permission="orders.refund_order",
    run=_retry,
    rehearsed=True,
    amount=_value,
    stake="the amount that moves",
    lasting="Money that moved is moved back by another instruction.",
    primary=True,
)
GIVE_UP = Action(
    code="give_up",
    title="Give it up",
    detail="Nothing moves; whoever asked for it hears that it will not.",
    permission="orders.refund_order",
    run=_give_up,
    rehearsed=True,
    amount=_value,
    stake="the amount that will not move",
    lasting="It can be asked for anew.",
)
CONFIRM = Action(
    code="done_by_hand",
    title="It is done",
    detail="The money was handed over, or the channel's own page shows it as done.",
    permission="orders.refund_order",
    run=_confirm,
    rehearsed=True,
    params=(Param("reference", "Number of the receipt, or of the payment there", most=100),),
    amount=_value,
    stake="the amount that moved",
    lasting="It stands among the order's payments.",
    primary=True,
)


def _reason(code: str, title: str, rows: Any, *, description: str, clears: str, actions: Any, **more: Any) -> Reason:
    return Reason(
        code=code, title=title, queue="payments", subject_kind="payment", icon="credit-card", description=description,
        clears=clears, predicate=lambda uid: uid.isdigit() and rows().filter(pk=int(uid)).exists(), evidence=_evidence,
        context=_context, standing=_standing(rows), describe=_describe, value=_value, impact=_impact, actions=actions,
        **more,
    )  # fmt: skip


REASONS = (
    _reason(
        "orders.payment_failed", "A payment, capture or refund failed", _failed,
        description="Whoever holds the money refused the instruction, or took its word back later.",
        clears="It is sent again, done by another way, or given up.",
        actions=(RETRY, GIVE_UP), severity=reasons.HIGH, acknowledge_minutes=60, resolve_minutes=8 * 60,
    ),
    _reason(
        "orders.payment_unanswered", "Nobody says what became of a payment", _silent,
        description="The instruction was sent or waits to be, and for six hours nothing was heard of it. "
        "It may have happened: it is looked for, never simply sent twice.",
        clears="The provider says what became of it.",
        actions=(), severity=reasons.HIGH, acknowledge_minutes=2 * 60, resolve_minutes=8 * 60,
    ),
    _reason(
        "orders.payment_by_hand", "Money has to be moved by hand", _by_hand,
        description="The way it was paid has no account here: a person hands it over, or does it in the channel's own "
        "back office, and enters the number.",
        clears="It is confirmed, or given up.",
        actions=(CONFIRM, GIVE_UP), acknowledge_minutes=4 * 60, resolve_minutes=2 * 8 * 60,
    ),
)  # fmt: skip
