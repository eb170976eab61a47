"""What a shipped order is worth: pure arithmetic, to the cent."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finance import documents
from finance.documents import LineFigures, OrderFigures

D = Decimal


def line(ref="1", *, ordered=1, fulfilled=None, price="10", discount="0", tax="0", **more):
    return LineFigures(
        ref=ref,
        sku=more.pop("sku", f"SKU-{ref}"),
        title=f"Thing {ref}",
        ordered=ordered,
        fulfilled=ordered if fulfilled is None else fulfilled,
        unit_price=D(price),
        discount=D(discount),
        tax=D(tax),
        **more,
    )


def order(*lines, tax_included=False, discount="0", shipping="0", tax="0", other="0", total=None, currency="USD"):
    return OrderFigures(
        currency,
        tax_included,
        D(discount),
        D(shipping),
        D(tax),
        D(other),
        D(total) if total is not None else None,
        lines,
    )


def balance(amounts):
    made = documents.entries(amounts)
    return sum(e.debit for e in made) - sum(e.credit for e in made)


def by_account(amounts):
    return {e.account: e.debit - e.credit for e in documents.entries(amounts)}


def test_prices_without_tax_add_up_to_the_channels_total():
    figures = order(
        line("1", ordered=2, price="19.90", discount="3.98", tax="7.16"),
        line("2", price="5.05", tax="1.01"),
        discount="3.98",
        shipping="4.90",
        tax="9.15",
        total="54.90",
    )
    # Hand-reckoned: 39.80 + 5.05 - 3.98 + 4.90 + 9.15 = 54.92; the channel says 54.90.
    amounts = documents.delivered(figures)

    assert amounts.total == D("54.90")
    assert amounts.adjustment == D("-0.02")
    assert amounts.shipping_tax == D("0.98")
    assert balance(amounts) == 0
    assert by_account(amounts) == {
        "receivable": D("54.90"),
        "sales": D("-44.85"),
        "shipping": D("-4.90"),
        "discounts": D("3.98"),
        "tax_collected": D("-9.15"),
        "adjustments": D("0.02"),
    }


def test_tax_inside_prices_is_taken_out_of_sales_and_not_added_again():
    figures = order(line("1", price="120", tax="20"), tax_included=True, shipping="12", tax="22", total="132")

    amounts = documents.delivered(figures)

    assert amounts.total == D(132)
    assert amounts.adjustment == 0
    assert by_account(amounts) == {
        "receivable": D(132),
        "sales": D(-100),
        "shipping": D(-10),
        "tax_collected": D(-22),
    }


def test_a_discount_of_no_line_is_shippings_first_and_then_the_orders():
    figures = order(line(price="100"), discount="12", shipping="5", total="93")

    amounts = documents.delivered(figures)

    assert (amounts.shipping_discount, amounts.order_discount) == (D(5), D(7))
    assert amounts.total == D(93)


def test_a_cancelled_unit_takes_its_share_of_money_with_it():
    figures = order(
        line(ordered=3, fulfilled=2, price="10", discount="1", tax="2"), discount="1", tax="2", shipping="5", total="36"
    )

    amounts = documents.delivered(figures)

    assert amounts.units == 2
    assert (amounts.lines[0].discount, amounts.lines[0].tax) == (D("0.67"), D("1.33"))
    assert amounts.total == D("25.66")
    assert balance(amounts) == 0


def test_nothing_delivered_is_worth_nothing():
    amounts = documents.delivered(order(line(fulfilled=0), shipping="5", total="15"))

    assert amounts.units == 0
    assert amounts.total == 0
    assert documents.entries(amounts) == []


def test_a_gift_card_is_owed_and_not_earned():
    amounts = documents.delivered(order(line(price="50", gift_card=True), total="50"))

    assert by_account(amounts) == {"receivable": D(50), "gift_cards": D(-50)}


def test_a_free_order_still_balances():
    amounts = documents.delivered(order(line(price="20", discount="20"), discount="20", total="0"))

    assert by_account(amounts) == {"sales": D(-20), "discounts": D(20)}


def test_what_was_posted_before_is_not_posted_again():
    first = order(line("1", price="10", tax="1"), shipping="5", tax="1", total="16")
    second = replace(first, lines=(*first.lines, line("2", price="7", tax="0.70")), tax=D("1.70"), total=D("23.70"))
    posted = documents.delivered(first)

    rest = documents.remaining(documents.delivered(second), [posted])

    assert [(a.ref, a.quantity) for a in rest.lines] == [("2", 1)]
    assert rest.total == D("7.70")
    assert posted.total + rest.total == D("23.70")
    assert documents.remaining(documents.delivered(first), [posted]).units == 0


def test_a_document_reads_back_as_the_amounts_it_was_made_of():
    amounts = documents.delivered(
        order(line(ordered=3, price="3.3333", tax="0.5"), shipping="1.5", tax="0.5", total="12", tax_included=True)
    )
    heading = documents.Heading("1", "sale:1", "1", "web", "#1", "2026-01-01", "2026-01-02", "2026-01-02")

    made = documents.document(heading, amounts)

    assert documents.amounts_of(made) == amounts
    assert made["total"] == "12"


@pytest.mark.parametrize("value, short", [("12.5000", "12.5"), ("100", "100"), ("0.0000", "0"), ("-0.10", "-0.1")])
def test_decimals_are_said_as_shortly_as_they_can_be(value, short):
    assert documents.text(D(value)) == short


_money = st.decimals(min_value=0, max_value=9999, places=2)


@st.composite
def _orders(draw):
    lines = []
    for n in range(draw(st.integers(1, 5))):
        ordered = draw(st.integers(1, 9))
        price = draw(_money)
        discount = draw(st.decimals(min_value=0, max_value=price * ordered, places=2)) if price else D(0)
        lines.append(
            LineFigures(
                str(n), f"S{n}", "", ordered, draw(st.integers(0, ordered)), price, discount, draw(_money),
                draw(st.booleans()),
            )
        )  # fmt: skip
    return OrderFigures(
        draw(st.sampled_from(["USD", "JPY", "KWD"])),
        draw(st.booleans()),
        draw(_money),
        draw(_money),
        draw(_money),
        draw(_money),
        draw(st.none() | _money),
        tuple(lines),
    )


@given(_orders())
def test_whatever_the_figures_the_document_balances(figures):
    amounts = documents.delivered(figures)

    assert balance(amounts) == 0
    receivable = by_account(amounts).get("receivable", D(0))
    assert receivable == amounts.total
    if figures.total is not None and figures.delivered_in_full:
        assert abs(amounts.total - figures.total) <= documents.minor_unit(figures.currency) / 2
    assert amounts.total % documents.minor_unit(figures.currency) == 0


@given(_orders(), st.data())
def test_two_deliveries_are_worth_what_one_would_be(figures, data):
    """A line delivered later costs its own money; what was already posted of other lines doesn't move."""
    first_lines = tuple(replace(one, fulfilled=data.draw(st.sampled_from([0, one.ordered]))) for one in figures.lines)
    all_lines = tuple(replace(one, fulfilled=one.ordered) for one in figures.lines)
    first = documents.delivered(replace(figures, lines=first_lines))
    whole = documents.delivered(replace(figures, lines=all_lines))

    rest = documents.remaining(whole, [first] if first.units else [])

    if rest.units:
        assert first.total + rest.total == whole.total
    assert balance(rest) == 0
