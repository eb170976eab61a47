"""What translators of marketplaces share: documents told apart, lists split, words looked up, sums settled. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from integrations import countries, reading
from integrations.channels.meaning import Act, AskFor, Meaning, SetAside, ignored
from integrations.documents import read_json, without_nul, write_json
from integrations.failures import Unreadable, unparsable
from integrations.reading import ZERO, Faults, Node, shown
from orders import currencies
from orders.canonical import Address, IncomingOrder

Translate = Callable[[Node], Meaning | None]
One = Callable[[Node], Sequence[Act] | str]  # what one document of a list asks for, or why it asks for nothing

_EARLIEST = 1_000_000_000  # September 2001: an earlier moment is seconds read as something else
_LATEST = 32_503_680_000  # the year 3000: a later one is milliseconds read as seconds
_CENT_OF_A_CENT = Decimal("0.0001")


def understood(body: bytes, title: str, translate: Translate) -> Meaning:
    """The meaning of a JSON document. Raises Unreadable for every fault in it, and for a document nobody knows."""
    if not body.strip():
        return ignored("the body is empty: a file or poll with nothing in it")
    try:
        document = without_nul(read_json(body))
    except RecursionError:
        raise unparsable("nested too deeply to be an honest document") from None
    if isinstance(document, list):
        document = {"": document}
    if not isinstance(document, dict):
        raise unparsable("the document is a bare value, neither an object nor a list")
    faults = Faults()
    meaning = translate(Node(document, "", faults))
    faults.raise_if_any()
    if meaning is None:
        refuse_error(document, title)
        keys = ", ".join(map(str, list(document)[:8])) or "none"
        raise unparsable(f"no document Backroom knows from {title} has these keys: {keys[:160]}")
    return meaning


def refuse_error(document: Mapping[str, Any], title: str) -> None:
    """Raises Unreadable with the vendor's own words where the document is an error it answered with."""
    held = document.get("errors") or document.get("error")
    if not held and isinstance(document.get("status"), int) and document["status"] >= 400:
        held = document
    listed = held if isinstance(held, list) else [held] if held else []
    said = [each if isinstance(each, str) else _of_error(each) for each in listed[:3]]
    words = "; ".join(" ".join(each.split())[:160] for each in said if each)
    if words:
        raise unparsable(f"it is an error {title} answered with: {words}")


def _of_error(error: Any) -> str:
    """What an error says of itself, by the keys vendors keep that under."""
    if not isinstance(error, dict):
        return ""
    found = (error.get(key) for key in ("longMessage", "message", "description", "detail", "error_description", "code"))
    return next((each for each in found if isinstance(each, str) and each), "")


def each(nodes: Iterable[Node], one: One, *, empty: str = "the list is empty") -> Meaning:
    """What all documents of a list ask for; one that can't be understood is set aside, so that the others go in."""
    found = list(nodes)
    acts: list[Act] = []
    reason = ""
    for node in found:
        own = Node(node.value, node.path, Faults())
        try:
            asked = one(own)
            own.faults.raise_if_any()
        except Unreadable:
            if len(found) == 1:
                raise
            acts.append(SetAside(write_json(node.value)))
            continue
        if isinstance(asked, str):
            reason = reason or asked
        else:
            acts.extend(asked)
    return Meaning(acts=tuple(acts)) if acts else ignored(reason or empty)


def asks_for_order(told: Node, key: str) -> Meaning:
    """What a notice asks for that names an order and tells nothing of it."""
    ref = told.line(key)
    if not ref:
        told.at(key).fault("is missing")
    told.faults.raise_if_any()
    return Meaning(acts=(AskFor("order", ref),))


def word(node: Node, key: str, known: Mapping[str, Any], what: str) -> Any:
    """What the word under the key means; None and a fault where it is missing or nobody knows it."""
    said = node.text(key, 60)
    if not said:
        node.at(key).fault("is missing")
        return None
    if said.upper() not in known:
        meant = reading.meaning("STATUS", said).upper()
        if meant not in known:
            node.at(key).unknown(said, what, known)
            return None
        return known[meant]
    return known[said.upper()]


def epoch(node: Node, key: str, *, milliseconds: bool = False, needed: bool = False) -> datetime | None:
    """A moment in seconds (or thousandths) since 1970. A figure that is plainly in the other unit is a fault."""
    value = node.raw(key)
    if value in (None, "", 0):
        if needed:
            node.at(key).fault("is missing")
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 16:
        value = int(value)
    unit = 1000 if milliseconds else 1
    if isinstance(value, bool) or not isinstance(value, int) or not _EARLIEST * unit <= value <= _LATEST * unit:
        name = "milliseconds" if milliseconds else "seconds"
        node.at(key).fault(f"should be {name} since 1970, is {shown(value)}")
        return None
    seconds, rest = divmod(value, unit)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000 if milliseconds else 0)


def money(node: Node | None, currency: str, *, amount: str = "amount", named: str = "currency") -> Decimal | None:
    """The amount of a money object, which must be in the order's currency; None where there is none."""
    if node is None or not node.has(amount):
        return None
    said = node.currency(named)
    if said and currency and said != currency:
        node.at(named).fault(f"is {said} in an order of {currency}")
    return node.amount(amount)


def added(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of what was stated, None when nothing was."""
    stated = [amount for amount in amounts if amount is not None]
    return sum(stated, ZERO) if stated else None


def unit_price(total: Decimal, quantity: int) -> Decimal:
    """The price of one of `quantity` units sold for `total`, as fine as Backroom keeps prices."""
    return (total / quantity).quantize(_CENT_OF_A_CENT, rounding=ROUND_HALF_UP)


def holds_tax(*, total: Decimal | None, before_tax: Decimal, tax: Decimal, currency: str, usually: bool) -> bool:
    """Whether an order's prices hold its tax, as its own figures show; `usually` where they fit neither way."""
    if not tax or total is None:
        return usually and bool(tax)
    stated = currencies.rounded(total, currency)
    if stated == currencies.rounded(before_tax, currency):
        return True
    return usually and stated != currencies.rounded(before_tax + tax, currency)


def country(node: Node, *keys: str) -> str:
    """The two-letter code under the first key that says anything; a fault where it is the code of no country."""
    for key in keys:
        said = node.text(key, 40)
        if said:
            found = countries.two_letters(said)
            if not found:
                node.at(key).fault(f"should be the code of a country, is {said!r}")
            return found
    return ""


def address(**parts: str) -> Address | None:
    """The address these parts make, None where they say nothing."""
    found = Address(**{name: text[:255] for name, text in parts.items()})  # type: ignore[arg-type]
    return found if found != Address() else None


def joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)[:255]


# --- Tax -----------------------------------------------------------------------------------------------------------

# Where law makes a marketplace hand on the sales tax of every sale through it, and the marketplace says that it does.
FACILITATED = frozenset({"US"})


def hands_on_tax(order: IncomingOrder, *, keeps: Decimal = ZERO) -> IncomingOrder:
    """The order, its tax marked as the marketplace's to hand on where the buyer's country makes that so, but for what
    it `keeps` for the seller. For marketplaces whose documents don't say it tax by tax."""
    if order.ship_to is None or order.ship_to.country not in FACILITATED or not order.tax_total:
        return order
    lines = tuple(replace(line, marketplace_tax_total=line.tax_total) for line in order.lines)
    rest = order.tax_total - keeps - sum((line.tax_total or ZERO for line in order.lines), ZERO)
    return replace(order, lines=lines, marketplace_shipping_tax_total=rest if rest > 0 else None)
