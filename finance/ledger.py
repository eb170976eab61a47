"""What an order's money is made of, reckoned from what is known of it: values in, values out, no database.

Every figure has a *slot*: `sale:<line>`, `discount:<line>:<name>`, `tax:<line>`, `shipping`, `cut:<line>` … The ledger
holds for each slot what this page says it should; whatever is missing is added as a row of its own. Three rules make
it always add up:

* What was ordered is the total the channel states. A difference in its own figures is a slot (`rounding`), never
  hidden in a price.
* Shares are rounded to the smallest coin of their currency, half to even; parts of one figure by largest remainder, so
  that they add up to it.
* The buyer's currency is reckoned by the same rules from the same figures as the buyer saw them. What isn't stated
  in it is converted at the order's own rate, cumulatively, so that what is given back in the end is what was paid.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from finance.documents import Amounts, LineFigures, OrderFigures, delivered, minor_unit, rounded

ZERO = Decimal(0)
SALE, TAX, SHIPPING, DISCOUNT, FEE = "sale", "tax", "shipping", "discount", "fee"
REFUND, ADJUSTMENT, CHARGEBACK = "refund", "adjustment", "chargeback"
MERCHANT, MARKETPLACE = "merchant", "marketplace"
# What comes off what was ordered. `uncut` are refunds of units that never left: no invoice was ever made of them.
CREDITS = ("cut", "uncut", "refund", "chargeback")
IN = {"captured": 1, "capture_failed": -1}
BACK = {"refunded": 1, "refund_failed": -1}
TAKEN = {"chargeback": 1, "reinstated": -1}


@dataclass(frozen=True, slots=True)
class Named:
    """A discount by its name. `line` is the line's ref; "" is the order, "shipping" its shipping."""

    amount: Decimal
    line: str = ""
    code: str = ""
    title: str = ""
    funded_by: str = MERCHANT

    @property
    def name(self) -> str:
        return (self.code or self.title)[:60]


@dataclass(frozen=True, slots=True)
class RefundedLine:
    line: str
    quantity: int
    restock: str
    amount: Decimal | None = None
    tax: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Refunded:
    ref: str
    at: datetime
    amount: Decimal | None = None
    shipping: Decimal | None = None
    lines: tuple[RefundedLine, ...] = ()
    fees: Decimal = ZERO  # kept back of it: restocking, the way back


@dataclass(frozen=True, slots=True)
class Paid:
    ref: str
    kind: str
    amount: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of an order's money. `presentment` are the figures the buyer saw, in another currency."""

    figures: OrderFigures  # `fulfilled` is ignored: `kept` says what isn't cancelled
    kept: Mapping[str, int]
    placed_at: datetime
    refunds: Sequence[Refunded] = ()
    payments: Sequence[Paid] = ()
    discounts: Sequence[Named] = ()
    marketplace_tax: Mapping[str, Decimal] = field(default_factory=dict)  # by line ref; "" is shipping's
    presentment: OrderFigures | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """One slot: what the ledger should say there, in the shop's and in the buyer's currency."""

    slot: str
    kind: str
    amount: Decimal
    presentment: Decimal
    line: str = ""
    label: str = ""
    tax_included: bool = False
    collected_by: str = ""
    funded_by: str = ""
    provider_ref: str = ""
    refund_ref: str = ""
    at: datetime | None = None

    @property
    def credit(self) -> bool:
        return self.slot.partition(":")[0] in CREDITS


@dataclass(frozen=True, slots=True)
class Cash:
    captured: Decimal
    refunded: Decimal
    disputed: Decimal

    @property
    def paid(self) -> Decimal:
        return self.captured - self.refunded - self.disputed


def reckon(facts: Facts) -> list[Due]:
    """Every slot of the order's ledger. Its sum is what the order is worth now."""
    made = list(_ordered(facts))
    made += _cut(facts)
    made += _refunds(facts, sum((each.amount for each in made), ZERO))
    made += _chargebacks(facts)
    return _in_both_currencies(facts, made)


def cash(payments: Iterable[Paid]) -> Cash:
    """What came in, what went back, and what a bank took."""
    sums = [ZERO, ZERO, ZERO]
    for each in payments:
        for n, signs in enumerate((IN, BACK, TAKEN)):
            sums[n] += signs.get(each.kind, 0) * each.amount
    return Cash(*sums)


# --- What was ordered ----------------------------------------------------------------------------------------------


def _whole(figures: OrderFigures) -> Amounts:
    """Everything that was ordered, as if all of it had left."""
    return delivered(replace(figures, lines=tuple(replace(line, fulfilled=line.ordered) for line in figures.lines)))


