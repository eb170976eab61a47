"""What each provider's files say, in the form its vendor documents; no database."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from finance import canonical, checking
from finance.canonical import Terms
from integrations.payments import statements
from integrations.payments.settlements import figures

PAYPAL = (
    '"Date","Time","TimeZone","Name","Type","Status","Currency","Gross","Fee","Net","Transaction ID",'
    '"Reference Txn ID","Invoice Number","Balance"'
)
PAYPAL_ROWS = (
    '"29/12/2025","07:45:51","PST","A","Express Checkout Payment","Completed","USD","1,084.00","-4.25","1,079.75","T1","","W-1","1,079.75"',
    '"30/12/2025","07:45:51","PST","A","Payment Refund","Completed","USD","-84.00","0.25","-83.75","T2","T1","W-1","996.00"',
    '"31/12/2025","01:47:56","PST","","General Withdrawal","Pending","USD","-900.00","0.00","-900.00","T3","","","96.00"',
)
AMAZON = (
    "settlement-id\tsettlement-start-date\tsettlement-end-date\tdeposit-date\ttotal-amount\tcurrency\ttransaction-type\t"
    "order-id\tmerchant-order-id\tadjustment-id\tshipment-id\tmarketplace-name\tamount-type\tamount-description\tamount\t"
    "fulfillment-id\tposted-date\tposted-date-time\torder-item-code\tsku"
)


def read(provider: str, content: str | bytes, **terms: Any):
    reader = canonical.reader(provider)
    said = content if isinstance(content, bytes) else content.encode()
    given = Terms.of(terms)
    return checking.checked(reader.read(said, given), given.stated)


def rules(document) -> list[str]:
    return [str(f.rule) for f in (*document.faults, *(f for p in document.payouts for f in p.faults))]


def paypal(*rows: str) -> str:
    return "\n".join([PAYPAL, *rows])


def amazon(*rows: tuple[str, str, str, str, str], total: str) -> str:
    head = f"11\t2026-03-01T00:00:00+00:00\t2026-03-15T00:00:00+00:00\t2026-03-17\t{total}\tEUR"
    lines = [
        f"11\t\t\t\t\tEUR\t{said}\t{order}\t\t\tS1\tamazon.de\t{kind}\t{name}\t{amount}\tAFN\t2026-03-02\t"
        "2026-03-02T14:23:00+00:00\t9\tWIDGET"
        for said, order, kind, name, amount in rows
    ]
    return "\n".join([AMAZON, head, *lines])


def test_a_paypal_account_is_proven_by_its_running_balance():
    found = read("paypal", paypal(*PAYPAL_ROWS))

    (payout,) = found.payouts
    assert (payout.amount, payout.carried, len(payout.lines)) == (900, Decimal("96.00"), 2)
    assert payout.controls["opening balance"] == 0
    assert rules(found) == []
    assert payout.lines[1].payment_ref == "T1"
    assert payout.lines[0].at.isoformat() == "2025-12-29T15:45:51+00:00"


@pytest.mark.parametrize(
    ("rows", "rule"),
    [
        ((PAYPAL_ROWS[0], PAYPAL_ROWS[2]), "line_missing"),
        ((PAYPAL_ROWS[0], *PAYPAL_ROWS), "line_doubled"),
        ((PAYPAL_ROWS[0], PAYPAL_ROWS[1].replace("-83.75", "-83.74").replace("-84.00", "-83.99"), PAYPAL_ROWS[2]), "cent_shifted"),
        ((PAYPAL_ROWS[0].replace("1,084.00", "1.084,00"), *PAYPAL_ROWS[1:]), "decimal_comma"),
        ((PAYPAL_ROWS[0], PAYPAL_ROWS[1].replace("-84.00", "\u221284.00"), PAYPAL_ROWS[2]), "unicode_minus"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_paypal_file_is_found_at_its_row(rows, rule):
    assert set(rules(read("paypal", paypal(*rows)))) == {rule}


def test_dates_that_fit_both_ways_are_asked_for_and_never_guessed():
    rows = [PAYPAL_ROWS[0].replace("29/12", "03/04")]

    assert rules(read("paypal", paypal(*rows))) == ["terms_unstated"]
    by_day, by_month = (read("paypal", paypal(*rows), dates=each) for each in ("D/M/Y", "M/D/Y"))
    assert by_day.payouts[0].lines[0].at.month == 4
    assert by_month.payouts[0].lines[0].at.month == 3
    assert rules(read("paypal", paypal(PAYPAL_ROWS[0]), dates="M/D/Y")) == ["terms_unstated"]


def test_an_amazon_settlement_adds_up_to_the_total_of_its_first_row():
    rows = (
        ("Order", "206-1", "ItemPrice", "Principal", "29,99"),
        ("Order", "206-1", "ItemPrice", "Shipping", "3,99"),
        ("Order", "206-1", "ItemFees", "Commission", "-4,50"),
        ("Refund", "206-2", "ItemPrice", "Principal", "-9,99"),
    )

    found = read("amazon", amazon(*rows, total="19,49"))
    (payout,) = found.payouts

    assert (payout.amount, rules(found)) == (Decimal("19.49"), [])
    labels = canonical.reader("amazon").labels
    assert [labels[line.label] for line in payout.lines] == ["sale", "shipping", "fee", "refund"]
    assert rules(read("amazon", amazon(*rows[1:], total="19,49"))) == ["line_missing"]
    mixed = (*rows[:3], ("Refund", "206-2", "ItemPrice", "Principal", "-9.99"))
    assert "decimal_comma" in rules(read("amazon", amazon(*mixed, total="19,49")))


def test_stripe_counts_in_the_smallest_unit_of_each_currency():
    def moved(currency: str, amount: int, **more):
        each = {"object": "balance_transaction", "id": "txn_1", "amount": amount, "fee": 10, "net": amount - 10}
        return each | {"currency": currency, "type": "charge", "created": 1789380131, "source": "ch_1"} | more

    def listed(currency: str) -> str:
        payout = moved(currency, -1989, type="payout", fee=0, net=-1989, source="po_1")
        return json.dumps({"data": [moved(currency, 1999), payout]})

    yen, euro, dinar = (read("stripe", listed(code)).payouts[0] for code in ("jpy", "eur", "kwd"))

    assert [p.amount for p in (yen, euro, dinar)] == [1989, Decimal("19.89"), Decimal("1.989")]
    assert yen.lines[0].payment_ref == "ch_1"
    assert (yen.ref, yen.faults) == ("po_1", ())


def test_square_refunds_give_their_fee_back():
    money = lambda amount: {"amount": amount, "currency_code": "USD"}  # noqa: E731
    entry = {"id": "poe_1", "payout_id": "po_1", "type": "REFUND", "effective_at": "2026-01-01T00:00:00Z"}
    entry |= {"gross_amount_money": money(-50), "fee_amount_money": money(-2), "net_amount_money": money(-48)}
    entry["type_refund_details"] = {"payment_id": "pay", "refund_id": "ref"}

    (payout,) = read("square", json.dumps({"payout_entries": [entry]})).payouts

    line = payout.lines[0]
    assert (line.gross, line.fee, line.net) == (Decimal("-0.50"), Decimal("-0.02"), Decimal("-0.48"))
    assert (line.payment_ref, line.refund_ref, payout.faults) == ("pay", "ref", ())


def test_a_file_nobody_knows_is_read_by_its_mapping_alone():
    content = "No;Typ;Betrag;Nr\nP1;payment;12,50;W-1\nP1;fee;-0,50;\n"
    columns = {"payout": "No", "label": "Typ", "net": "Betrag", "order": "Nr"}

    found = canonical.reader("generic").read(content.encode(), Terms.of({"columns": columns, "currency": "EUR"}))

    (payout,) = found.payouts
    assert [(line.net, line.order_ref) for line in payout.lines] == [(Decimal("12.50"), "W-1"), (Decimal("-0.50"), "")]
    unmapped = read("generic", content)
    assert rules(unmapped) == ["terms_unstated"]


def test_swift_statements_add_up_or_say_so():
    text = (
        ":20:S1\n:25:NL91\n:28C:1/1\n:60F:C260101EUR10,00\n:61:2601080108C149,15NTRFTX1XT//B4\n"
        ":86:TX1XT batch 7, Shop\n:62F:C260108EUR{closing}\n-"
    )

    (told,) = statements.swift(
        text.format(closing="159,15").replace(":86:TX1XT batch 7, Shop", ":86:166?00GUTSCHRIFT").encode(), Terms()
    )
    (good,), (off,) = (statements.swift(text.format(closing=each).encode(), Terms()) for each in ("159,15", "160,00"))

    assert [(entry.amount, entry.currency) for entry in good.entries] == [(Decimal("149.15"), "EUR")]
    assert "TX1XT batch 7" in good.entries[0].text
    assert told.entries[0].text == "GUTSCHRIFT"  # where a bank says nothing else, what kind of posting it is
    assert (good.faults, [str(fault.rule) for fault in off.faults]) == ((), ["line_missing"])


@pytest.mark.parametrize("provider", [reader.code for reader in canonical.readers()] or ["adyen"])
@pytest.mark.parametrize("content", [b"", b"\x00\x01", b"{", b"[]", b"a,b\n1,2\n", "\ufeff".encode(), b'"a'])
def test_what_is_no_settlement_is_refused_and_never_crashes(provider, content):
    assert read(provider, content).refused


STL = """\
"RH","2026/03/02 05:00:00 -0800","A","ACME1",011
"FH",01
"SH","2026/03/01 00:00:00 -0800","2026/03/01 23:59:59 -0800","ACME1",""
"CH","Transaction ID","Invoice ID","PayPal Reference ID","PayPal Reference ID Type","Transaction Event Code",\
"Transaction Initiation Date","Transaction Completion Date","Transaction Debit or Credit","Gross Transaction Amount",\
"Gross Transaction Currency","Fee Debit or Credit","Fee Amount","Fee Currency","Custom Field","Consumer ID"
"SB","T1","W-1","","","T0006","2026/03/01 01:00:00 -0800","2026/03/01 01:00:00 -0800","CR",10000,"USD","DR",320,"USD","",""
"SB","T2","W-1","T1","TXN","T1107","2026/03/01 02:00:00 -0800","2026/03/01 02:00:00 -0800","DR",2000,"USD","CR",60,"USD","",""
"SB","T3","","","","T0400","2026/03/01 03:00:00 -0800","2026/03/01 03:00:00 -0800","DR",7000,"USD","",,"","",""
"SF","USD",10000,9000,60,320,"CR",500,"CR",1240,"CR",0,"CR",0,3
"SC",3
"FF",10
"""


def test_paypals_settlement_report_counts_in_hundredths_and_closes_with_its_own_totals():
    found = read("paypal", STL)

    (payout,) = found.payouts
    assert (payout.ref, payout.amount, payout.carried) == ("ACME1 2026-03-01 USD", 70, Decimal("7.40"))
    assert [(line.label, line.gross, line.fee, line.net) for line in payout.lines] == [
        ("T0006", 100, Decimal("3.20"), Decimal("96.80")), ("T1107", -20, Decimal("-0.60"), Decimal("-19.40"))
    ]  # fmt: skip
    assert (payout.lines[1].payment_ref, payout.lines[1].refund_ref, payout.lines[0].order_ref) == ("T1", "T2", "W-1")
    assert (payout.controls["opening balance"], payout.controls["closing balance"]) == (5, Decimal("12.40"))
    assert rules(found) == []
    rows = STL.splitlines(keepends=True)
    for content, rule in (
        ("".join(row for row in rows if '"T2"' not in row), "line_missing"),
        ("".join(row * (1 + ('"T2"' in row)) for row in rows), "line_doubled"),
        (STL.replace('10000,"USD","DR",320', '10001,"USD","DR",320'), "cent_shifted"),
        (STL.replace('10000,"USD","DR"', '"100,00","USD","DR"'), "decimal_comma"),
        (STL.replace("2000,", "\u22122000,"), "unicode_minus"),
        (STL.replace('DR",320,"USD"', 'DR",320,"EUR"'), "currency_mixed"),
        (STL[:-60], "unreadable"),
    ):
        assert set(rules(read("paypal", content))) == {rule}


SHOPIFY = (
    "Transaction Date,Type,Order,Payout Status,Payout Date,Payout ID,Available On,Amount,Fee,Net,Checkout,Currency"
)
SHOPIFY_ROWS = tuple(
    f"2026-08-2{n} 10:00:00 +0000,charge,#{n},paid,2026-09-01,{payout},2026-09-01,10.00,0.30,9.70,#4368532979127{n},EUR"
    for n, payout in ((1, 148156579001), (2, 148156579001), (3, 148156579002))
)
WHOLE = "\n".join([SHOPIFY, *SHOPIFY_ROWS]) + "\n"
STRIPE = (
    "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,automatic_payout_id\n"
    "txn_1,2026-09-14 10:02:11,eur,6.00,0.50,5.50,charge,ch_1,po_1\n"
    "txn_2,2026-09-14 10:02:11,eur,-2,0,-2,refund,re_1,po_1\n"
)


@pytest.mark.parametrize(
    ("provider", "content", "rule", "row"),
    [
        ("shopify", WHOLE + SHOPIFY + "\n", "unreadable", 5),  # two files put together
        ("shopify", WHOLE[: WHOLE.index("#43685329791273")], "unreadable", 4),  # cut off
        ("shopify", WHOLE.replace("Checkout", "Net").replace("43685329791272", "9"), "unreadable", 2),  # a column twice
        ("shopify", WHOLE.replace("#43685329791273,EUR", "#43685329791273,USD"), "currency_mixed", 4),
        ("stripe", STRIPE.replace("ch_1", "1.23457E+15"), "ids_rounded", 2),
        ("stripe", STRIPE.replace("po_1", "1.23457E+15"), "ids_rounded", 2),
        ("stripe", STRIPE.replace("eur,-2", ",-2").replace(",eur,", ",abc,"), "currency_mixed", 0),
        ("paypal", paypal(*(row.replace('"T1"', '"1.23457E+15"') for row in PAYPAL_ROWS)), "ids_rounded", 2),
        ("braintree", "Transaction ID,Settlement Amount,Settlement Currency\nt1,,EUR\n", "unreadable", 2),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_named_by_its_rule_and_row(provider, content, rule, row):
    found = read(provider, content)

    every = [*found.faults, *(fault for payout in found.payouts for fault in payout.faults)]
    assert {str(fault.rule) for fault in every} == {rule}
    assert min(fault.row for fault in every) == row
    assert found.refused or any(payout.faults for payout in found.payouts)
    assert rules(read("shopify", WHOLE)) == rules(read("stripe", STRIPE)) == []


def camt(entries: str, closing: str = "250.00") -> bytes:
    def balance(code: str, amount: str) -> str:
        return (
            f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{amount}</Amt>"
            "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-01-08</Dt></Dt></Bal>"
        )

    head = "<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'><BkToCstmrStmt><Stmt><Id>S</Id><Acct><Ccy>EUR</Ccy></Acct>"
    return f"{head}{balance('OPBD', '100.00')}{balance('CLBD', closing)}{entries}</Stmt></BkToCstmrStmt></Document>".encode()


ENTRY = "<Ntry><Amt Ccy='EUR'>150.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-01-08</Dt></BookgDt></Ntry>"
SWIFT = ":20:S\n:25:1\n:28C:1\n:60F:C260107EUR100,00\n:61:2601080108C150,00NTRFNONREF//B1\n:86:x\n:62F:C260108EUR250,00\n-\n"


@pytest.mark.parametrize(
    ("form", "content", "rule"),
    [
        ("camt", camt(ENTRY), ""),
        ("camt", camt(ENTRY + ENTRY), "line_doubled"),
        ("camt", camt(""), "line_missing"),
        ("camt", camt(ENTRY.replace("150.00", "150.01")), "cent_shifted"),
        ("camt", camt(ENTRY.replace("150.00", "150,00")), "decimal_comma"),
        ("camt", camt(ENTRY.replace("150.00", "\u2212150.00")), "unicode_minus"),
        ("camt", camt(ENTRY.replace("150.00", "NaN")), "unreadable"),
        ("camt", camt(ENTRY.replace("CRDT", "")), "unreadable"),
        ("camt", camt(ENTRY.replace("'EUR'", "'USD'")), "currency_mixed"),
        ("camt", camt(ENTRY)[:-90], "unreadable"),
        ("swift", SWIFT, ""),
        ("swift", SWIFT.replace("C150,00N", "RD150,00N"), ""),
        ("swift", SWIFT.replace("C150,00N", "RC50,00N").replace("EUR250", "EUR50"), ""),
        ("swift", SWIFT.replace("150,00", "150.00"), "decimal_comma"),
        ("swift", SWIFT[:90], "unreadable"),
        ("columns", "Date,Amount\n2026-01-08,\n", "unreadable"),
        ("columns", "Date,Amount\n", "unreadable"),
        ("columns", "Date,Amount\n2026-01-08,\u22121.00\n", "unicode_minus"),
    ],
)
def test_a_bank_statement_is_whole_or_says_what_is_wrong_with_it(form, content, rule):
    terms = Terms.of({"columns": {"date": "Date", "amount": "Amount"}, "currency": "EUR"})
    said = content if isinstance(content, bytes) else content.encode()
    try:
        found = [fault for each in getattr(statements, form)(said, terms) for fault in each.faults]
    except statements.Refused as refused:
        found = [refused.fault]

    assert [str(fault.rule) for fault in found] == [rule] * bool(rule)


def test_a_time_that_is_beyond_all_days_elsewhere_is_refused():
    with pytest.raises(figures.Refused, match="is no time"):
        figures.a_moment("9999-12-31T23:59:59-14:00")
