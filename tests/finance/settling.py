"""Small settlement files in their vendors' documented formats, and the orders they are of."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from finance.services import matches, settlements
from orders.models import Payment, PaymentKind
from tests.factories.orders import place

ADYEN = (
    "Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,Creation Date,TimeZone,Type,"
    "Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Exchange Rate,Net Currency,Net Debit (NC),"
    "Net Credit (NC),Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),Batch Number"
)
ADYEN_ROWS = (
    "Co,Shop,8816098341845641,W-1,visa,2026-01-05 00:21:32,CET,Settled,7936098342605951,EUR,,100.00,1,EUR,,98.80,,0.60,0.20,0.40,7",
    "Co,Shop,8816098341845642,W-2,ideal,2026-01-05 00:29:21,CET,Settled,7936098342605952,EUR,,21.95,1,EUR,,21.70,0.25,,,,7",
    "Co,Shop,8816098341845643,W-3,mc,2026-01-05 00:32:20,CET,Settled,7936098342605953,GBP,,50.00,1.1,EUR,,54.50,,0.30,0.10,0.10,7",
    "Co,Shop,8816098341845641,W-1,visa,2026-01-06 00:32:20,CET,Refunded,7936098342605954,EUR,19.95,,1,EUR,19.95,,,,,,7",
    "Co,Shop,,,,2026-01-07 00:46:38,CET,Fee,Transaction fees January,,,,,EUR,5.90,,,,,,7",
    'Co,Shop,,,,2026-01-07 00:46:38,CET,MerchantPayout,"TX1XT batch 7, Shop",,,,,EUR,149.15,,,,,,7',
)
SHOPIFY = (
    "Transaction Date,Type,Order,Card Brand,Card Source,Payout Status,Payout Date,Payout ID,Available On,Amount,Fee,Net,"
    "Checkout,Payment Method Name,Presentment Amount,Presentment Currency,Currency"
)
SHOPIFY_ROWS = (
    "2026-08-30 16:59:53 +0400,refund,#3426,visa,online,paid,2026-09-01,148156579001,2026-08-30,-15.70,0.00,-15.70,#43685329797271,card,15.70,AED,AED",
    "2026-08-24 22:01:24 +0400,charge,#3439,master,online,paid,2026-09-01,148156579001,2026-09-01,98.21,5.68,92.53,#43736360550551,card,100.40,SAR,AED",
    "2026-08-24 20:16:26 +0400,charge,#3437,visa,online,paid,2026-09-01,148156579001,2026-09-01,57.93,2.57,55.36,#43735502913691,card,57.93,AED,AED",
)


def csv(header: str, rows, *, end: str = "\n") -> bytes:
    return (end.join([header, *rows]) + end).encode()


def adyen(*rows: str) -> bytes:
    return csv(ADYEN, rows or ADYEN_ROWS)


def shopify(*rows: str) -> bytes:
    return csv(SHOPIFY, rows or SHOPIFY_ROWS)


def paid(
    ref: str,
    amount: str,
    currency: str = "EUR",
    *,
    name: str = "",
    kind: str = PaymentKind.CAPTURED,
    order=None,
    **more,
):
    """An order with one payment of this provider id."""
    order = order or place(channel_ref=name or f"order-{ref}", number=name)
    Payment.objects.create(
        order=order, provider_ref=ref, kind=kind, amount=Decimal(amount), currency=currency,
        at=more.pop("at", datetime(2026, 1, 5, tzinfo=UTC)), gateway="card", **more,
    )  # fmt: skip
    return order


def adyen_orders() -> list:
    """The orders and payments that `ADYEN_ROWS` settles."""
    first = paid("8816098341845641", "100.00", name="W-1")
    paid("7936098342605954", "19.95", kind=PaymentKind.REFUNDED, order=first)
    return [first, paid("8816098341845642", "21.95", name="W-2"), paid("8816098341845643", "50.00", "GBP", name="W-3")]


def imported(provider: str, content: bytes, **terms):
    return settlements.import_(provider, f"{provider}.csv", content, terms=terms)


def settled(provider: str, content: bytes, **terms):
    """Import and match; returns the payouts."""
    from finance.models import Settlement

    done = imported(provider, content, **terms)
    for pk in done.settlements:
        matches.match(pk)
    return list(Settlement.objects.filter(pk__in=done.settlements).order_by("pk"))
