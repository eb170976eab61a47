"""Where the goods of a purchase go: one purchase for each place, in the order they are first named. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from integrations.channels.edi.purchase import FOUR_PLACES, Party, Purchase, PurchaseLine
from integrations.reading import ZERO


def by_place(purchase: Purchase) -> list[Purchase]:
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
        return (amount * units / line.quantity).quantize(FOUR_PLACES, ROUND_HALF_UP) if line.quantity else ZERO

    money = (share(line.discount), share(line.charge), share(line.tax))
    return replace(line, quantity=units, spread=[], discount=money[0], charge=money[1], tax=money[2])
