"""Pure: what comes back is worth, to the smallest coin of its currency, so that its parts always add up.

A line is worth what the customer paid for it: its price less its own discount and its share of the order's, with its
tax. Sums are shared by the largest remainder, so shares add up to what they are of; units are shared cumulatively: the
third of three units is worth what the first two left, whatever was rounded before. Tax goes back with the units it was
paid for; a fee is a charge of its own, taken off afterwards. Carriage goes back in the share of the goods, so all of it
with the last unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

from core.errors import Invalid, Problem, Refusal
from core.formats import exponent

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class LineFigures:
    """One order line; money is for the `ordered` units. `refunded` is what went back of it already, with its tax."""

    id: int
    ordered: int
    unit_price: Decimal
    discount: Decimal = ZERO
    tax: Decimal = ZERO
    refunded_units: int = 0
    refunded: Decimal = ZERO
    refunded_tax: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class OrderFigures:
    """An order's money as its source states it; `discount` and `tax` are all of the order's, its lines' included."""

    currency: str
    tax_included: bool
    lines: tuple[LineFigures, ...]
    discount: Decimal = ZERO
    shipping: Decimal = ZERO
    tax: Decimal = ZERO
    other: Decimal = ZERO
    total: Decimal | None = None
    refunded_shipping: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Wanted:
    """Units of a line to refund; `amount` instead of their worth where part of it was agreed. Fees are kept back."""

    id: int
    quantity: int
    amount: Decimal | None = None
    fee: Decimal = ZERO
    fee_percent: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Paid:
    """What the customer paid for something as a whole, and how much of that is tax."""

    gross: Decimal
    discount: Decimal
    tax: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Part:
    """What goes back for one line: `amount` is the customer's money with its tax, before the fee."""

    id: int
    quantity: int
    amount: Decimal
    tax: Decimal
    discount: Decimal
    fee: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Refund:
    currency: str
    parts: tuple[Part, ...] = field(default_factory=tuple)
    shipping: Decimal = ZERO
    shipping_tax: Decimal = ZERO
    fee: Decimal = ZERO  # for the whole, beside the parts' own

    @property
    def goods(self) -> Decimal:
        return sum((part.amount for part in self.parts), ZERO)

    @property
    def tax(self) -> Decimal:
        return sum((part.tax for part in self.parts), self.shipping_tax)

    @property
    def fees(self) -> Decimal:
        return sum((part.fee for part in self.parts), self.fee)

    @property
    def amount(self) -> Decimal:
        return self.goods + self.shipping - self.fees


def reckon(
    order: OrderFigures, wanted: Sequence[Wanted], *, shipping: Decimal | None = ZERO, fee: Decimal = ZERO
) -> Refund:
    """What these units are worth. `shipping` None: their share of the carriage; `fee` is kept back once.

    Invalid names each line that asks for more than there is. Refusal("nothing_to_refund") where nothing is left of it.
    """
    step = minor_unit(order.currency)
    paid = worth(order)
    known = {line.id: line for line in order.lines}
    problems = [p for n, each in enumerate(wanted) for p in _problems(f"lines[{n}]", each, known, paid, step)]
    if len({each.id for each in wanted}) != len(wanted):
        problems.append(Problem("lines", "twice", "A line is named twice."))
    if problems:
        raise Invalid(problems, status=422)
    parts = tuple(_part(known[each.id], each, paid[each.id], step) for each in wanted)
    carriage = carriage_of(order)
    left = max(carriage.amount - order.refunded_shipping, ZERO)
    given = _share_of_carriage(order, wanted, carriage, step) if shipping is None else shipping
    if given < 0 or given != _rounded(given, step) or given > left:
        raise Invalid(
            [Problem("shipping", "most", f"At most {left} {order.currency} of the carriage is left.")], status=422
        )
    tax = _rounded(carriage.tax * given / carriage.amount, step) if carriage.amount else ZERO
    made = Refund(order.currency, parts, given, tax)
    # A fee never takes more than there is.
    most = made.goods + made.shipping - made.fees
    made = Refund(order.currency, parts, given, tax, min(max(_rounded(fee, step), ZERO), max(most, ZERO)))
    if made.amount <= 0:
        raise Refusal("nothing_to_refund", "Nothing is left to give back for this.")
    return made


def worth(order: OrderFigures) -> dict[int, Paid]:
    """By line, what the customer paid for all of it. Together with carriage and the rest they are the order's total."""
    step = minor_unit(order.currency)
    lines = order.lines
    gross = [line.unit_price * line.ordered for line in lines]
    net = [max(value - line.discount, ZERO) for value, line in zip(gross, lines, strict=True)]
    beyond = max(order.discount - sum((line.discount for line in lines), ZERO), ZERO)
    off = allocate(max(beyond - min(beyond, order.shipping), ZERO), net, step)
    taxes = _taxes(order, net, step)
    exact = [
        max(value - share, ZERO) + (ZERO if order.tax_included else tax)
        for value, share, tax in zip(net, off, taxes, strict=True)
    ]
    # Prices may be finer than the smallest coin; what was charged was not.
    charged = _rounded(sum(exact, ZERO), step)
    if order.total is not None:
        charged = min(charged, max(order.total - carriage_of(order).amount - order.other, ZERO))
    amounts = allocate(charged, exact, step)
    return {
        line.id: Paid(
            value, max(value + (ZERO if order.tax_included else tax) - amount, ZERO), min(tax, amount), amount
        )
        for line, value, tax, amount in zip(lines, gross, taxes, amounts, strict=True)
    }


