"""Every vendor whose settlements can be read, on one page. Called once, when the app is ready."""

from __future__ import annotations

from finance import canonical
from finance.canonical import Reader
from integrations.payments import statements
from integrations.payments.settlements import (
    adyen,
    amazon,
    braintree,
    generic,
    paypal,
    shopify,
    square,
    stripe,
    woocommerce,
)

_LOCALE = ("decimal", "dates")


def connect() -> None:
    for code, title, module, needs, hint in (
        ("adyen", "Adyen", adyen, (), "Settlement details report, CSV"),
        ("amazon", "Amazon", amazon, _LOCALE, "Settlement report, flat file V1 or V2"),
        ("braintree", "Braintree", braintree, (), "Transaction-level fee report, CSV, or transactions, JSON"),
        ("generic", "Another provider", generic, (*_LOCALE, "columns", "currency"), "CSV by a mapping of its columns"),
        ("paypal", "PayPal", paypal, _LOCALE, "Activity download or monthly statement, CSV"),
        ("shopify", "Shopify Payments", shopify, (), "Export of transactions, CSV, or the API's answer, JSON"),
        ("square", "Square", square, (), "Payouts and payout entries, JSON"),
        ("stripe", "Stripe", stripe, (), "Itemised payout report, CSV, or balance transactions, JSON"),
        ("woocommerce", "WooPayments", woocommerce, (), "Transactions, CSV or JSON"),
    ):  # fmt: skip
        labels = {str(label): str(kind) for label, kind in module.LABELS.items()}
        canonical.register(Reader(code, title, module.read, labels, needs, hint))
    statements.connect()