def _ordered(facts: Facts) -> Iterator[Due]:
    amounts, names = _whole(facts.figures), _Names(facts.discounts)
    included = amounts.tax_included
    for line in amounts.lines:
        yield Due(f"sale:{line.ref}", SALE, line.gross - (line.tax if included else ZERO), ZERO, line.ref)
        yield from _taxes(f"tax:{line.ref}", line.tax, facts.marketplace_tax.get(line.ref, ZERO), included, line.ref)
    yield Due("shipping", SHIPPING, amounts.shipping - (amounts.shipping_tax if included else ZERO), ZERO)
    yield from _taxes("tax:", amounts.shipping_tax, facts.marketplace_tax.get("", ZERO), included, "")
    for line in amounts.lines:
        yield from names.take(f"discount:{line.ref}", line.ref, line.discount, line.ref)
    yield from names.take("discount:shipping", "shipping", amounts.shipping_discount, "")
    weights = {line.ref: line.gross - line.discount for line in amounts.lines}
    for name, funded_by, amount in names.rest("", amounts.order_discount):
        for ref, share in shares(amount, weights, minor_unit(amounts.currency)).items():
            yield Due(f"discount:{ref}:order:{name}", DISCOUNT, -share, ZERO, ref, name, funded_by=funded_by)
    yield Due("other", FEE, amounts.other, ZERO, label="Tips, duties and fees")
    yield Due("rounding", ADJUSTMENT, amounts.adjustment, ZERO, label="Difference in the channel's figures")


def _taxes(slot: str, tax: Decimal, theirs: Decimal, included: bool, line: str) -> Iterator[Due]:
    theirs = min(theirs, tax)
    yield Due(slot, TAX, tax - theirs, ZERO, line, tax_included=included, collected_by=MERCHANT)
    yield Due(f"{slot}:m", TAX, theirs, ZERO, line, tax_included=included, collected_by=MARKETPLACE)


class _Names:
    """Hands discounts out to their names; what no name accounts for has none."""

    def __init__(self, named: Sequence[Named]):
        self.left: dict[str, list[tuple[Named, Decimal]]] = {}
        for each in named:
            self.left.setdefault(each.line, []).append((each, each.amount))

    def rest(self, where: str, amount: Decimal) -> Iterator[tuple[str, str, Decimal]]:
        """The amount by name and whose cost it is. A discount of the order may have been spent on its shipping."""
        found: dict[tuple[str, str], Decimal] = {}
        for place in (where, "") if where == "shipping" else (where,):
            for n, (each, left) in enumerate(self.left.get(place, [])):
                part = min(left, amount)
                if not part:
                    continue
                self.left[place][n] = (each, left - part)
                key = (each.name, each.funded_by or MERCHANT)
                found[key] = found.get(key, ZERO) + part
                amount -= part
        if amount:
            found["", MERCHANT] = found.get(("", MERCHANT), ZERO) + amount
        for (name, funded_by), part in found.items():
            yield name, funded_by, part

    def take(self, slot: str, where: str, amount: Decimal, line: str) -> Iterator[Due]:
        for name, funded_by, part in self.rest(where, amount):
            yield Due(f"{slot}:{name}", DISCOUNT, -part, ZERO, line, name, funded_by=funded_by)


def shares(amount: Decimal, weights: Mapping[str, Decimal], step: Decimal) -> dict[str, Decimal]:
    """The amount split by weight into multiples of the smallest coin, by largest remainder: the parts add up to it.

    Coins go to the largest remainders, ties to whoever comes first; a rest below one coin is the first one's. Without
    weights all is the first one's.
    """
    if not weights:
        return {}
    whole = sum(weights.values(), ZERO)
    first = next(iter(weights))
    if not whole:
        return {first: amount}
    exact = {name: amount * weight / whole for name, weight in weights.items()}
    made = {name: (value / step).to_integral_value("ROUND_FLOOR") * step for name, value in exact.items()}
    left = amount - sum(made.values(), ZERO)
    for name in sorted(exact, key=lambda name: made[name] - exact[name]):
        if left < step:
            break
        made[name] += step
        left -= step
    made[first] += left
    return made


# --- What comes off it ---------------------------------------------------------------------------------------------