def carriage_of(order: OrderFigures) -> Paid:
    """What was paid for bringing it. A discount beyond the lines' own is the carriage's first."""
    step = minor_unit(order.currency)
    beyond = max(order.discount - sum((line.discount for line in order.lines), ZERO), ZERO)
    off = min(beyond, order.shipping)
    tax = _carriage_tax(order)
    amount = _rounded(order.shipping - off + (ZERO if order.tax_included else tax), step)
    return Paid(order.shipping, off, min(tax, amount), amount)


def allocate(total: Decimal, weights: Sequence[Decimal], step: Decimal) -> list[Decimal]:
    """`total` in shares proportional to `weights`, each a multiple of `step`, by the largest remainder; they add up.

    Where nothing weighs anything every share is nothing, apart from the first, which takes it all.
    """
    if not weights:
        return []
    units = int(_rounded(total, step) / step)
    whole = sum(weights, ZERO)
    if whole <= 0:
        return [units * step, *([ZERO] * (len(weights) - 1))]
    exact = [units * weight / whole for weight in weights]
    shares = [int(each.to_integral_value(ROUND_FLOOR)) for each in exact]
    by_remainder = sorted(range(len(weights)), key=lambda n: (shares[n] - exact[n], n))
    for n in by_remainder[: units - sum(shares)]:
        shares[n] += 1
    return [share * step for share in shares]


def minor_unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-exponent(currency))


# --- The pieces ----------------------------------------------------------------------------------------------------


def _problems(
    path: str, wanted: Wanted, known: Mapping[int, LineFigures], paid: Mapping[int, Paid], step: Decimal
) -> list[Problem]:
    line = known.get(wanted.id)
    if line is None:
        return [Problem(path, "unknown", "The order has no such line.")]
    left = line.ordered - line.refunded_units
    money = paid[line.id].amount - line.refunded
    found = []
    if wanted.quantity < 0 or (wanted.quantity == 0 and wanted.amount is None):
        found.append(Problem(f"{path}.quantity", "least", "At least one unit, or an amount."))
    elif wanted.quantity > left:
        found.append(Problem(f"{path}.quantity", "most", f"{left} of its units are not refunded yet."))
    amount = wanted.amount
    if amount is not None and (not amount.is_finite() or amount <= 0 or amount != _rounded(amount, step)):
        found.append(Problem(f"{path}.amount", "amount", "More than nothing, to the smallest coin of the currency."))
    elif amount is not None and amount > money:
        found.append(Problem(f"{path}.amount", "most", f"{max(money, ZERO)} of what was paid for it is left."))
    if not wanted.fee.is_finite() or wanted.fee < 0 or not 0 <= wanted.fee_percent <= 100:
        found.append(Problem(f"{path}.fee", "fee", "Not below nothing, and no more than all of it."))
    return found


def _part(line: LineFigures, wanted: Wanted, paid: Paid, step: Decimal) -> Part:
    left, tax_left = max(paid.amount - line.refunded, ZERO), max(paid.tax - line.refunded_tax, ZERO)
    if wanted.amount is not None:
        amount = wanted.amount
        tax = _rounded(paid.tax * amount / paid.amount, step) if paid.amount else ZERO
        tax = tax_left if amount == left else min(tax, tax_left)
    else:
        amount = min(_cumulative(paid.amount, line, wanted.quantity, step), left)
        tax = min(_cumulative(paid.tax, line, wanted.quantity, step), tax_left, amount)
    discount = _cumulative(paid.discount, line, wanted.quantity, step)
    fee = _rounded(wanted.fee + amount * wanted.fee_percent / 100, step)
    return Part(line.id, wanted.quantity, amount, tax, discount, min(fee, amount))


def _cumulative(whole: Decimal, line: LineFigures, units: int, step: Decimal) -> Decimal:
    """The next `units` of a line's whole: what all units so far are worth, less what those before were."""
    if not line.ordered:
        return ZERO
    before = _rounded(whole * line.refunded_units / line.ordered, step)
    return _rounded(whole * (line.refunded_units + units) / line.ordered, step) - before


def _share_of_carriage(order: OrderFigures, wanted: Sequence[Wanted], carriage: Paid, step: Decimal) -> Decimal:
    """The carriage's share of all units so far, less what went back of it already."""
    units = {each.id: each.quantity for each in wanted}
    whole = sum((line.unit_price * line.ordered for line in order.lines), ZERO)
    back = sum((line.unit_price * (line.refunded_units + units.get(line.id, 0)) for line in order.lines), ZERO)
    share = back / whole if whole else Decimal(1)
    return max(_rounded(carriage.amount * share, step) - order.refunded_shipping, ZERO)


def _taxes(order: OrderFigures, net: Sequence[Decimal], step: Decimal) -> list[Decimal]:
    """Each line's tax. Where the source states it for the order alone, its share of that."""
    own = [line.tax for line in order.lines]
    beyond = order.tax - sum(own, ZERO) - _carriage_tax(order)
    if beyond <= 0:
        return own
    return [tax + share for tax, share in zip(own, allocate(beyond, net, step), strict=True)]


def _carriage_tax(order: OrderFigures) -> Decimal:
    """Tax beyond the lines' own is the carriage's, unless no line states any: then it is shared by value."""
    own = sum((line.tax for line in order.lines), ZERO)
    beyond = max(order.tax - own, ZERO)
    beyond_lines = max(order.discount - sum((line.discount for line in order.lines), ZERO), ZERO)
    carriage = max(order.shipping - min(beyond_lines, order.shipping), ZERO)
    if not beyond or not carriage:
        return ZERO
    if own:
        return min(beyond, carriage)
    goods = sum((max(line.unit_price * line.ordered - line.discount, ZERO) for line in order.lines), ZERO)
    return allocate(beyond, [goods, carriage], minor_unit(order.currency))[1]


def _rounded(value: Decimal, step: Decimal) -> Decimal:
    return value.quantize(step, rounding=ROUND_HALF_UP)
