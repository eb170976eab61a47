"""What can happen to a file on its way here, for every reader: each is found, as itself and nothing else. No database."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from finance import canonical
from tests.finance.settling import ADYEN, ADYEN_ROWS
from tests.integrations.test_settlement_readers import AMAZON, PAYPAL, PAYPAL_ROWS, STL, read, rules

Edits = dict[str, tuple[str, str]]
RULES = (
    "line_missing", "line_doubled", "label_unknown", "cent_shifted", "currency_mixed", "decimal_comma", "unicode_minus",
    "ids_rounded",
)  # fmt: skip
MINUS = "\u2212"
NAMED = re.compile(r"[A-Za-z]+[A-Za-z_ ./()]*: ", re.ASCII)  # a reason begins with the field it is about


def table(*rows: str) -> str:
    return "\n".join(rows) + "\n"


def listed(**document: Any) -> str:
    """JSON with each object of a list on a line of its own, so that a line is an entry."""
    parts = []
    for name, value in document.items():
        if isinstance(value, list):
            rows = ",\n".join(json.dumps(each) for each in value)
            parts.append(f'"{name}": [\n{rows}\n]')
        else:
            parts.append(f'"{name}": {json.dumps(value)}')
    return "{" + ", ".join(parts) + "}"


def entry(content: str, part: str) -> str:
    """The whole line with that in it."""
    return next(line for line in content.splitlines(keepends=True) if part in line)


def edits(content: str, part: str, **changed: tuple[str, str]) -> Edits:
    """`part` names the line that goes missing and is doubled; the others are words of it and what they become."""
    line = entry(content, part)
    as_json = line.startswith("{")
    again = line if not as_json else line.rstrip(",\n") + ",\n" + line
    return {"line_missing": (line, ""), "line_doubled": (line, line * 2 if not as_json else again), **changed}


def money(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency_code": "USD"}


AMAZON_V1 = table(
    "settlement-id\tsettlement-start-date\tsettlement-end-date\tdeposit-date\ttotal-amount\tcurrency\ttransaction-type\t"
    "order-id\tadjustment-id\tshipment-id\tmarketplace-name\tprice-type\tprice-amount\titem-related-fee-type\t"
    "item-related-fee-amount\tposted-date\torder-item-code\tsku",
    "11\t2026-03-01T00:00:00+00:00\t2026-03-15T00:00:00+00:00\t2026-03-17T00:00:00+00:00\t30.00\tUSD",
    "11\t\t\t\t\tUSD\tOrder\t112-1\t\tS1\tamazon.com\tPrincipal\t29.99\t\t\t2026-03-02T14:00:00+00:00\t91\tW",
    "11\t\t\t\t\tUSD\tOrder\t112-1\t\tS1\tamazon.com\t\t\tCommission\t-4.50\t2026-03-02T14:00:00+00:00\t91\tW",
    "11\t\t\t\t\tUSD\tOrder\t112-2\t\tS2\tamazon.com\tPrincipal\t14.50\t\t\t2026-03-03T14:00:00+00:00\t92\tW",
    "11\t\t\t\t\tUSD\tRefund\t112-3\tA3\t\tamazon.com\tPrincipal\t-9.99\t\t\t2026-03-04T14:00:00+00:00\t93\tW",
)
AMAZON_V2 = table(
    AMAZON,
    "11\t2026-03-01T00:00:00+00:00\t2026-03-15T00:00:00+00:00\t2026-03-17\t34,50\tEUR",
    *(
        f"11\t\t\t\t\tEUR\t{said}\t{order}\t\t\tS1\tamazon.de\t{kind}\t{name}\t{amount}\tAFN\t2026-03-02\t"
        f"2026-03-02T14:23:00+00:00\t9{order[-1]}\tWIDGET"
        for said, order, kind, name, amount in (
            ("Order", "206-1", "ItemPrice", "Principal", "29,99"), ("Order", "206-1", "ItemFees", "Commission", "-4,50"),
            ("Order", "206-2", "ItemPrice", "Principal", "19,00"), ("Refund", "206-3", "ItemPrice", "Principal", "-9,99"),
        )
    ),
)  # fmt: skip
SQUARE = listed(
    payouts=[{"id": "po_1", "status": "PAID", "amount_money": money(11_600), "arrival_date": "2026-01-03"}],
    payout_entries=[
        {
            "id": f"poe_{n}", "payout_id": "po_1", "type": kind, "effective_at": f"2026-01-0{n}T00:00:00Z",
            "gross_amount_money": money(gross), "fee_amount_money": money(fee), "net_amount_money": money(gross - fee),
            f"type_{kind.lower()}_details": {"payment_id": f"pay_{n}"},
        }
        for n, kind, gross, fee in ((1, "CHARGE", 10_000, 300), (2, "CHARGE", 4_000, 100), (3, "REFUND", -2_000, 0))
    ],
)  # fmt: skip
STRIPE_CSV = table(
    "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,automatic_payout_id",
    "txn_1,2026-09-14 10:02:11,eur,60.00,0.50,59.50,charge,ch_1,po_1",
    "txn_2,2026-09-14 10:03:11,eur,40.00,0.40,39.60,charge,ch_2,po_1",
    "txn_3,2026-09-14 10:04:11,eur,-20.00,0,-20.00,refund,re_1,po_1",
    "txn_4,2026-09-15 10:04:11,eur,-79.10,0,-79.10,payout,po_1,po_1",
)
STRIPE_API = listed(
    object="list",
    data=[
        {
            "object": "balance_transaction", "id": f"txn_{n}", "amount": amount, "fee": fee, "net": amount - fee,
            "currency": "eur", "type": kind, "created": 1_789_380_131 + n, "source": source,
        }
        for n, kind, amount, fee, source in (
            (1, "charge", 6_000, 50, "ch_1"), (2, "charge", 4_000, 40, "ch_2"), (3, "refund", -2_000, 0, "re_1"),
            (4, "payout", -7_910, 0, "po_1"),
        )
    ],
)  # fmt: skip
SHOPIFY_CSV = table(
    "Transaction Date,Type,Order,Payout Status,Payout Date,Payout ID,Available On,Amount,Fee,Net,Checkout,Currency",
    "2026-08-21 10:00:00 +0000,charge,#1,paid,2026-09-01,148156579001,2026-09-01,100.00,3.00,97.00,#43685329791271,EUR",
    "2026-08-22 10:00:00 +0000,charge,#2,paid,2026-09-01,148156579001,2026-09-01,50.00,1.50,48.50,#43685329791272,EUR",
    "2026-08-23 10:00:00 +0000,refund,#1,paid,2026-09-01,148156579001,2026-09-01,-20.00,0.00,-20.00,#43685329791271,EUR",
)
SHOPIFY_API = listed(
    payouts=[{"id": 623_721_858, "status": "paid", "date": "2026-09-01", "currency": "USD", "amount": "125.50"}],
    transactions=[
        {
            "id": 699_519_475 + n, "type": kind, "payout_id": 623_721_858, "currency": "USD", "amount": amount,
            "fee": fee, "net": net, "source_id": 460_709_370 + n, "source_order_id": 450_789_469 + n,
            "processed_at": "2026-08-21T10:00:00Z",
        }
        for n, kind, amount, fee, net in (
            (1, "charge", "100.00", "3.00", "97.00"), (2, "charge", "50.00", "1.50", "48.50"),
            (3, "refund", "-20.00", "0.00", "-20.00"),
        )
    ],
)  # fmt: skip
BRAINTREE_CSV = table(
    "Transaction ID,Order ID,Transaction Type,Settlement Amount,Settlement Currency,Total Fee Amount,Net,Disbursement Date",
    "bt1xy,W-1,sale,100.00,EUR,3.00,97.00,2026-01-05",
    "bt2xy,W-2,sale,50.00,EUR,1.50,48.50,2026-01-05",
    "bt3xy,W-1,credit,-20.00,EUR,0.00,-20.00,2026-01-05",
)
BRAINTREE_API = listed(
    transactions=[
        {
            "id": f"bt{n}xy", "type": kind, "amount": amount, "currency_iso_code": "EUR", "order_id": f"W-{n}",
            "created_at": "2026-01-04T00:00:00Z", "merchant_account_id": "shop", "service_fee_amount": "0.50",
            "disbursement_details": {
                "disbursement_date": "2026-01-05", "settlement_amount": amount, "settlement_currency_iso_code": "EUR",
            },
        }
        for n, kind, amount in ((1, "sale", "100.00"), (2, "sale", "50.00"), (3, "credit", "20.00"))
    ],
)  # fmt: skip
WOO_CSV = table(
    "Transaction ID,Date / time,Type,Source,Order,Amount,Fees,Net,Currency,Payout ID,Payout date",
    "txn_1,2026-01-02 10:00:00,Charge,visa,101,100.00,3.00,97.00,EUR,wcpay_po_1,2026-01-05",
    "txn_2,2026-01-02 11:00:00,Charge,visa,102,50.00,1.50,48.50,EUR,wcpay_po_1,2026-01-05",
    "txn_3,2026-01-03 10:00:00,Refund,visa,101,-20.00,0.00,-20.00,EUR,wcpay_po_1,2026-01-05",
)
WOO_API = listed(
    deposits=[{"id": "wcpay_po_1", "type": "deposit", "amount": 12_550, "currency": "eur", "status": "paid"}],
    data=[
        {
            "transaction_id": f"txn_{n}", "type": kind, "amount": amount, "fees": fee, "net": amount - fee,
            "currency": "eur", "deposit_id": "wcpay_po_1", "date": "2026-01-02 10:00:00", "order": {"number": f"10{n}"},
        }
        for n, kind, amount, fee in ((1, "charge", 10_000, 300), (2, "charge", 5_000, 150), (3, "refund", -2_000, 0))
    ],
)  # fmt: skip
GENERIC = table(
    "No;Kind;Net;Order;Id;Currency",
    "P1;payment;97,00;W-1;x1;EUR",
    "P1;payment;48,50;W-2;x2;EUR",
    "P1;refund;-20,00;W-1;x3;EUR",
)
MAPPED = {
    "columns": {"payout": "No", "label": "Kind", "net": "Net", "order": "Order", "ref": "Id", "currency": "Currency"}
}
ADYEN_FILE, PAYPAL_FILE = table(ADYEN, *ADYEN_ROWS), table(PAYPAL, *PAYPAL_ROWS)

SAMPLES: dict[str, tuple[str, str, dict[str, Any], Edits]] = {
    "adyen": ("adyen", ADYEN_FILE, {}, edits(
        ADYEN_FILE, "W-2,", label_unknown=("Settled", "Setled"), cent_shifted=("98.80", "98.81"),
        currency_mixed=(",1,EUR,", ",1,USD,"), decimal_comma=("98.80", '"98,80"'),
        unicode_minus=("98.80", f"{MINUS}98.80"), ids_rounded=("8816098341845642", "8.81610E+15"),
    )),
    "amazon V1": ("amazon", AMAZON_V1, {}, edits(
        AMAZON_V1, "112-2", label_unknown=("Commission", "Provision"), cent_shifted=("29.99", "30.00"),
        currency_mixed=("USD\tRefund", "CAD\tRefund"), decimal_comma=("29.99", "29,99"),
        unicode_minus=("-9.99", f"{MINUS}9.99"), ids_rounded=("112-2", "1.12E+15"),
    )),
    "amazon V2": ("amazon", AMAZON_V2, {}, edits(
        AMAZON_V2, "206-2", label_unknown=("Commission", "Provision"), cent_shifted=("29,99", "30,00"),
        currency_mixed=("EUR\tRefund", "GBP\tRefund"), decimal_comma=("29,99", "29.99"),
        unicode_minus=("-9,99", f"{MINUS}9,99"), ids_rounded=("206-2", "2.06E+15"),
    )),
    "braintree": ("braintree", BRAINTREE_CSV, {"stated": "125.50"}, edits(
        BRAINTREE_CSV, "bt2xy", label_unknown=("credit,", "credti,"), cent_shifted=("97.00", "97.01"),
        currency_mixed=("50.00,EUR", "50.00,GBP"), decimal_comma=("97.00", '"97,00"'),
        unicode_minus=("-20.00,EUR", f"{MINUS}20.00,EUR"), ids_rounded=("bt1xy", "1.23457E+15"),
    )),
    "braintree API": ("braintree", BRAINTREE_API, {"stated": "128.50"}, edits(
        BRAINTREE_API, "bt2xy", label_unknown=('"sale"', '"slae"'), cent_shifted=('_amount": "100.00"', '_amount": "100.01"'),
        currency_mixed=('"50.00", "settlement_currency_iso_code": "EUR"', '"50.00", "settlement_currency_iso_code": "GBP"'),
        decimal_comma=('_amount": "100.00"', '_amount": "100,00"'),
        unicode_minus=('"service_fee_amount": "0.50"', f'"service_fee_amount": "{MINUS}0.50"'),
        ids_rounded=('"bt1xy"', "1.23457E+15"),
    )),
    "generic": ("generic", GENERIC, {**MAPPED, "stated": "125.50"}, edits(
        GENERIC, "x2", label_unknown=("refund", "refnud"), cent_shifted=("97,00", "97,01"),
        currency_mixed=("x2;EUR", "x2;GBP"), decimal_comma=("97,00", "97.00"), unicode_minus=("-20,00", f"{MINUS}20,00"),
        ids_rounded=("x1", "1.23457E+15"),
    )),
    "paypal": ("paypal", PAYPAL_FILE, {}, edits(
        PAYPAL_FILE, '"T2"', label_unknown=("Payment Refund", "Payment Refnud"),
        cent_shifted=('"-84.00","0.25","-83.75"', '"-83.99","0.25","-83.74"'),
        currency_mixed=('"USD","-84.00"', '"XXX","-84.00"'), decimal_comma=("1,084.00", "1.084,00"),
        unicode_minus=("-84.00", f"{MINUS}84.00"), ids_rounded=('"T1",""', '"1.23457E+15",""'),
    )),
    "paypal report": ("paypal", STL, {}, edits(
        STL, '"T2"', label_unknown=("T1107", "T9907"), cent_shifted=('10000,"USD","DR",320', '10001,"USD","DR",320'),
        currency_mixed=('DR",320,"USD"', 'DR",320,"EUR"'), decimal_comma=('10000,"USD","DR"', '"100,00","USD","DR"'),
        unicode_minus=("2000,", f"{MINUS}2000,"), ids_rounded=('"T2"', '"1.23457E+15"'),
    )),
    "shopify": ("shopify", SHOPIFY_CSV, {"stated": "125.50"}, edits(
        SHOPIFY_CSV, "#2,", label_unknown=("refund", "refnud"), cent_shifted=("97.00", "97.01"),
        currency_mixed=("91272,EUR", "91272,USD"), decimal_comma=("97.00", '"97,00"'),
        unicode_minus=("-20.00,0.00", f"{MINUS}20.00,0.00"), ids_rounded=("148156579001", "1.48157E+11"),
    )),
    "shopify API": ("shopify", SHOPIFY_API, {}, edits(
        SHOPIFY_API, '"50.00"', label_unknown=('"refund"', '"refnud"'), cent_shifted=('"97.00"', '"97.01"'),
        currency_mixed=('"currency": "USD", "amount": "50.00"', '"currency": "CAD", "amount": "50.00"'),
        decimal_comma=('"97.00"', '"97,00"'), unicode_minus=('"-20.00", "fee"', f'"{MINUS}20.00", "fee"'),
        ids_rounded=('"id": 699519476', '"id": 6.9952E+8'),
    )),
    "square": ("square", SQUARE, {}, edits(
        SQUARE, "poe_2", label_unknown=('"REFUND"', '"REFNUD"'), cent_shifted=('"amount": 9700', '"amount": 9701'),
        currency_mixed=('"amount": 4000, "currency_code": "USD"', '"amount": 4000, "currency_code": "CAD"'),
        decimal_comma=('"amount": 10000', '"amount": "100,00"'), unicode_minus=('"amount": -2000', f'"amount": "{MINUS}2000"'),
        ids_rounded=('"poe_1"', "1.23457E+15"),
    )),
    "stripe": ("stripe", STRIPE_CSV, {}, edits(
        STRIPE_CSV, "txn_2", label_unknown=("refund", "refnud"), cent_shifted=("59.50", "59.51"),
        currency_mixed=("eur,40.00", "gbp,40.00"), decimal_comma=("59.50", '"59,50"'),
        unicode_minus=("-20.00,0", f"{MINUS}20.00,0"), ids_rounded=("ch_1", "1.23457E+15"),
    )),
    "stripe API": ("stripe", STRIPE_API, {}, edits(
        STRIPE_API, '"txn_2"', label_unknown=('"refund"', '"refnud"'), cent_shifted=('"net": 5950', '"net": 5951'),
        currency_mixed=('"net": 3960, "currency": "eur"', '"net": 3960, "currency": "gbp"'),
        decimal_comma=('"net": 5950', '"net": "59,50"'), unicode_minus=('"amount": -2000', f'"amount": "{MINUS}2000"'),
        ids_rounded=('"ch_1"', "1.23457E+15"),
    )),
    "woocommerce": ("woocommerce", WOO_CSV, {"stated": "125.50"}, edits(
        WOO_CSV, "txn_2", label_unknown=("Refund", "Refnud"), cent_shifted=("97.00", "97.01"),
        currency_mixed=("48.50,EUR", "48.50,GBP"), decimal_comma=("97.00", '"97,00"'),
        unicode_minus=("-20.00,0.00", f"{MINUS}20.00,0.00"), ids_rounded=("wcpay_po_1", "1.48157E+11"),
    )),
    "woocommerce API": ("woocommerce", WOO_API, {}, edits(
        WOO_API, '"txn_2"', label_unknown=('"refund"', '"refnud"'), cent_shifted=('"net": 9700', '"net": 9701'),
        currency_mixed=('"net": 4850, "currency": "eur"', '"net": 4850, "currency": "gbp"'),
        decimal_comma=('"net": 9700', '"net": "97,00"'), unicode_minus=('"amount": -2000', f'"amount": "{MINUS}2000"'),
        ids_rounded=('"txn_1"', "1.23457E+15"),
    )),
}  # fmt: skip


def found(provider: str, content: str, terms: dict[str, Any]) -> set[str]:
    document = read(provider, content, **terms)
    labels = canonical.reader(provider).labels
    unknown = any(line.label not in labels for payout in document.payouts for line in payout.lines)
    return {*rules(document), *(["label_unknown"] if unknown else [])}


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sound_file_has_nothing_wrong_and_every_reader_has_one(sample):
    provider, content, terms, changed = SAMPLES[sample]

    assert found(provider, content, terms) == set()
    assert set(changed) == set(RULES)
    assert {each.code for each in canonical.readers()} == {provider for provider, *_ in SAMPLES.values()}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("sample", SAMPLES)
def test_whatever_happened_to_a_file_is_found_as_itself(sample, rule):
    provider, content, terms, changed = SAMPLES[sample]
    before, after = changed[rule]
    assert before in content

    broken = content.replace(before, after, content.count(before) if rule == "ids_rounded" else 1)
    broken = broken.replace("},\n]", "}\n]")  # a list whose last entry is gone

    assert found(provider, broken, terms) == {rule}
    if rule in {"decimal_comma", "unicode_minus", "ids_rounded", "currency_mixed"}:
        assert all(each.row and NAMED.match(each.message) for each in faults(read(provider, broken, **terms)))


def faults(document: Any) -> list[Any]:
    return [*document.faults, *(each for payout in document.payouts for each in payout.faults)]


def entries(content: str) -> dict[int, int]:
    """The number that a reader gives an entry, and the line it stands in: of JSON, those of its last list."""
    lines = content.splitlines()
    if not content.startswith("{"):
        return {n: n - 1 for n in range(1, len(lines) + 1)}
    begins = max(n for n, line in enumerate(lines) if line.endswith('": ['))
    return {n - begins: n for n in range(begins + 1, len(lines))}


def with_line(content: str, place: int, *instead: str) -> str:
    lines = content.splitlines()
    lines[place : place + 1] = instead
    return "\n".join(lines).replace("},\n]", "}\n]").replace("}\n{", "},\n{") + "\n"


CELL = re.compile(r"()-?\d{1,3}(?:[.,]\d{3})*[.,]\d\d(?!\d)")
FIELD = re.compile(r'("(?:net|settlement_amount|net_amount_money|amount)": (?:{"amount": )?)"?(-?[\d.]+)"?')


def rewritten(line: str, how: str) -> str:
    """The line's last amount with its decimal mark the other way round, or a dash before it."""
    as_json = line.startswith("{")
    *_, last = (FIELD if as_json else CELL).finditer(line)
    digits = last[2] if as_json else last[0]
    digits += "" if re.search("[.,]", digits) else ".00"
    turned = digits.translate(str.maketrans(".,", ",.")) if how == "decimal_comma" else f"{MINUS}{digits.lstrip('-')}"
    quoted = as_json or ("," in turned and not re.search(f'[\t;]|"{digits}', line))
    return line[: last.start()] + last[1] + (f'"{turned}"' if quoted else turned) + line[last.end() :]


@pytest.mark.parametrize("sample", SAMPLES)
def test_wherever_a_row_stands_what_happened_to_it_is_found(sample):
    provider, content, terms, _ = SAMPLES[sample]
    document = read(provider, content, **terms)
    numbers = sorted(line.row for payout in document.payouts for line in payout.lines)
    places = entries(content)

    for n in numbers:
        line = content.splitlines()[places[n]]
        outermost = sample == "paypal" and n in {numbers[0], numbers[-1]}  # held against the files before and after
        assert outermost or "line_missing" in found(provider, with_line(content, places[n]), terms), n
        assert "line_doubled" in found(provider, with_line(content, places[n], line, line), terms), n
        for rule in ("decimal_comma", "unicode_minus"):
            if sample != "paypal report":  # whose amounts have no point
                broken = with_line(content, places[n], rewritten(line, rule))
                named = {(str(each.rule), each.row) for each in faults(read(provider, broken, **terms))}
                assert named == {(rule, n)}, (n, broken)
