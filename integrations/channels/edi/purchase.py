"""A purchase order as EDI states it, whichever syntax it came in, and the order or orders it makes. Pure.

One order per place the goods go to: a buyer that spreads one order over its shops (SDQ, LOC) without naming one place
that takes everything gets an order for each shop, `PO/shop`. What the buyer grants or charges for the whole is shared
out by the value of the goods, to the cent and without a rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal

from integrations.channels.edi.terms import EdiTerms
from integrations.channels.shop_documents import piece
from integrations.reading import ZERO, Faults, checked
from orders import canonical, currencies
from orders.canonical import Address, Buyer, IncomingLine, IncomingOrder

_FOUR_PLACES = Decimal("0.0001")
NEW, CANCEL, CHANGE = "new", "cancel", "change"


@dataclass(slots=True)
class Party:
    """An N1 loop or a NAD group."""

    role: str
    name: str = ""
    code: str = ""
    lines: list[str] = field(default_factory=list)
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""
    contact: str = ""
    phone: str = ""
    email: str = ""
    more_names: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, ...]:
        """What tells two places apart: the code, or else the address without regard to capitals."""
        if self.code:
            return (self.code,)
        parts = (*self.lines, self.city, self.region, self.postal_code)
        return tuple(part.casefold() for part in parts if part)

    @property
    def is_addressed(self) -> bool:
        return bool(self.lines or self.city or self.postal_code)


@dataclass(slots=True)
class PurchaseLine:
    """One line. `quantity` is in `unit`s; `price` is for one of them, None where the buyer states none."""

    ref: str
    quantity: int
    unit: str
    path: str
    price: Decimal | None = None
    ids: tuple[tuple[str, str], ...] = ()
    title: str = ""
    discount: Decimal = ZERO
    charge: Decimal = ZERO
    tax: Decimal = ZERO
    spread: list[tuple[str, int]] = field(default_factory=list)  # (shop, units)
    place: Party | None = None
    change: str = ""  # what an order change does to it
    quantity_said: bool = True

    @property
    def value(self) -> Decimal:
        """What its units cost, to four places: the price of a dozen or a hundred rarely divides."""
        return ((self.price or ZERO) * self.quantity).quantize(_FOUR_PLACES, ROUND_HALF_UP)


@dataclass(slots=True)
class Purchase:
    """The document, as stated. `purpose` is NEW, CANCEL or CHANGE, and `version` the moment it was written."""

    number: str
    purpose: str
    version: int
    day: date
    currency: str
    codes: tuple[str, ...]  # which of a line's numbers is taken for ours, the likeliest first
    po: str = ""  # the buyer's number, where `number` says more: a release, a place
    test: bool = False
    lines: list[PurchaseLine] = field(default_factory=list)
    parties: list[Party] = field(default_factory=list)
    discount: Decimal = ZERO
    shipping: Decimal = ZERO
    other: Decimal = ZERO
    tax: Decimal = ZERO
    total: Decimal | None = None
    unsettled: list[str] = field(default_factory=list)  # why the total can't be reckoned
    dates: dict[str, date] = field(default_factory=dict)
    net_days: int = 0
    notes: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)

    @property
    def sums(self) -> list[Decimal]:
        """What is granted or charged for the whole."""
        return [self.discount, self.shipping, self.other, self.tax]

    @sums.setter
    def sums(self, values: Sequence[Decimal]) -> None:
        self.discount, self.shipping, self.other, self.tax = values

    def party(self, *roles: str) -> Party | None:
        """The first of these roles that is named."""
        return next((each for role in roles for each in self.parties if each.role == role), None)


def orders_of(purchase: Purchase, terms: EdiTerms) -> tuple[IncomingOrder, ...]:
    """The canonical orders. Raises Unreadable."""
    parts = _by_place(purchase)
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


def amended(base: Purchase, change: Purchase) -> Purchase:
    """The order after a change to it: its cancellation, or lines added, altered and taken off.

    Raises Unreadable for what can't be done to what was ordered.
    """
    if change.purpose == CANCEL:
        return replace(base, purpose=CANCEL, version=change.version, notes=[*base.notes, *change.notes])
    faults = Faults()
    lines = list(base.lines)
    for said in change.lines:
        _amend(lines, said, faults)
    faults.raise_if_any()
    after = replace(
        base,
        version=change.version,
        lines=lines or base.lines,
        purpose=base.purpose if lines else CANCEL,
        total=change.total,
        dates=base.dates | change.dates,
        notes=[*base.notes, *(note for note in change.notes if note not in base.notes)],
        parties=_renewed(base.parties, change.parties),
    )
    after.sums = [anew or known for anew, known in zip(change.sums, base.sums, strict=True)]
    return after


def _renewed(before: list[Party], said: list[Party]) -> list[Party]:
    """A change that names a place by its address means another place; one by its code alone repeats it."""
    anew = {each.role: each for each in said if each.is_addressed}
    return [anew.pop(each.role, each) for each in before] + list(anew.values())


def _amend(lines: list[PurchaseLine], said: PurchaseLine, faults: Faults) -> None:
    at = next((index for index, line in enumerate(lines) if _same(line, said)), None)
    if said.change == "add":
        if at is None:
            lines.append(said)
        else:
            faults.add(said.path, f"adds line {said.ref}, which is ordered already")
        return
    if at is None:
        faults.add(said.path, f"changes line {said.ref or '?'}, which was never ordered")
        return
    known = lines[at]
    if said.change == "keep":
        return
    if said.change == "delete":
        del lines[at]
        return
    quantity = known.quantity
    if said.quantity_said:
        quantity = {"more": quantity + said.quantity, "less": quantity - said.quantity}.get(said.change, said.quantity)
    wrong = {"up": quantity <= known.quantity, "down": quantity >= known.quantity}.get(said.change, False)
    if wrong and said.quantity_said:
        words = f"{'raises' if said.change == 'up' else 'lowers'} line {known.ref} to {quantity}, {known.quantity} are "
        hint = 'ordered; where it means by how many, set "change_quantities": "difference"'
        faults.add(said.path, words + hint)
    elif quantity < 0:
        faults.add(said.path, f"takes {said.quantity} off line {known.ref}, of which {known.quantity} are ordered")
    elif quantity == 0:
        del lines[at]
    else:
        lines[at] = replace(
            known,
            quantity=quantity,
            price=known.price if said.price is None else said.price,
            spread=said.spread or (known.spread if quantity == known.quantity else []),
            title=said.title or known.title,
            ids=said.ids if said.change == "replace" and said.ids else known.ids,
        )


def _same(line: PurchaseLine, said: PurchaseLine) -> bool:
    """By its number; a change that gives none names the article."""
    if said.ref:
        return line.ref == said.ref
    return bool(set(said.ids) & set(line.ids))


# --- Places


def _by_place(purchase: Purchase) -> list[Purchase]:
    """One purchase for each place the goods go to, in the order they are first named."""
    whole = purchase.party("ST", "DP")
    if whole is None and any(line.spread for line in purchase.lines):
        return [_for_shop(purchase, shop) for shop in _shops(purchase.lines)]
    places: dict[tuple[str, ...], Party] = {}
    for line in purchase.lines:
        place = _place(line, whole)
        if place is not None:
            places.setdefault(place.key, place)
    if len(places) < 2:
        return [_spread_lines(purchase, next(iter(places.values()), None))]
    return [_for_place(purchase, place, n, whole) for n, place in enumerate(places.values(), 1)]


def _place(line: PurchaseLine, whole: Party | None) -> Party | None:
    """The line's own place, unless it only repeats the order's address under another name."""
    if line.place is None or (whole and (not line.place.key or line.place.key == whole.key)):
        return whole
    return line.place


def _shops(lines: Iterable[PurchaseLine]) -> list[str]:
    return list(dict.fromkeys(shop for line in lines for shop, _ in line.spread))


def _for_shop(purchase: Purchase, shop: str) -> Purchase:
    lines = []
    for line in purchase.lines:
        units = sum(each for name, each in line.spread if name == shop)
        if units:
            lines.append(_part(line, units))
    place = Party("ST", code=shop, name=shop)
    parties = [*purchase.parties, place]
    return replace(
        purchase, number=f"{purchase.number}/{shop}", po=purchase.po or purchase.number, lines=lines, parties=parties
    )


def _for_place(purchase: Purchase, place: Party, n: int, whole: Party | None) -> Purchase:
    lines = [line for line in purchase.lines if (mine := _place(line, whole)) and mine.key == place.key]
    parties = [replace(place, role="ST"), *(each for each in purchase.parties if each.role not in {"ST", "DP"})]
    return replace(
        purchase,
        number=f"{purchase.number}/{place.code or n}",
        po=purchase.po or purchase.number,
        lines=lines,
        parties=parties,
    )


def _spread_lines(purchase: Purchase, place: Party | None) -> Purchase:
    """One place takes it all; what it passes on to shops stays told apart, as lines of their own."""
    lines = []
    for line in purchase.lines:
        if not line.spread:
            lines.append(line)
            continue
        for shop, units in line.spread:
            part = _part(line, units)
            part.ref, part.title = f"{line.ref}/{shop}", f"{line.title} (for {shop})".strip()
            lines.append(part)
    parties = purchase.parties
    if place is not None and purchase.party("ST", "DP") is None:
        parties = [*parties, replace(place, role="ST")]
    return replace(purchase, lines=lines, parties=parties)


def _part(line: PurchaseLine, units: int) -> PurchaseLine:
    """So many units of a line, with that share of what is said of its money, and none of it said twice."""

    def share(amount: Decimal) -> Decimal:
        return (amount * units / line.quantity).quantize(_FOUR_PLACES, ROUND_HALF_UP) if line.quantity else ZERO

    money = (share(line.discount), share(line.charge), share(line.tax))
    return replace(line, quantity=units, spread=[], discount=money[0], charge=money[1], tax=money[2])


# --- Money


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


# --- The canonical order


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
    from integrations.channels.edi.units import PIECES

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
