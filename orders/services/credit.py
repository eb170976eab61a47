"""What a business owes and may still buy on credit, and whether its order needs somebody's word first.

Exposure is what the account's orders are worth and nobody has paid: units still to come (`open`) and units that left
(`unpaid`, what will be or is invoiced). An order that a credit hold stops takes no credit away from the others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Sum

from core.formats import money
from orders import currencies
from orders.models import (
    OWED,
    PREPAID,
    Account,
    Approval,
    ApprovalKind,
    HoldStatus,
    Order,
    OrderLine,
    Payment,
    PaymentKind,
    PaymentState,
)

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Exposure:
    """In the account's currency. `foreign` counts orders in others, which no limit can be held against."""

    open: Decimal = _ZERO
    unpaid: Decimal = _ZERO
    orders: int = 0
    held: Decimal = _ZERO
    held_orders: int = 0
    foreign: int = 0

    @property
    def total(self) -> Decimal:
        return self.open + self.unpaid


def on_account(order: Order) -> bool:
    """Whether the money comes after the goods: then its payment needn't be there before they leave."""
    return order.account_id is not None and order.payment_terms not in {"", PREPAID}


def exposures(account_ids: Collection[int], *, but: int | None = None) -> dict[int, Exposure]:
    """Each account's exposure, without the order `but`. One statement over unpaid orders, by their own index."""
    with connection.cursor() as cursor:
        cursor.execute(_EXPOSURE, {"accounts": list(account_ids), "owed": list(OWED), "prepaid": PREPAID, "but": but})
        found = {row[0]: Exposure(*row[1:]) for row in cursor.fetchall()}
    return {account_id: found.get(account_id, Exposure()) for account_id in account_ids}


def worth(order: Order, lines: Sequence[OrderLine]) -> Decimal:
    """What the order's units that were neither cancelled nor returned come to, with its shipping and taxes."""
    goods = sum((_value(order, line) for line in lines), _ZERO)
    gone = sum(
        (_value(order, line) * (line.cancelled + line.returned) / line.ordered for line in lines if line.ordered), _ZERO
    )
    whole = goods if order.total is None else order.total
    return max(_ZERO, currencies.rounded(whole - gone, order.currency))


def _value(order: Order, line: OrderLine) -> Decimal:
    net = line.unit_price * line.ordered - line.discount_total
    return net if order.tax_included else net + line.tax_total


def credit_problem(order: Order, lines: Sequence[OrderLine]) -> str:
    """Why the order may not go out on credit, "" when it may.

    Locks the account, so two orders can't both be last; an order without a number is only being asked about.
    """
    if order.account_id is None:
        return f"Nobody knows an account {order.account_code}." if order.account_code else ""
    accounts = Account.objects.all()
    if order.number:
        accounts = accounts.select_for_update(no_key=True, of=("self",))
    account = accounts.get(pk=order.account_id)
    if not on_account(order) or _allowed(order, lines, ApprovalKind.CREDIT):
        return ""
    return weigh(account, order, lines, exposures([account.pk], but=order.pk)[account.pk])


def weigh(account: Account, order: Order, lines: Sequence[OrderLine], others: Exposure) -> str:
    """The order against its account's rules and what the other orders owe already; "" when all is well."""
    if account.on_stop:
        return f"{account.name} is on stop."
    if _days(order.payment_terms) > _days(account.payment_terms):
        return f"{order.payment_terms} is asked, {account.payment_terms} is agreed."
    if account.credit_limit is None:
        return ""
    if order.currency != account.currency:
        return f"The limit is in {account.currency}, the order in {order.currency}."
    owed = max(_ZERO, worth(order, lines) - _captured(order))
    after = others.total + owed
    if after <= account.credit_limit:
        return ""
    told = [money(amount, account.currency) for amount in (owed, others.total, account.credit_limit)]
    return f"{told[0]} on top of {told[1]} owed is over the limit of {told[2]}."


def _captured(order: Order) -> Decimal:
    if order.payment_state != PaymentState.PARTIALLY_PAID:
        return _ZERO
    sums = dict(Payment.objects.filter(order_id=order.pk).values_list("kind").annotate(Sum("amount")))
    return sums.get(PaymentKind.CAPTURED, _ZERO) - sums.get(PaymentKind.REFUNDED, _ZERO)


def approval_problem(order: Order, lines: Sequence[OrderLine]) -> str:
    """Why a person has to approve the order before it is picked, "" when nobody has to or somebody did."""
    if order.account is None:
        return ""
    why = approval_wanted(order.account, order, lines)
    return "" if not why or _allowed(order, lines, ApprovalKind.APPROVAL) else why