def _cut(facts: Facts) -> Iterator[Due]:
    """Units that will never leave, less what refunds say was given back for them."""
    lines = tuple(replace(line, fulfilled=facts.kept.get(line.ref, line.ordered)) for line in facts.figures.lines)
    if all(line.fulfilled == line.ordered for line in lines):
        return
    whole, kept = _whole(facts.figures), delivered(replace(facts.figures, lines=lines))
    left = {line.ref: line for line in kept.lines}
    given = {ref: sum(each for _, each in parts) for ref, parts in _uncut(facts).items()}
    for line in whole.lines:
        worth = _worth(line, whole.tax_included)
        now = _worth(left[line.ref], whole.tax_included) if line.ref in left else ZERO
        yield Due(f"cut:{line.ref}", ADJUSTMENT, now - worth + given.get(line.ref, ZERO), ZERO, line.ref, "Cancelled")
    lines_now = sum((_worth(line, whole.tax_included) for line in kept.lines), ZERO)
    lines_then = sum((_worth(line, whole.tax_included) for line in whole.lines), ZERO)
    rest = (kept.total - lines_now) - (whole.total - lines_then)
    shipping = sum((each.shipping or ZERO for each in facts.refunds), ZERO) if not kept.lines else ZERO
    yield Due("cut:", ADJUSTMENT, rest + min(shipping, -rest if rest < 0 else ZERO), ZERO, label="Cancelled")


def _worth(line: Any, included: bool) -> Decimal:
    worth: Decimal = line.gross - line.discount
    return worth if included else worth + line.tax


def _uncut(facts: Facts) -> dict[str, list[tuple[Refunded, Decimal]]]:
    """Per line what refunds gave back of units that never left: only as many as were really cancelled."""
    found: dict[str, list[tuple[Refunded, Decimal]]] = {}
    cancelled = {line.ref: line.ordered - facts.kept.get(line.ref, line.ordered) for line in facts.figures.lines}
    for refund in facts.refunds:
        for part in refund.lines:
            units = min(part.quantity, cancelled.get(part.line, 0)) if part.restock == "cancel" else 0
            if units:
                cancelled[part.line] -= units
                credit = _credit(facts, part) * units / part.quantity
                found.setdefault(part.line, []).append((refund, rounded(credit, facts.figures.currency)))
    return found


def _credit(facts: Facts, part: RefundedLine) -> Decimal:
    """What a refunded line is worth: as stated, else its share of what was ordered."""
    if part.amount is not None:
        return part.amount + (ZERO if facts.figures.tax_included else part.tax or ZERO)
    line = next((each for each in facts.figures.lines if each.ref == part.line), None)
    if line is None or not line.ordered:
        return ZERO
    worth = line.unit_price * line.ordered - line.discount + (ZERO if facts.figures.tax_included else line.tax)
    return rounded(worth * min(part.quantity, line.ordered) / line.ordered, facts.figures.currency)


def _refunds(facts: Facts, worth: Decimal) -> Iterator[Due]:
    uncut = {(refund.ref, ref): amount for ref, parts in _uncut(facts).items() for refund, amount in parts}
    known = {line.ref for line in facts.figures.lines}
    made: list[Due] = []
    beyond: list[tuple[Refunded, Decimal]] = []
    for refund in sorted(facts.refunds, key=lambda each: (each.at, each.ref)):
        credit = ZERO
        for ref, amount in _by_line(facts, refund).items():
            off = uncut.get((refund.ref, ref), ZERO)
            line = ref if ref in known else ""
            made.append(_given(refund, f"uncut:{refund.ref}:{ref}", -off, line, "Cancelled before it left"))
            made.append(_given(refund, f"refund:{refund.ref}:{ref}", off - amount, line))
            credit += amount
        shipping = refund.shipping or ZERO
        made.append(_given(refund, f"refund:{refund.ref}:shipping", -shipping, "", "Shipping"))
        made.append(_given(refund, f"refund:{refund.ref}:fees", refund.fees, "", "Fees kept back"))
        beyond.append((refund, (refund.amount or ZERO) - (credit + shipping - refund.fees)))
    yield from made
    yield from _goodwill(facts, beyond, worth + sum((each.amount for each in made), ZERO))


def _by_line(facts: Facts, refund: Refunded) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for part in refund.lines:
        found[part.line] = found.get(part.line, ZERO) + _credit(facts, part)
    return found


def _given(refund: Refunded, slot: str, amount: Decimal, line: str, label: str = "") -> Due:
    return Due(slot, REFUND, amount, ZERO, line, label, refund_ref=refund.ref, at=refund.at)


