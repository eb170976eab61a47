"""The canonical order or orders of a purchase. Pure.

One order per place the goods go to: a buyer that spreads one order over its shops (SDQ, LOC) without naming one place
that takes everything gets an order for each shop, `PO/shop`. What the buyer grants or charges for the whole is shared
out by the value of the goods, to the cent and without a rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time
from decimal import Decimal

from integrations.channels.edi.places import by_place
from integrations.channels.edi.purchase import CANCEL, Party, Purchase, PurchaseLine
from integrations.channels.edi.terms import EdiTerms
from integrations.channels.edi.units import PIECES
from integrations.channels.shop_documents import piece
from integrations.reading import ZERO, checked
from orders import canonical, currencies
from orders.canonical import Address, Buyer, IncomingLine, IncomingOrder


def orders_of(purchase: Purchase, terms: EdiTerms) -> tuple[IncomingOrder, ...]:
    """The canonical orders. Raises Unreadable."""
    parts = by_place(purchase)
    goods = [_goods(each) for each in parts]
    shares = [_shared(amount, goods, purchase.currency) for amount in purchase.sums]
    found = []
    for index, part in enumerate(parts):
        mine = replace(part)
        mine.sums = [values[index] for values in shares]
        if len(parts) > 1 or purchase.total is None:
            mine.total = _reckoned(mine)
        found.append(_order(mine, terms))
    if len(parts) > 1 and purchase.total is not None:
        _compare(purchase, parts)
    return tuple(found)


def _goods(purchase: Purchase) -> Decimal:
    return sum((line.value for line in purchase.lines), ZERO)


def _shared(amount: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """The amount by these weights in the currency's smallest units; the parts add up to it."""
    if len(weights) == 1 or not amount:
        return [amount, *([ZERO] * (len(weights) - 1))]
    whole, seen, given, parts = sum(weights, ZERO), ZERO, ZERO, []
    for weight in weights:
        seen += weight
        upto = currencies.rounded(amount * seen / whole, currency) if whole else ZERO
        parts.append(upto - given)
        given = upto
    parts[-1] += amount - given
    return parts


def _reckoned(purchase: Purchase) -> Decimal | None:
    """What the order comes to by its own figures; None where one of them is missing."""
    if purchase.unsettled or any(line.price is None for line in purchase.lines):
        return None
    lines = sum((line.charge + line.tax - line.discount for line in purchase.lines), ZERO)
    whole = purchase.shipping + purchase.other + purchase.tax - purchase.discount
    return currencies.rounded(_goods(purchase) + lines + whole, purchase.currency)


def _compare(purchase: Purchase, parts: Sequence[Purchase]) -> None:
    reckoned = _reckoned(purchase)
    if reckoned is not None and currencies.rounded(reckoned, purchase.currency) != purchase.total:
        words = f"The buyer states {purchase.total} for the {len(parts)} orders of {purchase.number} together; "
        for part in parts:
            part.notes.append(f"{words}their lines make {reckoned}.")


def _order(purchase: Purchase, terms: EdiTerms) -> IncomingOrder:
    buyer = purchase.party("BY", "OB", "BS", "PO", "BT", "IV", "DE")
    bill_to = purchase.party("BT", "IV", "RI", "BY")
    to = purchase.party("ST", "DP", "CN", "MA", "UC", "BY")
    account = terms.account_of(*(each.code for each in (buyer, bill_to, to) if each and each.code))
    lines = tuple(_line(line, purchase, terms) for line in purchase.lines)
    discount = purchase.discount + sum((line.discount_total or ZERO for line in lines), ZERO)
    line_taxes = sum((line.tax for line in purchase.lines), ZERO)
    notes = [*purchase.notes, *_dated(purchase), *_units_noted(purchase, terms), *purchase.unsettled]
    po_number = purchase.po or purchase.number
    return checked(
        IncomingOrder(
            channel_ref=purchase.number,
            number=po_number,
            po_number=po_number,
            placed_at=datetime.combine(purchase.day, time(), terms.zone).astimezone(UTC),
            version=purchase.version,
            status="cancelled" if purchase.purpose == CANCEL else "open",
            cancel_reason="Cancelled by the buyer" if purchase.purpose == CANCEL else "",
            currency=purchase.currency,
            lines=lines,
            buyer=Buyer(ref=buyer.code[:120], name=_name(buyer), email=buyer.email[:255], phone=buyer.phone[:255])
            if buyer
            else None,
            ship_to=_address(to),
            bill_to=_address(bill_to),
            discount_total=discount,
            shipping_total=purchase.shipping,
            tax_total=purchase.tax + line_taxes,
            other_total=purchase.other + sum((line.charge for line in purchase.lines), ZERO),
            total=purchase.total,
            account=account,
            payment_terms=f"NET{purchase.net_days}" if account and 0 < purchase.net_days < 1000 else "",
            requested_ship_on=purchase.dates.get("not_before") or purchase.dates.get("ship"),
            note="\n".join(dict.fromkeys(notes))[:5000],
            tags=tuple(dict.fromkeys(tag[:255] for tag in purchase.tags))[:50],
            test=purchase.test,
        )
    )


def _line(line: PurchaseLine, purchase: Purchase, terms: EdiTerms) -> IncomingLine:
    code = _code(line, (*terms.codes, *purchase.codes))
    pieces = terms.units.get(line.unit, 1)
    quantity = line.quantity * pieces
    price = piece(line.value, quantity) if quantity else ZERO
    return IncomingLine(
        ref=line.ref,
        sku=code,
        title=(line.title or code)[:255],
        quantity=quantity,
        unit_price=price,
        discount_total=(line.discount + price * quantity - line.value) or None,
        tax_total=line.tax or None,
    )


def _code(line: PurchaseLine, preferred: Sequence[str]) -> str:
    known = dict(reversed(line.ids))
    return next((known[kind] for kind in preferred if kind in known), line.ids[0][1] if line.ids else "")


def _units_noted(purchase: Purchase, terms: EdiTerms) -> list[str]:
    odd = [line for line in purchase.lines if line.unit not in PIECES and line.unit not in terms.units]
    return [f"Line {line.ref} is ordered by {line.unit}." for line in odd[:20]]


_DATES = {"deliver": "Deliver on", "last_delivery": "Deliver by", "last_ship": "Send by", "cancel": "Cancel after"}


def _dated(purchase: Purchase) -> list[str]:
    return [f"{words} {purchase.dates[name]}." for name, words in _DATES.items() if name in purchase.dates]


def _name(party: Party) -> str:
    return canonical.clean(party.contact or party.name or party.code)[:255]


def _address(party: Party | None) -> Address | None:
    if party is None:
        return None
    lines = [canonical.clean(line) for line in (*party.more_names, *party.lines)]
    street = [line for line in lines if line]
    return Address(
        name=canonical.clean(party.contact)[:255],
        company=canonical.clean(party.name or party.code)[:255],
        line1=street[0][:255] if street else "",
        line2=", ".join(street[1:])[:255],
        city=party.city[:255],
        region=party.region[:255],
        postal_code=party.postal_code[:255],
        country=party.country,
        phone=party.phone[:255],
    )
