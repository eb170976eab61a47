"""What Shopify says of an order's money beyond its totals, in both its formats. Pure.

Discounts by the code or name they were given under, line by line as Shopify allocated them; tax the sales channel
collects and hands on itself (`channel_liable`); and the figures as the buyer saw them where that was another currency.
What isn't stated stays unsaid: the ledger converts and names nothing on its own. Sources: shopify.dev REST Admin
resource Order, GraphQL Admin objects DiscountAllocation, DiscountApplication, TaxLine, MoneyBag.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from integrations.channels.shopify import money
from integrations.reading import ZERO, Node
from orders.canonical import IncomingDiscount, IncomingLine, Presentment, PresentmentLine


@dataclass(frozen=True, slots=True)
class Form:
    """How one of the two formats spells things. A flat figure is "" where the format has only money bags."""

    ref: Callable[[Node], str]  # a line's id
    camel: bool
    unit_price: str
    allocated: str
    amount: str
    price: str

    def key(self, name: str) -> str:
        head, *rest = name.split("_")
        return head + "".join(word.capitalize() for word in rest) if self.camel else name


REST = Form(
    ref=lambda node: node.number_id("id"), camel=False, unit_price="price_set", allocated="amount_set",
    amount="amount", price="price",
)  # fmt: skip


def of(doc: Node, form: Form, lines: Iterable[IncomingLine], currency: str, other: Decimal | None) -> dict[str, Any]:
    """The order's fields of this kind. `other` is what its tips, duties and fees are in the shop's currency."""
    known = {line.ref for line in lines}
    return {
        "discounts": tuple(_discounts(doc, form, known)),
        "marketplace_shipping_tax_total": money.added(
            collected(each, form) for each in doc.items(form.key("shipping_lines"))
        ),
        "presentment": _presentment(doc, form, known, currency, other),
    }


def collected(node: Node, form: Form) -> Decimal | None:
    """Of the tax of a line or of shipping, what the sales channel collects."""
    return money.added(
        _shop(each, form, "price_set", form.price)
        for each in _taxes(node, form)
        if each.flag(form.key("channel_liable"))
    )


def _taxes(node: Node, form: Form) -> Iterator[Node]:
    yield from node.items(form.key("tax_lines"))
    for duty in () if form.camel else node.items("duties"):
        yield from duty.items("tax_lines")


# --- Discounts -----------------------------------------------------------------------------------------------------


def _discounts(doc: Node, form: Form, known: set[str]) -> list[IncomingDiscount]:
    """Every discount by name, one per name and line; codes without allocations are the order's own."""
    sums: dict[tuple[str, bool, str, str], Decimal] = {}
    names = _names(doc, form)
    for node, ref in _discounted(doc, form, known):
        for each in node.items(form.key("discount_allocations")):
            amount = _shop(each, form, form.allocated, form.amount)
            if amount:
                place = (ref, not ref, *_name(each, form, names))
                sums[place] = sums.get(place, ZERO) + amount
    if not sums and not any(_allocations(doc, form)):
        for each in doc.items("discount_codes"):
            code, amount = each.text("code"), each.money("amount")
            if code and amount:
                sums["", each.text("type") == "shipping", code, ""] = amount
    return [
        IncomingDiscount(amount=amount, code=code, title=title, line_ref=ref, on_shipping=on_shipping)
        for (ref, on_shipping, code, title), amount in sums.items()
        if code or title
    ]


def _discounted(doc: Node, form: Form, known: set[str]) -> Iterator[tuple[Node, str]]:
    """Lines with their refs, and lines of carriage with none. A tip or an emptied line takes part in nothing."""
    for node in doc.items(form.key("line_items")):
        ref = form.ref(node)
        if ref in known:
            yield node, ref
    for node in doc.items(form.key("shipping_lines")):
        yield node, ""


def _allocations(doc: Node, form: Form) -> Iterator[Node]:
    for key in ("line_items", "shipping_lines"):
        for node in doc.items(form.key(key)):
            yield from node.items(form.key("discount_allocations"))


def _names(doc: Node, form: Form) -> dict[int, tuple[str, str]]:
    """(code, title) of each application by its place in the order's list."""
    found = {}
    for place, each in enumerate(doc.items(form.key("discount_applications"))):
        stated = each.count("index")
        found[place if stated is None else stated] = _called(each)
    return found