def _goodwill(facts: Facts, beyond: list[tuple[Refunded, Decimal]], due: Decimal) -> Iterator[Due]:
    """Money given back beyond what the goods were worth. What only gives an overpayment back is none."""
    known = cash(facts.payments)
    room = max(ZERO, due - known.paid) if known.captured else None
    for refund, amount in beyond:
        part = max(ZERO, amount) if room is None else min(max(ZERO, amount), room)
        room = None if room is None else room - part
        yield _given(refund, f"refund:{refund.ref}:rest", -part, "", "Beyond its lines")


def _chargebacks(facts: Facts) -> Iterator[Due]:
    for each in facts.payments:
        if each.kind in TAKEN:
            amount = -TAKEN[each.kind] * each.amount
            yield Due(
                f"chargeback:{each.kind}:{each.ref}", CHARGEBACK, amount, ZERO, label=each.kind.capitalize(),
                provider_ref=each.ref, at=each.at,
            )  # fmt: skip


# --- The buyer's currency ------------------------------------------------------------------------------------------


def _in_both_currencies(facts: Facts, made: list[Due]) -> list[Due]:
    seen = facts.presentment
    if seen is None or seen.currency == facts.figures.currency:
        return [replace(due, presentment=due.amount) for due in made if due.amount]
    rate = rate_of(facts)
    named = [replace(each, amount=rounded(each.amount * rate, seen.currency)) for each in facts.discounts]
    theirs = {
        due.slot: due.amount for due in _ordered(replace(facts, figures=seen, discounts=named, marketplace_tax={}))
    }
    _follow_parts(theirs, made, seen.currency)
    found = [replace(due, presentment=theirs.pop(due.slot, ZERO)) for due in made if not due.credit]
    odd = sum(theirs.values(), ZERO)  # stated in the buyer's figures alone
    found = [replace(due, presentment=due.presentment + odd) if due.slot == "rounding" else due for due in found]
    ours, yours = sum((d.amount for d in found), ZERO), sum((d.presentment for d in found), ZERO)
    gone = said = ZERO
    for due in (each for each in made if each.credit):
        gone += due.amount
        then = rounded(yours * gone / ours, seen.currency) if ours else ZERO
        found.append(replace(due, presentment=then - said))
        said = then
    return [due for due in found if due.amount or due.presentment]


def _follow_parts(theirs: dict[str, Decimal], made: list[Due], currency: str) -> None:
    """Tax is split between us and the marketplace in the shop's figures: the buyer's follow in proportion."""
    for due in made:
        if due.slot.startswith("tax:") and due.slot.endswith(":m") and due.amount:
            own = due.slot.removesuffix(":m")
            mine = next((each.amount for each in made if each.slot == own), ZERO)
            tax = theirs.get(own, ZERO)
            part = rounded(tax * due.amount / (mine + due.amount), currency) if mine else tax
            theirs[due.slot], theirs[own] = part, tax - part


def rate_of(facts: Facts) -> Decimal:
    """The buyer's money per unit of the shop's, as the order's totals have it."""
    seen = facts.presentment
    if seen is None or not facts.figures.total or seen.total is None:
        return Decimal(1)
    return seen.total / facts.figures.total


def converted(figures: OrderFigures, stated: Mapping[str, Any]) -> OrderFigures:
    """The order's figures in the buyer's currency: as stated, and at the rate of the totals where nothing is stated."""
    currency = str(stated["currency"])
    total = _money(stated.get("total"))
    rate = total / figures.total if total is not None and figures.total else Decimal(str(stated.get("rate") or 1))
    by_line: Mapping[str, Any] = stated.get("lines") or {}

    def said(name: str, ours: Decimal) -> Decimal:
        value = _money(stated.get(name))
        return value if value is not None else rounded(ours * rate, currency)

    def line(ours: LineFigures) -> LineFigures:
        own = by_line.get(ours.ref) or {}
        price, discount, tax = (_money(own.get(name)) for name in ("unit_price", "discount", "tax"))
        return replace(
            ours,
            unit_price=price if price is not None else rounded(ours.unit_price * rate, currency),
            discount=discount if discount is not None else rounded(ours.discount * rate, currency),
            tax=tax if tax is not None else rounded(ours.tax * rate, currency),
        )

    return OrderFigures(
        currency=currency,
        tax_included=figures.tax_included,
        discount=said("discount", figures.discount),
        shipping=said("shipping", figures.shipping),
        tax=said("tax", figures.tax),
        other=said("other", figures.other),
        total=total if total is not None else rounded((figures.total or ZERO) * rate, currency),
        lines=tuple(line(each) for each in figures.lines),
    )


def _money(value: Any) -> Decimal | None:
    return None if value in (None, "") else Decimal(str(value))
