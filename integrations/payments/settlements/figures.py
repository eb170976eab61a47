"""Amounts and dates as their file writes them, by what is documented, stated or proven; never by a guess. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from finance.canonical import Fault, Line, Rule
from integrations.payments import minor as smallest_units
from integrations.payments.settlements.tables import Refused, Row
from orders import currencies

ZERO = Decimal(0)
DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_POINT = re.compile(r"[+-]?([0-9]{1,15}|[0-9]{1,3}([ ,'][0-9]{3})+)(\.[0-9]{1,10})?|[+-]?\.[0-9]{1,10}")
_COMMA = re.compile(r"[+-]?([0-9]{1,15}|[0-9]{1,3}([ .'][0-9]{3})+)(,[0-9]{1,10})?|[+-]?,[0-9]{1,10}")
_SYMBOLS = re.compile(r"^([+-]?)\s*(?:[$€£¥₹]|US\$|C\$|A\$|[A-Z]{3}(?=[\s0-9-]))\s*|\s*(?:[$€£¥₹]|[A-Z]{3})$")
MOST = Decimal(10) ** 15


def bare(text: str) -> str:
    """The figure without its currency's sign; parentheses are a minus."""
    text = text.replace("\u00a0", " ").replace("\u202f", " ").strip()
    if text.startswith("(") and text.endswith(")"):
        text = "-" + text[1:-1].strip()
    return _SYMBOLS.sub(r"\1", text).strip()


@dataclass(slots=True)
class Numbers:
    """Reads amounts by one way of writing them and notes what is written otherwise."""

    decimal: str = "."
    faults: list[Fault] = field(default_factory=list)

    def amount(self, text: str, row: int, name: str, *, needed: bool = False) -> Decimal:
        """The amount; zero for an empty cell, or with a fault for one that can't be read."""
        if not text.strip():
            if needed:
                self._note(Rule.UNREADABLE, f"{name} is empty.", row)
            return ZERO
        if any(dash in text for dash in DASHES):
            self._note(Rule.UNICODE_MINUS, f"{name}: {text[:40]!r} has a dash where a minus belongs.", row)
            return ZERO
        plain = bare(text)
        right, wrong = (_POINT, _COMMA) if self.decimal == "." else (_COMMA, _POINT)
        if plain.isascii() and right.fullmatch(plain):
            return self._exact(plain, row, name)
        if plain.isascii() and wrong.fullmatch(plain):
            mark, word = ("comma", "point") if self.decimal == "." else ("point", "comma")
            self._note(Rule.DECIMAL_COMMA, f"{name}: {text[:40]!r} has a decimal {mark} among decimal {word}s.", row)
        else:
            self._note(Rule.UNREADABLE, f"{name}: {text[:40]!r} is no amount.", row)
        return ZERO

    def _exact(self, plain: str, row: int, name: str) -> Decimal:
        grouping = ",' " if self.decimal == "." else ".' "
        figure = Decimal(plain.translate({ord(mark): None for mark in grouping}).replace(",", "."))
        if abs(figure) >= MOST or ((exponent := figure.normalize().as_tuple().exponent) and int(exponent) < -4):
            self._note(Rule.UNREADABLE, f"{name}: {plain[:40]!r} is out of range.", row)
            return ZERO
        return figure

    def _note(self, rule: Rule, message: str, row: int) -> None:
        if len(self.faults) < 50:
            self.faults.append(Fault(rule, message, row))


def proven(cells: Iterable[str], stated: str = "", *, documented: str = "") -> Numbers:
    """The way of writing that is stated, documented, or that all cells prove. Refused where it can't be told.

    Where cells of both ways stand in one file the more frequent one is it, and the others are faults.
    """
    if stated or documented:
        return Numbers(stated or documented)
    points = commas = unclear = 0
    for cell in cells:
        plain = bare(cell)
        as_point, as_comma = bool(_POINT.fullmatch(plain)), bool(_COMMA.fullmatch(plain))
        points += as_point and not as_comma
        commas += as_comma and not as_point
        unclear += as_point and as_comma and ("," in plain or "." in plain)
    if not points and not commas and unclear:
        words = "Whether 1,234 is a thousand or a little more than one must be stated on the connection."
        raise Refused(words, rule=Rule.TERMS_UNSTATED)
    return Numbers("," if commas > points else ".")


