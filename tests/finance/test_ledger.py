"""The ledger's arithmetic: every slot, both currencies, always the order's total and always what the refunds say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finance import ledger
from finance.documents import LineFigures, OrderFigures
from finance.ledger import Facts, Named, Paid, Refunded, RefundedLine

D = Decimal
THEN = datetime(2026, 11, 1, tzinfo=UTC)


def line(ref="1", ordered=1, price="10", discount="0", tax="0"):
    return LineFigures(ref, f"SKU-{ref}", f"Thing {ref}", ordered, 0, D(price), D(discount), D(tax))


def figures(*lines, included=False, discount="0", shipping="0", tax="0", other="0", total=None, currency="EUR"):
    return OrderFigures(
        currency, included, D(discount), D(shipping), D(tax), D(other), None if total is None else D(total), lines
    )


def facts(of, **more):
    return Facts(of, more.pop("kept", {}), THEN, **more)


def slots(found):
    return {due.slot: due.amount for due in found}


def worth(found):
    return sum((due.amount for due in found), D(0))


def test_an_order_is_its_sales_taxes_shipping_and_discounts():
    of = figures(
        line("1", 3, "9.99", "0.34", "2.55"), included=True, discount="1.01", shipping="5", tax="3.33", total="33.96"
    )
    named = [Named(D("0.34"), "1", "SAVE"), Named(D("0.67"), "", "", "Autumn", ledger.MARKETPLACE)]

    found = ledger.reckon(facts(of, discounts=named, marketplace_tax={"1": D("1.00")}))

    assert slots(found) == {
        "sale:1": D("27.42"), "tax:1": D("1.55"), "tax:1:m": D("1.00"), "shipping": D("4.22"), "tax:": D("0.78"),
        "discount:1:SAVE": D("-0.34"), "discount:shipping:Autumn": D("-0.67"),
    }  # fmt: skip
    assert worth(found) == D("33.96")
    assert {due.collected_by for due in found if due.kind == "tax"} == {"merchant", "marketplace"}
    assert {due.label: due.funded_by for due in found if due.kind == "discount"} == {
        "SAVE": "merchant", "Autumn": "marketplace",
    }  # fmt: skip


def test_a_discount_on_the_order_is_shared_out_to_its_lines_to_the_coin():
    of = figures(line("1", 1, "10"), line("2", 1, "10"), line("3", 1, "10"), discount="10", total="20")

    found = ledger.reckon(facts(of, discounts=[Named(D("10"), "", "TEN")]))

    assert [due.amount for due in found if due.kind == "discount"] == [D("-3.34"), D("-3.33"), D("-3.33")]
    assert {due.line for due in found if due.kind == "discount"} == {"1", "2", "3"}
    assert worth(found) == D("20")


def test_what_the_channel_cannot_explain_is_a_row_of_its_own():
    found = ledger.reckon(facts(figures(line("1", 1, "10"), total="10.01")))

    assert slots(found)["rounding"] == D("0.01")
    assert worth(found) == D("10.01")


def test_the_buyers_currency_has_its_own_coins_and_its_own_total():
    of = figures(line("1", 3, "9.99", "0.34", "2.55"), included=True, discount="0.34", tax="2.55", total="29.63")
    seen = {"currency": "JPY", "total": "4741", "lines": {"1": {"unit_price": "1598"}}}

    found = ledger.reckon(
        facts(of, kept={"1": 1}, marketplace_tax={"1": D("1.00")}, presentment=ledger.converted(of, seen))
    )

    assert all(due.presentment == due.presentment.to_integral_value() for due in found)
    assert sum(due.presentment for due in found if not due.credit) == D("4741")
    assert worth([due for due in found if not due.credit]) == D("29.63")


def test_refunds_name_their_lines_and_what_goes_beyond_them_is_goodwill():
    of = figures(line("1", 2, "10", tax="4"), shipping="5", tax="4", total="29")
    refund = Refunded("R1", THEN, D("15"), D("2"), (RefundedLine("1", 1, "return", D("10"), D("2")),))
    paid = [Paid("c", "captured", D("29"), THEN), Paid("r", "refunded", D("15"), THEN)]

    found = ledger.reckon(facts(of, refunds=[refund], payments=paid))

    assert {s: a for s, a in slots(found).items() if s.startswith("refund")} == {
        "refund:R1:1": D("-12"), "refund:R1:shipping": D("-2"), "refund:R1:rest": D("-1"),
    }  # fmt: skip
    assert worth(found) == ledger.cash(paid).paid == D("14")


def test_giving_an_overpayment_back_is_no_goodwill():
    of = figures(line("1", 1, "10"), total="10")
    paid = [Paid("c", "captured", D("12"), THEN), Paid("r", "refunded", D("2"), THEN)]

    found = ledger.reckon(facts(of, refunds=[Refunded("R1", THEN, D("2"))], payments=paid))

    assert worth(found) == ledger.cash(paid).paid == D("10")


def test_units_cancelled_and_refunded_are_taken_off_once():
    of = figures(line("1", 2, "10"), total="20")
    refund = Refunded("R1", THEN, D("10"), None, (RefundedLine("1", 1, "cancel", D("10"), D("0")),))

    cut = ledger.reckon(facts(of, kept={"1": 1}))
    told = ledger.reckon(facts(of, kept={"1": 1}, refunds=[refund]))

    assert worth(cut) == worth(told) == D("10")
    assert "uncut:R1:1" in slots(told)
    assert "cut:1" not in slots(told)


def test_an_order_cancelled_whole_is_worth_nothing():
    of = figures(line("1", 2, "10", "3", "2.89"), discount="5", shipping="4", tax="3.11", other="1", total="23.11")

    assert worth(ledger.reckon(facts(of, kept={"1": 0}))) == 0


def test_a_bank_that_takes_money_back_takes_it_off_both_sides():
    of = figures(line("1", 1, "10"), total="10")
    paid = [Paid("c", "captured", D("10"), THEN), Paid("d", "chargeback", D("10"), THEN)]

    lost = ledger.reckon(facts(of, payments=paid))
    won = ledger.reckon(facts(of, payments=[*paid, Paid("d", "reinstated", D("10"), THEN)]))

    assert (worth(lost), worth(won)) == (D("0"), D("10"))
    assert ledger.cash(paid).paid == 0


money = st.decimals(min_value=0, max_value=5000, places=2)


@given(
    st.lists(st.tuples(st.integers(1, 9), money, st.integers(0, 100), money, st.integers(0, 9)), min_size=1, max_size=5),
    money, money, st.booleans(), st.sampled_from(["EUR", "JPY", "KWD"]), st.integers(0, 100),
)  # fmt: skip
def test_the_slots_always_add_up_in_both_currencies(rows, shipping, extra, included, seen, beyond):
    lines = [
        line(str(n), units, price, (price * units * off / 100).quantize(D("0.01")), tax)
        for n, (units, price, off, tax, _) in enumerate(rows)
    ]
    kept = {str(n): min(units, keep) for n, (units, _, _, _, keep) in enumerate(rows)}
    discount = sum((each.discount for each in lines), D(0)) + D(beyond) / 100
    tax = sum((each.tax for each in lines), D(0)) + D("0.07")
    of = figures(*lines, included=included, discount=discount, shipping=shipping, tax=tax, total=shipping + extra + tax)
    stated = {"currency": seen, "total": str(ledger.rounded((of.total or D(0)) * D("1.37"), seen))}

    found = ledger.reckon(facts(of, kept=kept, presentment=ledger.converted(of, stated)))
    ordered = [due for due in found if not due.credit]

    assert worth(ordered) == of.total
    assert sum((due.presentment for due in ordered), D(0)) == D(stated["total"]) or seen == "EUR"
    if not any(kept.values()):
        assert worth(found) == 0
        assert sum((due.presentment for due in found), D(0)) == 0


@pytest.mark.parametrize("amount, weights", [("10", {"a": 1, "b": 1, "c": 1}), ("0.01", {"a": 5, "b": 5}), ("1", {})])
def test_shares_add_up(amount, weights):
    made = ledger.shares(D(amount), {name: D(weight) for name, weight in weights.items()}, D("0.01"))

    assert sum(made.values(), D(0)) == (D(amount) if weights else 0)
    assert all(share == share.quantize(D("0.01")) for share in made.values())


def test_refunds_in_any_order_come_to_the_same():
    of = figures(line("1", 3, "10"), total="30")
    refunds = [
        Refunded(f"R{n}", THEN + timedelta(days=n), D("11"), None, (RefundedLine("1", 1, "return"),)) for n in range(3)
    ]

    assert slots(ledger.reckon(facts(of, refunds=refunds))) == slots(ledger.reckon(facts(of, refunds=refunds[::-1])))
