"""How values read on a screen: money, counts, moments and spans of time. Pure, and in British English."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal

MINUS = "\N{MINUS SIGN}"
# ISO 4217 minor units where they aren't two.
_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_EXPONENTS = dict.fromkeys(_NONE.split(), 0) | dict.fromkeys(_THREE.split(), 3)
_SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$", "JPY": "¥", "INR": "₹", "KRW": "₩", "PLN": "zł "}


def exponent(currency: str) -> int:
    """How many decimals an amount of this currency has."""
    return _EXPONENTS.get(currency, 2)


def money(amount: Decimal | int | str | None, currency: str) -> str:
    """`£18,420.00`, `−€5.00`, `¥1,200`, `CHF 12.50`; nothing for None."""
    if amount is None:
        return ""
    value = Decimal(amount).quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_HALF_UP)
    symbol = _SYMBOLS.get(currency) or (f"{currency}\N{NO-BREAK SPACE}" if currency else "")
    return f"{MINUS if value < 0 else ''}{symbol}{abs(value):,f}"


def number(value: Decimal | int | None) -> str:
    """A count with its thousands apart."""
    if value is None:
        return ""
    return f"{value:,}".replace("-", MINUS)


def masked_address(address: str) -> str:
    """`a•••@example.org`: enough of an e-mail address to recognise it, not enough to write to it; nothing for none."""
    name, at, domain = address.partition("@")
    return f"{name[:1]}•••@{domain}" if at else ""


def plural(count: int, one: str, many: str = "") -> str:
    """`1 row`, `1,204 rows`."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def duration(span: timedelta | float) -> str:
    """`24 m`, `3 h 05 m`, `2 d 4 h`; seconds only below a minute. Takes a timedelta or seconds, never negative."""
    seconds = int(abs(span.total_seconds() if isinstance(span, timedelta) else span))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if not minutes:
        return f"{seconds} s"
    if not hours:
        return f"{minutes} m"
    if days < 2:
        return f"{hours} h {minutes % 60:02} m"
    return f"{days} d {hours % 24} h"


def spoken(span: timedelta | float) -> str:
    """The same for a screen reader, who says "24 metres" for "24 m"."""
    words = {"s": "second", "m": "minute", "h": "hour", "d": "day"}
    parts = duration(span).split()
    return " ".join(plural(int(n), words[unit]) for n, unit in zip(parts[::2], parts[1::2], strict=True))


def ago(moment: datetime, now: datetime) -> str:
    """`12 m ago`, `in 3 h 05 m`, `just now`."""
    left = (moment - now).total_seconds()
    if abs(left) < 60:
        return "just now" if left <= 0 else "now"
    return f"in {duration(left)}" if left > 0 else f"{duration(left)} ago"


def zone_name(moment: datetime) -> str:
    """`GMT`, `BST`, `CET`; zones without letters read `UTC+04`."""
    name = moment.tzname() or ""
    return f"UTC{name}" if name[:1] in "+-" else name


def clock(moment: datetime, zone: tzinfo) -> str:
    return moment.astimezone(zone).strftime("%H:%M")


def day(moment: date | datetime, zone: tzinfo, today: date | None = None) -> str:
    """`Sat 21 Nov`, with the year where it isn't this one."""
    value = moment.astimezone(zone).date() if isinstance(moment, datetime) else moment
    words = f"{value:%a} {value.day} {value:%b}"
    return words if today and value.year == today.year else f"{words} {value.year}"


def when(moment: datetime, zone: tzinfo, now: datetime) -> str:
    """`Today 13:57 GMT`, `Yesterday 09:10 GMT`, `Sat 21 Nov 14:00 GMT`: the shortest that can't be misread."""
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    name = {0: "Today", -1: "Yesterday", 1: "Tomorrow"}.get((local.date() - today).days) or day(local, zone, today)
    return f"{name} {local:%H:%M} {zone_name(local)}"


def moment(value: datetime, zone: tzinfo) -> str:
    """`20 Nov 2026, 13:57:08 GMT`."""
    local = value.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M:%S} {zone_name(local)}"


def size(count: int) -> str:
    """`812 B`, `14.2 KB`, `3.1 MB`."""
    value = float(count)
    for unit in ("B", "KB", "MB"):
        if value < 1000 or unit == "MB":
            return f"{int(value)} B" if unit == "B" else f"{value:,.1f} {unit}"
        value /= 1000
    raise AssertionError
