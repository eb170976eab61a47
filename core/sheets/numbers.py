"""Numbers of a workbook as a person sees them there: a date by its format, and no more digits than Excel keeps. Pure.

A cell of a date holds a count of days; only its format says that it is one (ECMA-376 part 1, 18.8.30 and 18.17.4).
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from decimal import Decimal

_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}  # built-in formats of dates and times
_QUOTED = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!(?:h+|m+|s+)\])[^\]]*\]', re.IGNORECASE)
_NUMBER = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([Ee][+-]?[0-9]{1,3})?")
_WHOLE = re.compile(r"-?[0-9]+")
DIGITS = 15  # that a spreadsheet keeps
LAST_DAY = 2_958_465  # 31 December 9999


class Styles:
    """Which of a workbook's styles show a date."""

    def __init__(self) -> None:
        self._codes: dict[str, str] = {}
        self._formats: list[str] = []

    def name(self, number: str, code: str) -> None:
        self._codes[number] = code

    def add(self, number: str) -> None:
        self._formats.append(number)

    def is_date(self, style: str) -> bool:
        if not (style.isascii() and style.isdigit()) or len(style) > 6 or int(style) >= len(self._formats):
            return False
        number = self._formats[int(style)]
        if number in self._codes:
            positive = _QUOTED.sub("", self._codes[number]).partition(";")[0].lower()
            return "general" not in positive and any(letter in positive for letter in "dmyhs")
        return number.isascii() and number.isdigit() and len(number) < 6 and int(number) in _DATES


def as_date(text: str, *, since_1904: bool) -> str:
    """The day, the moment or the time of day that a count of days means, in ISO's words; "" where it is none."""
    if not _NUMBER.fullmatch(text):
        return ""
    days = float(text)
    if not 0 <= days <= LAST_DAY:
        return ""
    seconds = round(math.fmod(days, 1) * 86_400)
    whole = int(days) + seconds // 86_400
    clock = timedelta(seconds=seconds % 86_400)
    if not whole and not since_1904:
        return str((datetime(1904, 1, 1) + clock).time())  # noqa: DTZ001
    # Excel believes in a 29 February 1900, so that what is before it is a day off.
    first = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 30 if whole > 60 else 31)  # noqa: DTZ001
    try:
        at = first + timedelta(days=whole) + clock
    except OverflowError:
        return ""
    return at.date().isoformat() if not clock else at.isoformat(sep=" ")


def as_shown(text: str) -> str:
    """A number without what its fraction of two can't say: 19.989999999999998 is 19.99, and 12.0 is 12.

    One too large for all its digits stays in powers of ten, so that nobody takes it for an id.
    """
    if _WHOLE.fullmatch(text) or not _NUMBER.fullmatch(text):
        return text
    number = float(text)
    if not math.isfinite(number) or abs(number) >= 10**DIGITS:
        return text
    return format(Decimal(f"{number:.{DIGITS}g}").normalize() + 0, "f")
