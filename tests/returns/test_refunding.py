"""What comes back is worth: exact to the smallest coin, and its parts always add up."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Invalid, Refusal
from returns.refunding import LineFigures, OrderFigures, Wanted, allocate, carriage_of, reckon, worth

D = Decimal


def order(*lines, currency="EUR", included=True, **fields):
    return OrderFigures(currency, included, tuple(lines), **{name: D(value) for name, value in fields.items()})


def line(n=1, units=1, price="10.00", **fields):
    return LineFigures(n, units, D(price), **{k: v if isinstance(v, int) else D(v) for k, v in fields.items()})


def test_shares_add_up_by_the_largest_remainder():
    assert allocate(D("10.00"), [D(1), D(1), D(1)], D("0.01")) == [D("3.34"), D("3.33"), D("3.33")]
    assert allocate(D(100), [D(1), D(2), D(4)], D(1)) == [D(14), D(29), D(57)]
    assert allocate(D("0.005"), [D(1), D(1)], D("0.001")) == [D("0.003"), D("0.002")]
    assert allocate(D(5), [D(0), D(0)], D(1)) == [D(5), D(0)]


def test_three_units_for_ten_give_back_ten_in_the_end():
    three = line(units=3, price="3.33", tax="1.60")
    whole = order(three, total="9.99", tax="1.60")

    first = reckon(whole, [Wanted(1, 1)])
    rest = reckon(order(line(units=3, price="3.33", tax="1.60", refunded_units=1, refunded=str(first.amount), refunded_tax=str(first.tax)), total="9.99", tax="1.60"), [Wanted(1, 2)])  # fmt: skip

    assert (first.amount, first.tax) == (D("3.33"), D("0.53"))
    assert (first.amount + rest.amount, first.tax + rest.tax) == (D("9.99"), D("1.60"))


def test_discounts_come_off_and_tax_that_is_added_goes_back_with_its_goods():
    two = line(units=2, price="50.00", discount="10.00", tax="18.00")
    whole = order(two, included=False, discount="10.00", tax="18.00", total="108.00")

    found = reckon(whole, [Wanted(1, 1)])

    assert (found.amount, found.tax, found.parts[0].discount) == (D("54.00"), D("9.00"), D("5.00"))


def test_a_discount_of_the_order_is_shared_by_value_after_the_carriage_took_its_part():
    whole = order(line(1, 1, "60.00"), line(2, 1, "30.00"), discount="12.00", shipping="3.00", total="81.00")

    paid = worth(whole)

    assert carriage_of(whole).amount == 0
    assert [paid[n].amount for n in (1, 2)] == [D("54.00"), D("27.00")]


def test_carriage_goes_back_in_the_goods_share_and_all_of_it_with_the_last_unit():
    def whole(units, shipping):
        return order(
            line(units=3, price="10.00", refunded_units=units, refunded=str(units * 10)), shipping="5.00",
            total="35.00", refunded_shipping=shipping,
        )  # fmt: skip

    first = reckon(whole(0, "0"), [Wanted(1, 1)], shipping=None)
    second = reckon(whole(1, "1.67"), [Wanted(1, 2)], shipping=None)

    assert (first.shipping, second.shipping) == (D("1.67"), D("3.33"))
    with pytest.raises(Invalid, match=r"At most 3.33"):
        reckon(whole(1, "1.67"), [Wanted(1, 1)], shipping=D("3.34"))


def test_fees_are_kept_back_and_take_no_more_than_there_is():
    whole = order(line(units=1, price="99.99"), total="99.99")

    percent = reckon(whole, [Wanted(1, 1, fee_percent=D(15))])
    greedy = reckon(whole, [Wanted(1, 1, fee=D("90.00"))], fee=D("9.00"))

    assert (percent.fees, percent.amount) == (D("15.00"), D("84.99"))
    assert greedy.amount == D("0.99")
    with pytest.raises(Refusal) as no:
        reckon(whole, [Wanted(1, 1, fee=D("200.00"))])
    assert no.value.code == "nothing_to_refund"


def test_a_part_of_the_price_carries_its_part_of_the_tax_and_leaves_the_rest():
    whole = order(line(units=1, price="119.00", tax="19.00"), tax="19.00", total="119.00")

    part = reckon(whole, [Wanted(1, 0, amount=D("11.90"))])
    after = order(
        line(units=1, price="119.00", tax="19.00", refunded="11.90", refunded_tax="1.90"), tax="19.00", total="119.00"
    )

    assert (part.amount, part.tax) == (D("11.90"), D("1.90"))
    assert (reckon(after, [Wanted(1, 1)]).amount, reckon(after, [Wanted(1, 1)]).tax) == (D("107.10"), D("17.10"))
    with pytest.raises(Invalid, match="is left"):
        reckon(after, [Wanted(1, 0, amount=D("107.11"))])


@pytest.mark.parametrize(
    ("currency", "price", "one"), [("JPY", "1000", "333"), ("EUR", "10.00", "3.33"), ("KWD", "1.000", "0.333")]
)
def test_amounts_are_in_the_currencys_own_smallest_coin(currency, price, one):
    whole = order(line(units=3, price=str(D(price) / 3)[:8]), currency=currency, total=price)

    assert reckon(whole, [Wanted(1, 1)]).amount == D(one)
    assert reckon(whole, [Wanted(1, 3)]).amount == D(price)


def test_more_than_was_bought_or_is_left_is_refused_by_line():
    whole = order(line(1, 2, refunded_units=1, refunded="10.00"), line(2, 1), total="30.00")

    with pytest.raises(Invalid) as no:
        reckon(whole, [Wanted(1, 2), Wanted(9, 1), Wanted(2, 0)])
    assert [(p.path, p.rule) for p in no.value.problems] == [
        ("lines[0].quantity", "most"), ("lines[1]", "unknown"), ("lines[2].quantity", "least"),
    ]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_however_it_is_given_back_the_parts_add_up_to_what_was_paid(data):
    currency, places = data.draw(st.sampled_from([("JPY", 0), ("EUR", 2), ("KWD", 3)]))
    step = D(1).scaleb(-places)
    money = st.integers(0, 20_000).map(lambda n: n * step)
    drawn = [
        (data.draw(st.integers(1, 5)), data.draw(money), data.draw(st.integers(0, 100)), data.draw(st.integers(0, 25)))
        for _ in range(data.draw(st.integers(1, 4)))
    ]
    lines = []
    for n, (units, price, off, rate) in enumerate(drawn):
        gross = units * price
        discount = (gross * off / 100).quantize(step)
        lines.append(LineFigures(n, units, price, discount, ((gross - discount) * rate / 100).quantize(step)))
    shipping = data.draw(money)
    extra = data.draw(money)
    net = sum((each.unit_price * each.ordered - each.discount for each in lines), D(0))
    extra = min(extra, net)
    tax = sum((each.tax for each in lines), D(0))
    included = data.draw(st.booleans())
    total = net - extra + shipping + (D(0) if included else tax)
    discount = sum((each.discount for each in lines), extra)
    paid = D(0)
    back = {n: (0, D(0), D(0)) for n in range(len(lines))}
    carriage = D(0)
    for turn in range(6):
        state = OrderFigures(
            currency, included,
            tuple(
                LineFigures(e.id, e.ordered, e.unit_price, e.discount, e.tax, *back[e.id]) for e in lines
            ),
            discount, shipping, tax, D(0), max(total, D(0)), carriage,
        )  # fmt: skip
        left = {e.id: e.ordered - back[e.id][0] for e in lines}
        last = turn == 5
        wanted = [Wanted(n, units if last else data.draw(st.integers(0, units))) for n, units in left.items() if units]
        wanted = [each for each in wanted if each.quantity]
        if not wanted:
            continue
        try:
            found = reckon(state, wanted, shipping=None)
        except Refusal:  # units that cost nothing
            for each in wanted:
                back[each.id] = (back[each.id][0] + each.quantity, *back[each.id][1:])
            continue
        assert found.goods + found.shipping - found.fees == found.amount
        assert all(part.amount >= part.tax >= 0 for part in found.parts)
        for part in found.parts:
            units, amount, taxed = back[part.id]
            back[part.id] = (units + part.quantity, amount + part.amount, taxed + part.tax)
        carriage += found.shipping
        paid += found.amount

    assert paid == max(total, D(0))
