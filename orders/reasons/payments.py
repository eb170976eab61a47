"""The case of money that is only promised: an authorisation ends by itself, and then nobody pays for the goods."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.timezone import localtime

from core import formats
from core.subjects import Subject
from exceptions import reasons
from exceptions.reasons import Column, Context, Evidence, Opening, Reason, Row
from orders.models import Order, Payment, PaymentKind
from orders.reasons import weights

HOLDS = timedelta(days=7)  # what card networks keep an authorisation for, as a rule
SOON = timedelta(days=2)
SWEPT = 5_000


def _expiring() -> QuerySet[Order]:
    """Open orders whose latest authorisation is nearly over and that nobody captured or voided since."""
    of_order = Payment.objects.filter(order=OuterRef("pk"))
    latest = of_order.filter(kind=PaymentKind.AUTHORISED).order_by("-at").values("at")[:1]
    ended = of_order.filter(kind__in=(PaymentKind.CAPTURED, PaymentKind.VOIDED), at__gte=OuterRef("authorised_at"))
    return (
        Order.objects.filter(status__in=("RECEIVED", "ACCEPTED"), payment_state="authorised", test=False)
        .annotate(authorised_at=Subquery(latest))
        .filter(authorised_at__lt=timezone.now() - (HOLDS - SOON))
        .filter(~Exists(ended))
    )


def _still(uid: str) -> bool:
    return _expiring().filter(pk=uid).exists()


def _standing() -> Iterable[str]:
    return [str(pk) for pk in _expiring().order_by("pk").values_list("pk", flat=True)[:SWEPT]]


def _describe(uid: str) -> Opening | None:
    order = _expiring().filter(pk=uid).first()
    if order is None:
        return None
    ends = order.authorised_at + HOLDS  # type: ignore[attr-defined]
    return Opening(
        label=order.number,
        summary=f"The payment is authorised until about {localtime(ends):%d %b %H:%M} and not captured.",
        value=order.total,
        currency=order.currency,
        promise_by=order.promise_by,
        started_at=order.authorised_at + (HOLDS - SOON),  # type: ignore[attr-defined]
    )


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
    ),
)
