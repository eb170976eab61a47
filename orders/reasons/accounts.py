"""Trouble with who buys: an order of a business nobody knows."""

from __future__ import annotations

from typing import Any

from exceptions.reasons import Cell, Evidence, Reason, Row
from orders.models import Order
from orders.reasons import shared, weights


def _unknown() -> Any:
    return Order.objects.filter(account__isnull=True, status__in=("RECEIVED", "ACCEPTED")).exclude(account_code="")


def _evidence(uid: str) -> Evidence:
    order = Order.objects.select_related("channel").get(pk=uid)
    return Evidence(
        heading="Whom the order names",
        columns=("Account", "Channel", "PO number", "Terms"),
        rows=[
            Row(
                (
                    Cell(order.account_code, code=True),
                    order.channel.name,
                    order.po_number or "none",
                    order.payment_terms or "none",
                ),
                hot=True,
            )
        ],
    )


REASONS = (
    Reason(
        code="orders.unknown_account",
        impact=weights.of_order,
        title="An order of an unknown account",
        queue="orders",
        subject_kind="order",
        icon="user",
        acknowledge_minutes=60,
        resolve_minutes=8 * 60,
        description="The order names a business account nobody knows at its channel, so nobody knows who would owe it.",
        clears="when an account of that code is made, or the channel names another",
        predicate=lambda uid: _unknown().filter(pk=uid).exists(),
        evidence=_evidence,
        context=shared.context,
        standing=shared.standing(lambda: _unknown().order_by("pk").values_list("pk", flat=True)),
        describe=shared.describe,
        value=shared.value,
    ),
)
