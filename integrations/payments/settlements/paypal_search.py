"""The answer of PayPal's transaction search, as the rows of an activity download. Pure.

An event code stands for the type. What was denied, and what is pending yet, moved no money.
https://developer.paypal.com/docs/api/transaction-search/v1/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from finance.canonical import Fault, Rule
from integrations.payments.settlements import documents
from integrations.payments.settlements.tables import Refused, Row, Table

STILL = {"D", "P"}
COLUMNS = (
    "date", "type", "currency", "gross", "fee", "net", "balance", "transaction id", "reference txn id",
    "invoice number", "name",
)  # fmt: skip


def table(said: Any) -> Table:
    """One answer, or its pages as a list. Refused for what is none; a fault where it hasn't as many as it says."""
    pages = said if isinstance(said, list) else [said]
    every = [each for page in pages for each in documents.rows(page, "transaction_details")]
    if not every:
        raise Refused("It holds no transaction_details, as an answer of the transaction search has.")
    infos = [(n, _held(each, "transaction_info"), _held(each, "payer_info")) for n, each in enumerate(every, start=1)]
    rows = tuple(
        _row(n, info, payer) for n, info, payer in infos if documents.text(info.get("transaction_status")) not in STILL
    )
    return Table(COLUMNS, rows, tuple(_counted(pages, len(every))))


def _held(each: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = each.get(name)
    return found if isinstance(found, Mapping) else {}


def _counted(pages: list[Any], found: int) -> list[Fault]:
    total = pages[0].get("total_items")
    if not isinstance(total, int) or total == found:
        return []
    rule = Rule.LINE_MISSING if total > found else Rule.LINE_DOUBLED
    return [Fault(rule, f"It says it has {total} transactions; {found} are here.")]


def _row(number: int, info: Mapping[str, Any], payer: Mapping[str, Any]) -> Row:
    gross, fee, balance = (_held(info, name) for name in ("transaction_amount", "fee_amount", "ending_balance"))
    currency = documents.text(gross.get("currency_code"))
    if fee and documents.text(fee.get("currency_code")) != currency:
        words = f"A fee in {documents.text(fee.get('currency_code'))} of an amount in {currency}."
        raise Refused(words, number, Rule.CURRENCY_MIXED)
    amounts = [
        documents.amount(held.get("value", "0"), number, name)
        for held, name in ((gross, "transaction_amount"), (fee, "fee_amount"))
    ]
    return Row(
        number,
        {
            "date": documents.text(info.get("transaction_initiation_date")),
            "type": documents.text(info.get("transaction_event_code")),
            "currency": currency,
            "gross": f"{amounts[0]}", "fee": f"{amounts[1]}", "net": f"{sum(amounts)}",
            "balance": documents.text(balance.get("value")),
            "transaction id": documents.text(info.get("transaction_id")),
            "reference txn id": documents.text(info.get("paypal_reference_id")),
            "invoice number": documents.text(info.get("invoice_id") or info.get("custom_field")),
            "name": documents.text(_held(payer, "payer_name").get("alternate_full_name")),
        },
    )  # fmt: skip
