"""Payouts that providers or shops made public, read from beside the project: their own control figures, and the orders
they are of, matched to the cent. Skipped where the files aren't there."""

from __future__ import annotations

import csv
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from django.db.models import Sum

from finance.models import LineKind, MatchSide, Settlement, SettlementLine
from orders.models import PaymentKind
from tests.finance.settling import paid, settled
from tests.integrations.conftest import SAMPLES

pytestmark = pytest.mark.django_db
D = Decimal
BATCH = SAMPLES / "settlement" / "adyen_settlement_detail_batch_380.csv"
PAYOUT = SAMPLES / "settlement" / "shopify_payments_payout_148156579998.csv"


def rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        pytest.skip(f"{path.name} is not here")
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def explained(payout: Settlement) -> None:
    """Every line of a sale or refund is matched, and nothing is left of the payout."""
    assert payout.residual == D("0.00")
    parts = payout.matched + payout.fees + payout.other + payout.written_off
    assert parts == payout.payout + payout.carried
    lines = SettlementLine.objects.filter(settlement=payout, kind__in=(LineKind.PAYMENT, LineKind.REFUND))
    sides = MatchSide.objects.filter(line__in=lines, live=True)
    assert sides.values("line").distinct().count() == lines.count()
    assert all(line.matched == line.gross for line in lines)


def test_batch_380_adds_up_and_is_the_orders_it_was_made_of():
    found = rows(BATCH)
    orders = {}
    for row in found:
        if row["Type"] == "Settled":
            ref = row["Psp Reference"]
            orders[ref] = paid(ref, row["Gross Credit (GC)"], "USD", name=row["Merchant Reference"])
    for row in found:
        if row["Type"] == "Refunded":
            order = orders.get(row["Psp Reference"])
            paid(
                row["Modification Reference"], row["Gross Debit (GC)"], "USD", kind=PaymentKind.REFUNDED, order=order,
                name="" if order else row["Merchant Reference"],
            )  # fmt: skip

    (payout,) = settled("adyen", BATCH.read_bytes())

    assert Counter(row["Type"] for row in found)["Settled"] == 220
    kinds = Counter(SettlementLine.objects.values_list("kind", flat=True))
    assert (kinds[LineKind.PAYMENT], kinds[LineKind.REFUND]) == (220, 6)
    debits = sum(D(row["Net Debit (NC)"] or 0) for row in found)
    credits_ = sum(D(row["Net Credit (NC)"] or 0) for row in found)
    assert debits == credits_ == D("56438.52")
    assert (payout.payout, payout.currency, payout.faults) == (D("55308.07"), "USD", [])
    explained(payout)


def test_payout_148156579998_adds_up_and_is_the_orders_it_was_made_of():
    for row in rows(PAYOUT):
        kind = PaymentKind.REFUNDED if row["Type"] == "refund" else PaymentKind.CAPTURED
        paid(row["Checkout"].lstrip("#"), row["Amount"].lstrip("-"), row["Currency"], kind=kind, name=row["Order"])

    (payout,) = settled("shopify", PAYOUT.read_bytes())

    assert (payout.ref, payout.payout, payout.currency) == ("148156579998", D("2975.92"), "AED")
    assert abs(payout.fees) == D("188.75")
    assert SettlementLine.objects.aggregate(n=Sum("net"))["n"] == payout.payout
    explained(payout)