def minor(value: object, currency: str, exceptions: Mapping[str, int] = MappingProxyType({})) -> Decimal:
    """An amount in the currency's smallest unit, exactly: 1999 of JPY is 1999. `exceptions` are the provider's own."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise Refused(f"{value!r} is no amount in the smallest unit.", value=value)
    text = str(value)
    if any(dash in text for dash in DASHES):
        raise Refused(f"{text[:40]!r} has a dash where a minus belongs.", rule=Rule.UNICODE_MINUS, value=value)
    if re.fullmatch(r"-?[0-9]{1,15},[0-9]{1,4}", text):
        words = f"{text!r} has a decimal comma, and counts in the smallest unit."
        raise Refused(words, rule=Rule.DECIMAL_COMMA, value=value)
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise Refused(f"{text[:40]!r} is no amount in the smallest unit.", value=value)
    return smallest_units.from_minor(int(text), currency, exceptions)


def unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-currencies.EXPONENTS.get(currency, 2))


def known_currency(text: str, row: int = 0) -> str:
    code = text.strip().upper()
    if not currencies.is_known(code):
        raise Refused(f"Currency: {text[:20]!r} is no currency.", row, Rule.CURRENCY_MIXED)
    return code


def added_up(line: Line, stated_fee: Decimal, currency: str) -> tuple[Line, Fault | None]:
    """The line with the fee that its gross and net say; a fault where the stated fee says otherwise.

    A fee may be written with either sign: only one of them adds up.
    """
    really = line.gross - line.net
    if really in {stated_fee, -stated_fee}:
        return line, None
    off = min(abs(really - stated_fee), abs(really + stated_fee))
    rule = Rule.CENT_SHIFTED if off <= unit(currency) * 2 else Rule.ROW_DISAGREES
    words = f"Gross {line.gross} less a fee of {stated_fee} isn't net {line.net}: it is {off} off."
    return line, Fault(rule, words, line.row, line.payment_ref or line.order_ref or line.ref)


def of_one_currency(said: Iterable[tuple[int, str]], stated: str = "") -> tuple[str, list[Fault]]:
    """The currency of most rows, and a fault for every row in another: amounts of two can't be added up."""
    counts: dict[str, int] = {}
    rows = [(row, code.strip().upper()) for row, code in said if code.strip()]
    for _, code in rows:
        counts[code] = counts.get(code, 0) + 1
    if not counts:
        if not stated:
            raise Refused("It doesn't say its currency; state it on the connection.", rule=Rule.TERMS_UNSTATED)
        return known_currency(stated), []
    usual = stated.upper() or max(counts, key=lambda code: counts[code])
    faults = [
        Fault(Rule.CURRENCY_MIXED, f"Currency: {code} in a payout of {usual}.", row, fatal=True)
        for row, code in rows
        if code != usual
    ]
    return known_currency(usual), faults[:50]


def by_currency(rows: Iterable[Row], *names: str) -> list[list[Row]]:
    """Rows that no payout holds yet, apart by their currency: of several currencies each is paid out by itself.

    A single row in another currency than all the others stays among them, where it is found to be wrong.
    """
    groups: dict[str, list[Row]] = {}
    every = list(rows)
    for row in every:
        groups.setdefault(row.first(*names, "currency").upper(), []).append(row)
    sizes = sorted(len(group) for group in groups.values())
    return [every] if "" in groups or (len(sizes) == 2 and sizes[0] == 1 < sizes[1]) else list(groups.values())


# --- Dates ---------------------------------------------------------------------------------------------------------

_PARTS = re.compile(r"(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})")
_COMPACT = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})")
_CLOCK = re.compile(
    r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*([AaPp][Mm])?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?", re.ASCII
)
# Zones that reports name by their letters; the places that use them have them by name.
ZONES = {
    "PST": -8, "PDT": -7, "MST": -7, "MDT": -6, "CST": -6, "CDT": -5, "EST": -5, "EDT": -4, "GMT": 0, "UTC": 0,
    "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "MET": 1, "MEST": 2, "EET": 2, "EEST": 3, "JST": 9,
    "AEST": 10, "AEDT": 11, "SGT": 8, "HKT": 8, "MESZ": 2, "MEZ": 1, "NZST": 12, "NZDT": 13, "AWST": 8, "ACST": 9.5,
    "ACDT": 10.5, "KST": 9, "HST": -10, "AKST": -9, "AKDT": -8, "BRT": -3, "BRST": -2, "ART": -3, "CLT": -4, "CLST": -3,
    "COT": -5, "PET": -5, "SAST": 2, "MSK": 3, "TRT": 3, "WIB": 7, "ICT": 7, "MYT": 8, "PHT": 8,
}  # fmt: skip


