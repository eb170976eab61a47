"""The case of money that is only promised: an authorisation ends by itself, and then nobody pays for the goods."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.timezone import localtime

from core import formats
from core.actors import Actor
from core.subjects import Subject
from exceptions import reasons
from exceptions.reasons import Action, Column, Context, Evidence, Opening, Reason, Row
from orders.models import Order, Payment, PaymentKind
from orders.reasons import shared, weights
from orders.services import captures, expiries, instructions
from orders.services.expiries import Expiring


def _first(uid: str) -> Expiring | None:
    return next(iter(expiries.soon(int(uid))), None) if uid.isdigit() else None


def _still(uid: str) -> bool:
    return _first(uid) is not None


def _standing() -> Iterable[str]:
    return list(dict.fromkeys(str(each.order_id) for each in expiries.soon()))


def _describe(uid: str) -> Opening | None:
    found = _first(uid)
    if found is None:
        return None
    return Opening(
        label=found.number,
        summary=f"The payment is authorised until {localtime(found.ends_at):%d %b %H:%M} and not captured.",
        value=found.amount,
        currency=found.currency,
        promise_by=Order.objects.values_list("promise_by", flat=True).get(pk=uid),
        started_at=found.warned_at,
    )


def _capture_all(uid: str, *, actor: Actor) -> str:
    amount, currency = _held(uid) or (Decimal(0), "")
    made = instructions.capture(
        int(uid), amount, cause=f"case:{uid}:{_first_ref(uid)}", why="Before the authorisation ends", actor=actor
    )
    return f"{formats.money(amount, currency)} is captured, in {len(made)}."


def _void_all(uid: str, *, actor: Actor) -> str:
    made = instructions.void(int(uid), cause=f"case-void:{uid}:{_first_ref(uid)}", why="Not needed", actor=actor)
    return f"{len(made)} authorisations are let go."


def _first_ref(uid: str) -> str:
    return next((paid.provider_ref for paid, _ in instructions.held(int(uid))), "")


def _held(uid: str) -> tuple[Decimal, str] | None:
    standing = instructions.held(int(uid))
    currencies = {paid.currency for paid, _ in standing}
    return (sum((left for _, left in standing), Decimal(0)), currencies.pop()) if len(currencies) == 1 else None


def _short(uid: str) -> bool:
    return uid.isdigit() and Order.objects.filter(pk=uid).exists() and captures.short_of(int(uid)) > 0


def _short_value(uid: str) -> tuple[Decimal, str] | None:
    currency = Order.objects.filter(pk=uid).values_list("currency", flat=True).first()
    return (captures.short_of(int(uid)), currency) if currency else None


def _disputed() -> QuerySet[Payment]:
    """Disputes whose money was neither given back nor lost for good."""
    ended = Payment.objects.filter(order=OuterRef("order"), parent_ref=OuterRef("parent_ref"))
    return Payment.objects.filter(kind__in=(PaymentKind.DISPUTED, PaymentKind.CHARGEBACK)).filter(
        ~Exists(ended.filter(kind__in=(PaymentKind.REINSTATED, PaymentKind.DISPUTE_LOST), at__gte=OuterRef("at")))
    )


def _is_disputed(uid: str) -> bool:
    return uid.isdigit() and _disputed().filter(order=int(uid)).exists()


def _disputed_value(uid: str) -> tuple[Decimal, str] | None:
    row = _disputed().filter(order=int(uid)).order_by("-at").first()
    return (row.amount, row.currency) if row else None


def _evidence(uid: str) -> list[Evidence]:
    payments = Payment.objects.filter(order=int(uid)).order_by("-at")[:20]
    return [
        Evidence(
            "What the provider reported",
            ("At", "What", Column("Amount", numeric=True), "Provider", "Its number"),
            [
                Row(
                    (
                        f"{localtime(paid.at):%d %b %Y %H:%M}",
                        paid.get_kind_display(),
                        formats.money(paid.amount, paid.currency),
                        paid.gateway,
                        paid.provider_ref,
                    ),
                    hot=paid.kind == PaymentKind.AUTHORISED,
                )
                for paid in payments
            ],
        )
    ]


def _context(uid: str) -> Context | None:
    order = Order.objects.select_related("channel").filter(pk=uid).first()
    if order is None:
        return None
    facts = [("Channel", order.channel.name), ("Total", formats.money(order.total, order.currency))]
    return Context(
        order.number, Subject("order", str(order.pk), order.number), [*facts, ("Status", order.get_status_display())]
    )


REASONS = (
    Reason(
        code="orders.authorisation_expires",
        impact=weights.of_order,
        title="A payment is only authorised, and not for much longer",
        queue="payments",
        subject_kind="order",
        icon="credit-card",
        severity=reasons.HIGH,
        acknowledge_minutes=2 * 60,
        resolve_minutes=16 * 60,
        description="The order is open and its payment was never captured; the authorisation ends within two days.",
        clears="The payment is captured or voided, or the order ends.",
        predicate=_still,
        evidence=_evidence,
        context=_context,
        standing=_standing,
        describe=_describe,
        actions=(
            Action(
                code="capture_now",
                title="Capture it now",
                detail="All that is still held, before it ends.",
                permission="orders.pay_order",
                run=_capture_all,
                offered=lambda uid: bool(instructions.held(int(uid))),
                rehearsed=True,
                amount=_held,
                stake="what is taken from the customer",
                lasting="What was captured is refunded, not undone.",
                primary=True,
            ),
            Action(
                code="let_go",
                title="Let it go",
                detail="Where the order will not be delivered: the customer's bank frees the amount.",
                permission="orders.pay_order",
                run=_void_all,
                offered=lambda uid: bool(instructions.held(int(uid))),
                rehearsed=True,
                amount=_held,
                stake="what is no longer held",
                lasting="Nobody can hold it again without the customer.",
            ),
        ),
    ),
    Reason(
        code="orders.capture_short",
        impact=weights.of_money,
        title="Goods left and nothing holds their payment",
        queue="payments",
        subject_kind="order",
        icon="credit-card",
        severity=reasons.HIGH,
        acknowledge_minutes=2 * 60,
        resolve_minutes=8 * 60,
        description="What was shipped is worth more than what was captured, and no authorisation is left for the rest.",
        clears="It is captured another way, or given back.",
        predicate=_short,
        evidence=_evidence,
        context=_context,
        value=_short_value,
    ),
    Reason(
        code="orders.payment_disputed",
        impact=weights.of_money,
        title="A customer disputes a payment at their bank",
        queue="payments",
        subject_kind="order",
        icon="scale",
        severity=reasons.HIGH,
        acknowledge_minutes=4 * 60,
        resolve_minutes=3 * 8 * 60,
        description="The bank asks for evidence and withholds the money meanwhile. It can't be refunded as well.",
        clears="The bank gives the money back or takes it for good.",
        predicate=_is_disputed,
        evidence=_evidence,
        context=_context,
        value=_disputed_value,
        standing=shared.standing(lambda: _disputed().order_by("order_id").values_list("order_id", flat=True)),
        describe=shared.describe,
    ),
)
