"""Forms that vendors and banks document, each with what it comes to; and what is wrong with one, by its rule."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from finance import canonical, checking
from finance.canonical import Terms
from finance.services import banking
from integrations.payments import statements

D = Decimal


def read(provider: str, content: str, **terms: str):
    return checking.checked(canonical.reader(provider).read(content.encode(), Terms.of(terms)))


def rules(found) -> list[str]:
    return sorted(str(f.rule) for f in (*found.faults, *(f for p in found.payouts for f in p.faults)))


def unknown(provider: str, found) -> set[str]:
    known = canonical.reader(provider).labels
    return {line.label for payout in found.payouts for line in payout.lines} - set(known)


def sums(found) -> list[tuple]:
    return [(p.ref, p.currency, p.state, p.amount, checking.total(p.lines)) for p in found.payouts]


# --- Adyen ---------------------------------------------------------------------------------------------------------

ADYEN = (
    "Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,Creation Date,TimeZone,Type,"
    "Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Exchange Rate,Net Currency,"
    "Net Debit (NC),Net Credit (NC),Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),Batch Number,"
    "Payment Fees (NC)\n"
)


def adyen(*rows: str, zone: str = "CET") -> str:
    return ADYEN + "".join(f"Co,Shop,{row}\n".replace("@", f"2026-03-0{n},{zone}") for n, row in enumerate(rows, 1))


SETTLED = "8825408195409501,W-1,visa,@,Settled,M1,EUR,,50.00,1,EUR,,49.00,0.40,0.10,0.20,0.30,7,"
POUNDS = "8825408195409502,W-2,visa,@,Settled,M2,GBP,,20.00,1,GBP,,19.50,0.50,,,,7,"
DEPOSIT = ",,,@,DepositCorrection,Deposit,EUR,,,,EUR,9.00,,,,,,7,"
COST = "8825408195409501,W-1,klarna,@,PaymentCost,M3,EUR,,,,EUR,1.00,,,,,,7,0.00"
OUT_EUR = ",,,@,MerchantPayout,TX1XT,,,,,EUR,39.00,,,,,,7,"
OUT_GBP = ",,,@,MerchantPayout,TX2XT,,,,,GBP,19.50,,,,,,7,"


def test_an_adyen_batch_pays_out_each_of_its_currencies():
    found = read("adyen", adyen(SETTLED, POUNDS, DEPOSIT, COST, OUT_EUR, OUT_GBP))

    assert rules(found) == []
    assert sums(found) == [("7", "EUR", "paid", D("39.00"), D("39.00")), ("7", "GBP", "paid", D("19.50"), D("19.50"))]
    assert [line.presentment_amount for line in found.payouts[0].lines] == [D("50.00"), None, None]


@pytest.mark.parametrize(
    ("content", "rule", "rows"),
    [
        (adyen(SETTLED, POUNDS, DEPOSIT, COST, OUT_EUR), "currency_mixed", {3}),  # nothing was paid out in pounds
        # A line of one currency said to be of the other: both are off by it.
        (adyen(SETTLED, POUNDS.replace("1,GBP", "1,EUR"), DEPOSIT, COST, OUT_EUR, OUT_GBP), "currency_mixed", {3}),
        (adyen(SETTLED, OUT_EUR.replace("39.00", "49.00"), zone="QQT"), "unreadable", {2}),
    ],
)
def test_a_line_of_the_wrong_currency_or_of_no_time_is_named_by_its_row(content, rule, rows):
    found = read("adyen", content)

    assert found.refused
    assert {(str(fault.rule), fault.row) for fault in found.faults} == {(rule, row) for row in rows}


def test_a_payout_without_a_line_of_it_lacks_one():
    assert rules(read("adyen", adyen(SETTLED, OUT_EUR.replace("39", "49"), OUT_GBP))) == ["line_missing"]


def test_adyen_pays_third_parties_from_a_batch_that_is_ours():
    paid_out = "8825408195409503,W-3,bank,@,PaidOut,M4,EUR,10.00,,1,EUR,10.50,,0.50,,,,7,"
    fees = "8825408195409504,W-4,visa,@,Settled,M5,EUR,,10.00,1,EUR,,9.80,,,,,7,0.20"

    found = read("adyen", adyen(SETTLED, paid_out, fees, OUT_EUR.replace("39.00", "48.30"), zone="NZDT"))

    assert (rules(found), unknown("adyen", found)) == ([], set())
    assert [(line.gross, line.fee) for line in found.payouts[0].lines] == [
        (D("50.00"), D("1.00")), (D("-10.00"), D("0.50")), (D("10.00"), D("0.20"))
    ]  # fmt: skip
    assert found.payouts[0].lines[0].at.isoformat() == "2026-02-28T11:00:00+00:00"


# --- Stripe, WooPayments, Braintree, Shopify -----------------------------------------------------------------------


def test_stripe_counts_kronur_in_hundredths_and_tells_payouts_whose_lines_it_doesnt_name():
    def moved(n: int, amount: int, **more):
        each = {"object": "balance_transaction", "id": f"t{n}", "amount": amount, "fee": 0, "net": amount}
        return each | {"currency": "isk", "type": "charge", "created": 1789380131, "source": f"ch_{n}"} | more

    out = [moved(n, -100_00 * n, type="payout", source=f"po_{n}") for n in (1, 2)]
    every = [moved(3, 100_00), moved(4, 200_00), *out, moved(5, 7_00, currency="eur")]

    found = read("stripe", json.dumps({"data": every}))

    assert rules(found) == []
    assert sums(found) == [
        ("po_1", "ISK", "paid", 100, 0), ("po_2", "ISK", "paid", 200, 0), ("pending", "ISK", "pending", None, 300),
        ("pending", "EUR", "pending", None, 7),
    ]  # fmt: skip
    woo = {"transaction_id": "t", "type": "charge", "amount": 150000, "fees": 3000, "net": 147000, "currency": "isk"}
    (payout,) = read("woocommerce", json.dumps([woo])).payouts
    assert (payout.lines[0].net, payout.faults) == (1470, ())


PENDING = "id,created_utc,currency,gross,fee,net,reporting_category,source_id\n" + "".join(
    f"t{n},2026-09-14 10:02:11,{code},{n}.00,0,{n}.00,charge,ch_{n}\n"
    for n, code in enumerate(("eur", "eur", "usd", "usd"))
)


def test_what_no_payout_holds_waits_by_its_currency_and_one_odd_row_is_wrong():
    assert [each[1] for each in sums(read("stripe", PENDING))] == ["EUR", "USD"]
    assert rules(read("stripe", PENDING.replace("t3,2026-09-14 10:02:11,usd", "t3,2026-09-14 10:02:11,eur"))) == [
        "currency_mixed"
    ]


def test_woopayments_pays_out_in_the_payouts_currency():
    rows = "".join(
        f"2026-02-15,Charge,{'GBP' if n else 'USD'},9,{code},10,1,9,t{n},\n"
        for n, code in enumerate(("EUR", "EUR", "CHF", "CHF"))
    )
    found = read(
        "woocommerce",
        "Date,Type,Paid currency,Amount paid,Payout currency,Amount,Fees,Net,Transaction ID,Payout ID\n" + rows,
    )

    assert sums(found) == [("pending", code, "pending", None, 18) for code in ("EUR", "CHF")]
    assert found.payouts[0].lines[1].presentment_currency == "GBP"


def test_a_total_somebody_states_is_held_against_the_one_payout_there_is():
    woo = "Date,Type,Amount,Fees,Net,Currency,Transaction ID,Deposit ID\n2026-02-14,charge,20,1,19,USD,t1,po_1\n"
    waits = "2026-02-15,charge,10,1,9,USD,t2,\n"
    for content in (woo, woo + waits):
        for stated, rule in (("19", []), ("28", ["line_missing"])):
            found = canonical.reader("woocommerce").read(content.encode(), Terms())
            assert rules(checking.checked(found, D(stated))) == rule
    found = canonical.reader("adyen").read(adyen(SETTLED, OUT_EUR.replace("39", "49")).encode(), Terms())
    assert rules(checking.checked(found, D("48"))) == ["totals_disagree"]


BRAINTREE = (
    "Merchant Account ID,Transaction ID,Original Transaction ID,Transaction Type,Settlement Currency,Settlement Amount,"
    "Disbursement Date,Est. Interchange Rate,Est. Interchange Fixed,Est. Interchange Total Amount,Discount,"
    "Discount Credit,Per Transaction Fee,Braintree Total Amount,{total}\n"
    "shop,t1,,sale,USD,100.00,2026-03-15,0.0005,22.0,0.27,0.0185,0,0.13,1.98,2.25\n"
    "shop,t2,t1,credit,USD,-40.00,2026-03-15,0.0005,0,0,0,0.0185,0,{back},{back}\n"
)


@pytest.mark.parametrize("total", ["Total Fee Amount", "Est. Total Fee Amount"])
@pytest.mark.parametrize("back", ["0.74", "-0.74"])
def test_braintrees_fees_are_its_totals_and_come_back_with_a_refund(total, back):
    found = read("braintree", BRAINTREE.format(total=total, back=back))

    assert rules(found) == []
    assert [(line.fee, line.net) for line in found.payouts[0].lines] == [
        (D("2.25"), D("97.75")),
        (D("-0.74"), D("-39.26")),
    ]


@pytest.mark.parametrize(
    "held", [lambda node: {"nodes": [node]}, lambda node: {"edges": [{"cursor": "c", "node": node}]}]
)
def test_shopifys_graphql_answer_is_read_as_it_comes(held):
    def money(amount: str):
        return {"amount": amount, "currencyCode": "EUR"}

    node = {
        "id": "gid://shopify/ShopifyPaymentsBalanceTransaction/1", "type": "CHARGE", "amount": money("20.0"),
        "fee": money("0.5"), "net": money("19.5"), "transactionDate": "2026-02-14T10:00:00Z",
        "associatedPayout": {"id": "gid://shopify/ShopifyPaymentsPayout/77", "status": "PAID"},
    }  # fmt: skip
    said = {"data": {"shopifyPaymentsAccount": {"balanceTransactions": held(node)}}}

    assert sums(read("shopify", json.dumps(said))) == [("77", "EUR", "paid", None, D("19.5"))]


# --- PayPal --------------------------------------------------------------------------------------------------------

GERMAN = (
    '"Datum","Uhrzeit","Zeitzone","Typ","Währung","Brutto","Gebühr","Netto","Guthaben","Transaktionscode","Transaktionsereigniscode"\n'
    '"01.02.2026","10:12:00","CET","PayPal Express-Zahlung","EUR","1.234,50","-31,20","1.203,30","1.203,30","A1","T0006"\n'
    '"02.02.2026","10:12:00","CET","Ein neues Wort","EUR","-34,50","0,87","-33,63","1.169,67","A2","T1107"\n'
    '"03.02.2026","10:12:00","CET","Allgemeine Abbuchung","EUR","-1.000,00","0,00","-1.000,00","169,67","A3","T0400"\n'
)


def test_paypal_in_german_needs_no_word_about_its_dates_numbers_or_types():
    found = read("paypal", GERMAN)

    assert (rules(found), unknown("paypal", found)) == ([], set())
    (payout,) = found.payouts
    assert (payout.amount, payout.carried, f"{payout.paid_on}") == (D("1000.00"), D("169.67"), "2026-02-03")
    assert [line.label for line in payout.lines] == ["PayPal Express-Zahlung", "T1107"]


@pytest.mark.parametrize(
    "header",
    [
        "Date,Heure,Fuseau horaire,Type,Devise,Avant commission,Commission,Net,Solde,Numéro de transaction,Numéro de facture",
        "Fecha,Hora,Zona horaria,Descripción,Divisa,Bruto ,Comisión ,Neto,Saldo,Id. de transacción,Id. de factura",
        "Data,Orario,Fuso orario,Descrizione,Valuta,Lordo ,Tariffa ,Netto,Saldo,Codice transazione,N. fattura pro-forma",
        "Datum,Tijd,Tijdzone,Omschrijving,Valuta,Bruto,Kosten,Net,Saldo,Transactiereferentie,Factuurreferentie",
    ],
)
def test_paypals_headings_are_known_in_every_language_an_account_may_be_set_to(header):
    rows = (
        '14/2/2026,10:12:00,CET,Express Checkout Payment,EUR,"100,00","-3,00","97,00","97,00",A1,W-1\n'
        '15/2/2026,10:12:00,CET,General Withdrawal,EUR,"-90,00","0,00","-90,00","7,00",A2,\n'
    )
    found = read("paypal", f"{header}\n{rows}")

    assert rules(found) == []
    (payout,) = found.payouts
    (line,) = payout.lines
    assert (payout.amount, payout.carried, line.fee, line.ref, line.order_ref) == (90, 7, 3, "A1", "W-1")
    assert line.at.isoformat() == "2026-02-14T09:12:00+00:00"


def search(*told: tuple[str, str, str, str, str], total: int = 0) -> str:
    rows = [
        {"transaction_info": {
            "transaction_id": name, "transaction_event_code": code, "transaction_status": status,
            "transaction_initiation_date": f"2026-03-0{n}T04:03:52+0000",
            "transaction_amount": {"currency_code": "USD", "value": amount},
            **({"ending_balance": {"currency_code": "USD", "value": balance}} if balance else {}),
        }}
        for n, (name, code, status, amount, balance) in enumerate(told, 1)
    ]  # fmt: skip
    return json.dumps({"transaction_details": rows, "total_items": total or len(rows)})


TOLD = (("A", "T0006", "S", "50.00", "50.00"), ("B", "T0006", "D", "9.00", ""), ("C", "T0403", "S", "-30.00", "20.00"))


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (search(*TOLD), ""),
        (search(*TOLD[:2], total=3), "line_missing"),
        (search(TOLD[0], *TOLD, total=3), "line_doubled"),
        (search(TOLD[0], ("B", "T0006", "S", "5.01", "55.00")), "cent_shifted"),
        (search(("A", "T0006", "S", "50,00", "")), "decimal_comma"),
        (search(("A", "T0006", "S", "\u221250.00", "")), "unicode_minus"),
        ("{}", "unreadable"),
    ],
)
def test_an_answer_of_paypals_transaction_search_is_whole_or_says_what_is_wrong(content, rule):
    found = read("paypal", content)

    assert set(rules(found)) == {rule} - {""}
    if not rule:
        assert [(p.amount, p.carried, len(p.lines)) for p in found.payouts] == [(D("30.00"), D("20.00"), 1)]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        # The last row, of another currency: it goes on where this one's balance stood.
        (GERMAN.replace('"EUR","-1.000,00"', '"CHF","-1.000,00"'), "currency_mixed"),
        (GERMAN.replace('"EUR","1.234,50"', '"CHF","1.234,50"'), "currency_mixed"),
        # Without balances a row that stands there twice is found by its id.
        (GERMAN.replace("Guthaben", "x") + GERMAN.splitlines()[1] + "\n", "line_doubled"),
    ],
)  # fmt: skip
def test_paypals_outermost_rows_are_held_to_what_is_there(content, rule):
    assert set(rules(read("paypal", content))) == {rule}


# --- Amazon --------------------------------------------------------------------------------------------------------

AMAZON = (
    "settlement-id\tsettlement-start-date\tsettlement-end-date\tdeposit-date\ttotal-amount\tcurrency\ttransaction-type\t"
    "amount-type\tamount-description\tamount\tposted-date\tposted-date-time\n"
    "7\t2026-06-01 05:00:00 UTC\t2026-06-11 05:00:00 UTC\t2026-06-12\t8.00\tUSD\t\t\t\t\t\t\n"
    "7\t\t\t\t\t\tOrder\tItemPrice\tPrincipal\t14.00\t09/06/26\t2026-06-09 05:23:19 UTC\n"
    "7\t\t\t\t\t\tCouponRedemptionFee\tCouponRedemptionFee\tSummer 10% off\t-0.60\t09/06/26\t2026-06-09 05:23:19 UTC\n"
    "7\t\t\t\t\t\tVine Enrollment Fee\tVine Enrollment Fee\tB00ABCDEFG\t-5.40\t09/06/26\t2026-06-09 05:23:19 UTC\n"
)


def test_paypals_rows_without_a_balance_among_those_with_one_moved_nothing():
    header = '"Date","Time","TimeZone","Name","Type","Status","Currency","Gross","Fee","Net","Transaction ID","Balance"'
    rows = [
        f'"10/{day}/2026","09:00:00","CEST","","{kind}","{status}","EUR","{gross}","{fee}","{net}","{name}","{balance}"'
        for day, kind, status, gross, fee, net, name, balance in (
            ("01", "Express Checkout Payment", "Completed", "1,250.00", "-43.40", "1,206.60", "1AB", "1,206.60"),
            ("13", "Account Hold for Open Authorization", "Completed", "-10.00", "0.00", "-10.00", "2CD", ""),
            ("14", "General Withdrawal", "Completed", "-1,000.00", "0.00", "-1,000.00", "3EF", "206.60"),
            ("15", "Express Checkout Payment", "Pending", "5.00", "-0.40", "4.60", "4GH", ""),
        )
    ]

    (payout,) = read("paypal", "\n".join([header, *rows])).payouts

    assert (payout.amount, payout.carried, [line.ref for line in payout.lines]) == (1000, Decimal("206.60"), ["1AB"])
    assert (payout.faults, payout.proven, payout.opening, payout.closing) == ((), True, 0, Decimal("206.60"))


def test_amazons_coupons_need_no_word_each_and_a_moment_makes_its_day_needless():
    found = read("amazon", AMAZON)

    assert (rules(found), unknown("amazon", found)) == ([], set())
    assert sums(found) == [("7", "USD", "paid", D("8.00"), D("8.00"))]
    assert found.payouts[0].lines[0].at.month == 6
    renamed = read("amazon", AMAZON.replace("ItemPrice\tPrincipal", "ItemPrice\tPrinciple"))
    assert unknown("amazon", renamed) == {"Order/ItemPrice/Principle"}
    assert "flat file" in read("amazon", "<AmazonEnvelope/>").faults[0].message


# --- Bank statements -----------------------------------------------------------------------------------------------


def camt(inner: str, account: str = "<Ccy>EUR</Ccy>", opening: str = "100.00", closing: str = "150.00") -> str:
    def balance(code: str, amount: str) -> str:
        return (
            f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{amount}</Amt>"
            "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-01-08</Dt></Dt></Bal>"
        )

    both = balance("OPBD", opening) + balance("CLBD", closing)
    return f"<Document><BkToCstmrStmt><Stmt><Id>S</Id><Acct>{account}</Acct>{both}{inner}</Stmt></BkToCstmrStmt></Document>"


def entry(amount: str = "50.00", details: str = "") -> str:
    return (
        f"<Ntry><Amt Ccy='EUR'>{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><Dt>2026-01-08</Dt></BookgDt>{details}</Ntry>"
    )


def summary(count: int, total: str) -> str:
    return f"<TxsSummry><TtlNtries><NbOfNtries>{count}</NbOfNtries><Sum>{total}</Sum></TtlNtries></TxsSummry>"


PART = "<TxDtls><Refs><EndToEndId>po_{}</EndToEndId></Refs></TxDtls>"
CSV = "Date,Way,Amount,Balance,Ref,Ccy\n20260108,Bij,5.00,105.00,R1,EUR\n20260109,Af,2.00,103.00,R2,EUR\n20260110,Bij,1.00,104.00,R3,EUR\n"
COLUMNS = {"date": "Date", "side": "Way", "amount": "Amount", "balance": "Balance", "ref": "Ref", "currency": "Ccy"}


@pytest.mark.parametrize(
    ("form", "content", "rule"),
    [
        ("camt", camt(entry(), account=""), ""),
        ("camt", camt(entry("+50."), opening=".00", closing="50"), ""),
        ("camt", camt(summary(1, "50.00") + entry()), ""),
        ("camt", camt(summary(2, "50.00") + entry()), "line_missing"),
        ("camt", camt(summary(1, "50.01") + entry()), "cent_shifted"),
        ("camt", camt(entry()).replace("'EUR'>150", "'SEK'>150"), "currency_mixed"),
        ("swift", ":20:S\n:25:1\n:28C:1\n:60F:C260107EUR1,00\n:62F:C260108USD1,00\n-\n", "currency_mixed"),
        ("columns", CSV, ""),
        ("columns", "\n".join([CSV.splitlines()[0], *CSV.splitlines()[:0:-1]]) + "\n", ""),  # the newest first
        ("columns", CSV.replace("20260109,Af,2.00,103.00,R2,EUR\n", ""), "line_missing"),
        ("columns", CSV.replace("20260109,Af,2.00,103.00,R2,EUR\n", "20260109,Af,2.00,103.00,R2,EUR\n" * 2), "line_doubled"),
        ("columns", CSV.replace("Af,2.00", "Af,2.01"), "cent_shifted"),
        ("columns", CSV.replace("Af,", "Ab,"), "unreadable"),
        ("columns", CSV.replace("R2,EUR", "R2,USD"), "currency_mixed"),
        ("columns", CSV.replace("R2", "1.48E+11"), "ids_rounded"),
    ],
)  # fmt: skip
def test_a_statement_is_held_to_every_figure_it_states(form, content, rule):
    try:
        said = getattr(statements, form)(content.encode(), Terms.of({"columns": COLUMNS}))
        found = [fault for each in said for fault in each.faults]
    except statements.Refused as refused:
        found = [refused.fault]

    assert [str(fault.rule) for fault in found] == [rule] * bool(rule)


def test_an_amount_goes_the_way_that_stands_beside_it():
    (statement,) = statements.columns(CSV.encode(), Terms.of({"columns": COLUMNS}))

    assert [entry.amount for entry in statement.entries] == [5, -2, 1]


def test_every_reference_of_an_entry_is_kept_and_utf_16_is_xml_like_any():
    said = camt(entry(details=f"<NtryDtls>{PART.format(1)}{PART.format(2)}</NtryDtls>"))

    for content in (said.encode(), f"<?xml version='1.0' encoding='UTF-16'?>{said}".encode("utf-16")):
        (statement,) = banking.read(content)
        assert statement.entries[0].refs == ("po_1", "po_2")
    with pytest.raises(statements.Refused):
        statements.camt("<!DOCTYPE x><Document/>".encode("utf-16"), Terms())