def zone(name: str, row: int = 0) -> tzinfo:
    """A zone by its place, or by letters that mean one offset. Refused for letters nobody knows."""
    from datetime import timezone

    if name.upper() in ZONES:
        return timezone(timedelta(hours=ZONES[name.upper()]))
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        raise Refused(f"{name[:40]!r} is no time zone.", row) from None


def day_order(cells: Iterable[str], stated: str = "") -> str:
    """Whether day or month stands first: as stated, else as the dates themselves prove. Refused where both fit.

    Dots stand between a day and a month in this order alone.
    """
    days_first = months_first = False
    marks = set()
    for cell in cells:
        found = _PARTS.match(cell.strip())
        if found is None or len(found[1]) == 4:
            continue
        marks.add(cell.strip()[found.end(1)])
        days_first |= int(found[1]) > 12
        months_first |= int(found[2]) > 12
    if stated:
        if (stated == "M/D/Y" and days_first) or (stated == "D/M/Y" and months_first):
            raise Refused(f"Its dates aren't written {stated}, as stated on the connection.", rule=Rule.TERMS_UNSTATED)
        return stated
    if days_first and months_first:
        raise Refused("Some of its dates have the day first, others the month.")
    if marks and marks != {"."} and not days_first and not months_first:
        words = "Whether its dates have the day or the month first must be stated on the connection."
        raise Refused(words, rule=Rule.TERMS_UNSTATED)
    return "M/D/Y" if months_first else "D/M/Y"


def a_day(text: str, order: str = "Y-M-D", row: int = 0) -> date | None:
    """The date in a cell; the year may stand first whatever the order is, and without marks. None for an empty one."""
    if not text.strip():
        return None
    found = _PARTS.match(text.strip()) or _COMPACT.fullmatch(text.strip())
    if found is None:
        raise Refused(f"{text[:40]!r} is no date.", row)
    one, two, three = (int(part) for part in found.groups())
    if len(found[1]) == 4:
        year, month, day = one, two, three
    elif order == "M/D/Y":
        year, month, day = three, one, two
    else:
        year, month, day = three, two, one
    try:
        return date(year + 2000 if year < 100 else year, month, day)
    except ValueError:
        raise Refused(f"{text[:40]!r} is no date.", row) from None


def a_moment(text: str, order: str = "Y-M-D", zone_name: str = "UTC", row: int = 0) -> datetime | None:
    """The moment in a cell: with its own offset, else in the zone named. None for an empty cell."""
    text = text.strip()
    day = a_day(text, order, row)
    if day is None:
        return None
    try:
        return _in_utc(text, day, zone_name, row)
    except OverflowError:  # the first or the last day there is, elsewhere
        raise Refused(f"{text[:40]!r} is no time.", row) from None


def _in_utc(text: str, day: date, zone_name: str, row: int) -> datetime:
    found = _CLOCK.search(text, _PARTS.match(text).end() if _PARTS.match(text) else 0)  # type: ignore[union-attr]
    if found is None:
        return datetime(day.year, day.month, day.day, tzinfo=zone(zone_name, row)).astimezone(UTC)
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    if found[4]:
        hour = hour % 12 + (12 if found[4].lower() == "pm" else 0)
    try:
        naive = datetime(day.year, day.month, day.day, hour, minute, min(second, 59))  # noqa: DTZ001
    except ValueError:
        raise Refused(f"{text[:40]!r} is no time.", row) from None
    named = (found[5] or "").replace(":", "")
    if named in {"Z", "UTC", "GMT"}:
        return naive.replace(tzinfo=UTC)
    if named:
        sign = -1 if named[0] == "-" else 1
        return (naive - sign * timedelta(hours=int(named[1:3]), minutes=int(named[3:5]))).replace(tzinfo=UTC)
    return naive.replace(tzinfo=zone(zone_name, row)).astimezone(UTC)