def _name(allocation: Node, form: Form, names: dict[int, tuple[str, str]]) -> tuple[str, str]:
    if not form.camel:
        place = allocation.count("discount_application_index")
        return names.get(place, ("", "")) if place is not None else ("", "")
    application = allocation.object("discountApplication")
    if application is None:
        return "", ""
    place = application.count("index")
    called = _called(application)
    return called if any(called) or place is None else names.get(place, ("", ""))


def _called(application: Node) -> tuple[str, str]:
    return application.text("code"), application.text("title") or application.text("description")


# --- The buyer's currency ------------------------------------------------------------------------------------------


def _presentment(doc: Node, form: Form, known: set[str], shop: str, other: Decimal | None) -> Presentment | None:
    """None where the buyer saw the shop's own currency, or no total in theirs is stated."""
    seen = _Seen(form, _currency_seen(doc, form))
    if not seen.currency or seen.currency == shop:
        return None
    total = seen.of(doc, "total_price_set")
    if total is None:
        return None
    return Presentment(
        currency=seen.currency,
        total=total,
        discount_total=seen.of(doc, "total_discounts_set"),
        shipping_total=seen.shipping(doc),
        tax_total=seen.of(doc, "total_tax_set"),
        other_total=seen.other(doc, other),
        lines=tuple(seen.line(node) for node in doc.items(form.key("line_items")) if form.ref(node) in known),
    )


def _currency_seen(doc: Node, form: Form) -> str:
    bag = doc.object(form.key("total_price_set"))
    seen = bag.object(form.key("presentment_money")) if bag else None
    return seen.currency(form.key("currency_code")) if seen else ""


@dataclass(frozen=True, slots=True)
class _Seen:
    """Reads figures as the buyer saw them; a sum of which one part isn't stated is not stated."""

    form: Form
    currency: str

    def of(self, node: Node, key: str) -> Decimal | None:
        bag = node.object(self.form.key(key))
        seen = bag.object(self.form.key("presentment_money")) if bag else None
        if seen is None:
            return None
        named = seen.currency(self.form.key("currency_code"))
        return seen.money("amount") if named in {"", self.currency} else None

    def line(self, node: Node) -> PresentmentLine:
        return PresentmentLine(
            line_ref=self.form.ref(node),
            unit_price=self.of(node, self.form.unit_price),
            discount_total=_all(
                self.of(each, self.form.allocated) for each in node.items(self.form.key("discount_allocations"))
            ),
            tax_total=_all(self.of(each, "price_set") for each in _taxes(node, self.form)),
        )

    def shipping(self, doc: Node) -> Decimal | None:
        stated = self.of(doc, "total_shipping_price_set")
        if stated is not None:
            return stated
        key = "original_price_set" if self.form.camel else "price_set"
        return _all(self.of(each, key) for each in doc.items(self.form.key("shipping_lines")))

    def other(self, doc: Node, ours: Decimal | None) -> Decimal | None:
        """Tips, duties and fees: what the order's bags say of them, if they say it of every part there is."""
        if not ours:
            return ZERO if ours is not None else None
        parts = []
        for key in ("total_tip_received_set", "original_total_duties_set", "original_total_additional_fees_set"):
            if key.startswith("original_total_duties") and doc.flag(self.form.key("duties_included")):
                continue
            bag = doc.object(self.form.key(key))
            if bag and (shop := _money(bag, self.form, "shop_money")):
                parts.append((shop, self.of(doc, key)))
        for node in doc.items(self.form.key("line_items")):
            if node.has("tip") and not doc.has(self.form.key("total_tip_received_set")):
                units = node.count("quantity") or 0
                price, seen = (
                    _shop(node, self.form, self.form.unit_price, self.form.price),
                    self.of(node, self.form.unit_price),
                )
                parts.append(((price or ZERO) * units, None if seen is None else seen * units))
        # Only where the parts are all there is of it: anything else would be a guess.
        return _all(seen for _, seen in parts) if sum((shop for shop, _ in parts), ZERO) == ours else None


def _all(amounts: Iterable[Decimal | None]) -> Decimal | None:
    found = list(amounts)
    return money.added(found) if None not in found else None


def _shop(node: Node, form: Form, bag_key: str, flat: str) -> Decimal | None:
    if flat and node.has(flat):
        return node.money(flat)
    bag = node.object(form.key(bag_key))
    return _money(bag, form, "shop_money") if bag else None


def _money(bag: Node, form: Form, side: str) -> Decimal | None:
    named = bag.object(form.key(side))
    return named.money("amount") if named else None