@dataclass(frozen=True, slots=True)
class Outcome:
    """What would become of a waiting order; `why` it would go on waiting, "" when it wouldn't."""

    number: str
    worth: Decimal
    currency: str
    why: str


def what_if(account: Account, rules: Mapping[str, Any], *, limit: int = 50) -> list[Outcome]:
    """The account's waiting orders under other rules, the oldest first, each taking what it needs. Changes nothing."""
    tried = copy(account)
    for name, value in rules.items():
        setattr(tried, name, value)
    waiting = Order.objects.filter(
        account=account, holds__status=HoldStatus.CREATED, holds__type__in=ApprovalKind.values
    )
    owed = exposures([account.pk])[account.pk]
    found = []
    for order in waiting.distinct().order_by("placed_at", "pk").prefetch_related("lines")[:limit]:
        lines = list(order.lines.all())
        why = "" if _allowed(order, lines, ApprovalKind.CREDIT) else weigh(tried, order, lines, owed)
        if not why and not _allowed(order, lines, ApprovalKind.APPROVAL):
            why = approval_wanted(tried, order, lines)
        if not why and order.currency == tried.currency:
            owed = replace(owed, open=owed.open + worth(order, lines))
        found.append(Outcome(order.number, worth(order, lines), order.currency, why))
    return found


def approval_wanted(account: Account, order: Order, lines: Sequence[OrderLine]) -> str:
    if not account.requires_approval:
        return ""
    if account.approval_above is None:
        return f"Orders of {account.name} are approved one by one."
    if order.currency == account.currency and worth(order, lines) <= account.approval_above:
        return ""
    return f"Orders of {account.name} over {money(account.approval_above, account.currency)} are approved first."


def _allowed(order: Order, lines: Sequence[OrderLine], kind: str) -> bool:
    """Whether a person's word covers what the order comes to now; one that grew since needs another."""
    said = Approval.objects.filter(order_id=order.pk, kind=kind, currency=order.currency)
    return said.filter(total__gte=worth(order, lines)).exists()


def _days(terms: str) -> int:
    return 0 if terms in {"", PREPAID} else int(terms.removeprefix("NET"))


_EXPOSURE = """
SELECT account_id,
    coalesce(sum(least(owed, to_come)) FILTER (WHERE NOT held AND home), 0),
    coalesce(sum(owed - least(owed, to_come)) FILTER (WHERE NOT held AND home), 0),
    count(*) FILTER (WHERE NOT held AND home AND owed > 0),
    coalesce(sum(owed) FILTER (WHERE held AND home), 0),
    count(*) FILTER (WHERE held AND home),
    count(*) FILTER (WHERE NOT home)
FROM (
    SELECT known.account_id, known.currency = account.currency AS home,
        EXISTS (
            SELECT FROM orders_hold hold
            WHERE hold.order_id = known.id AND hold.type = 'CREDIT' AND hold.status = 'CREATED'
        ) AS held,
        round(greatest(
            coalesce(known.total, goods.value, 0) - coalesce(goods.gone, 0) - coalesce(paid.amount, 0), 0
        ), 4) AS owed,
        round(coalesce(goods.to_come, 0), 4) AS to_come
    FROM orders_order known
    JOIN orders_account account ON account.id = known.account_id
    LEFT JOIN LATERAL (
        SELECT sum(line.value) AS value,
            sum(line.value * (line.cancelled + line.returned) / line.ordered) AS gone,
            sum(line.value * (line.open + line.allocated + line.backordered) / line.ordered) AS to_come
        FROM (
            SELECT unit_price * ordered - discount_total + CASE WHEN known.tax_included THEN 0 ELSE tax_total END
                AS value, ordered, open, allocated, backordered, cancelled, returned
            FROM orders_orderline WHERE order_id = known.id AND ordered > 0
        ) line
    ) goods ON true
    LEFT JOIN LATERAL (
        SELECT sum(CASE kind WHEN 'captured' THEN amount WHEN 'refunded' THEN -amount ELSE 0 END) AS amount
        FROM orders_payment WHERE order_id = known.id
    ) paid ON true
    WHERE known.account_id = ANY(%(accounts)s::bigint[]) AND known.payment_state = ANY(%(owed)s::text[])
        AND known.status <> 'CANCELLED' AND known.payment_terms NOT IN ('', %(prepaid)s) AND NOT known.test
        AND known.id IS DISTINCT FROM %(but)s::bigint
) each
GROUP BY account_id
"""
