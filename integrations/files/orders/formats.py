"""How a file writes numbers and times, and reading them by that alone. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.errors import Invalid, Problem
from integrations.files.orders.fields import BY_NAME, NEEDED
from integrations.reading import exact_amount, moment_of
from orders import currencies

DELIMITERS = {"": "As the first row shows", ",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Bar"}
ENCODINGS = {
    "": "UTF-8, else Windows-1252", "utf-8": "UTF-8", "cp1252": "Windows-1252", "iso-8859-15": "Latin 9",
    "cp1250": "Windows-1250 (Central European)", "cp1251": "Windows-1251 (Cyrillic)", "cp932": "Shift JIS (932)",
    "cp850": "DOS (850)", "cp437": "DOS (437)", "mac-roman": "Macintosh", "utf-16": "UTF-16",
}  # fmt: skip
DECIMALS = {".": "12.50", ",": "12,50"}
THOUSANDS = {"": "1000", ",": "1,000", ".": "1.000", " ": "1 000", "'": "1'000"}
DATES = {
    "Y-M-D": ("2026-01-31", "%Y-%m-%d"), "D/M/Y": ("31/01/2026", "%d/%m/%Y"), "M/D/Y": ("01/31/2026", "%m/%d/%Y"),
    "D.M.Y": ("31.01.2026", "%d.%m.%Y"), "D-M-Y": ("31-01-2026", "%d-%m-%Y"), "YMD": ("20260131", "%Y%m%d"),
}  # fmt: skip
_CLOCKS = ("", " %H:%M", " %H:%M:%S", "T%H:%M", "T%H:%M:%S", " %I:%M %p")


@dataclass(frozen=True, slots=True)
class Layout:
    """How the files of one connection are written. Nothing it doesn't say is guessed."""

    columns: Mapping[str, str] = field(default_factory=dict)  # field -> title
    delimiter: str = ""
    encoding: str = ""
    decimal: str = "."
    thousands: str = ""
    dates: str = "Y-M-D"
    time_zone: str = "UTC"
    currency: str = ""
    tax_included: bool = False

    def amount(self, text: str, *, typed: bool) -> Decimal | None:
        """The amount, exact, with at most four decimals; None for what is written in another way. A cell of a
        workbook (`typed`) is a number whatever the file's texts look like."""
        if typed and (found := exact_amount(text)) is not None:
            return found
        mark, point = re.escape(self.thousands), re.escape(self.decimal)
        grouped = rf"-?[0-9]{{1,3}}({mark}[0-9]{{3}})+({point}[0-9]+)?" if mark else "(?!)"
        text = text.replace("\u00a0", " ").replace("\u202f", " ").strip()
        if not re.fullmatch(rf"({grouped})|(-?[0-9]+({point}[0-9]+)?)", text):
            return None
        if mark:
            text = text.replace(self.thousands, "")
        return exact_amount(text.replace(self.decimal, "."))

    def moment(self, text: str) -> datetime | str:
        """The moment, or what is wrong with it. With an offset it is taken as it is, else by the stated zone."""
        if (found := moment_of(text)) is not None:
            return found
        naive = self.naive(text)
        if naive is None or not 1970 <= naive.year < 9000:
            return f"should be a date such as {DATES[self.dates][0]}, is {text[:40]!r}"
        zone = ZoneInfo(self.time_zone)
        local = naive.replace(tzinfo=zone)
        if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != naive:
            return f"is a time that {self.time_zone} skipped: {text[:40]!r}"
        if local.utcoffset() != local.replace(fold=1).utcoffset():
            return f"is a time that {self.time_zone} had twice: {text[:40]!r}"
        return local.astimezone(UTC)

    def naive(self, text: str) -> datetime | None:
        for day in dict.fromkeys((DATES[self.dates][1], "%Y-%m-%d")):  # a workbook's dates are written as ISO's
            for clock in _CLOCKS:
                try:
                    return datetime.strptime(text, day + clock)  # noqa: DTZ007  (its zone follows)
                except ValueError:
                    continue
        return None


def read(settings: Mapping[str, Any], *, currency: str, time_zone: str) -> Layout:
    """The layout as stated; the channel's currency and zone where it names none. Invalid names what makes no sense."""
    known = {each.name for each in fields(Layout)}
    given = {name: value for name, value in settings.items() if name in known}
    problems = [Problem(name, "unknown", "is no setting of a file") for name in settings.keys() - known]
    for name, value in given.items():
        kind: type = {"columns": dict, "tax_included": bool}.get(name, str)
        if not isinstance(value, kind):
            problems.append(Problem(name, "type", "is not written as it should be"))
    if problems:
        raise Invalid(problems, status=422)
    made = replace(Layout(currency=currency, time_zone=time_zone), **{k: v for k, v in given.items() if v != "" or k in
                   {"delimiter", "encoding", "thousands"}})  # fmt: skip
    problems = list(_contradictions(made))
    if problems:
        raise Invalid(problems, status=422)
    return made


def _contradictions(made: Layout) -> list[Problem]:
    found = [
        Problem(f"columns.{name}", "unknown", "is nothing a file of orders is read for")
        for name in made.columns.keys() - BY_NAME.keys()
    ]
    titles = list(made.columns.values())
    if len(set(titles)) != len(titles):
        found.append(Problem("columns", "repeated", "Each column of the file can mean one thing."))
    choices: dict[str, Mapping[str, object]] = {
        "delimiter": DELIMITERS,
        "encoding": ENCODINGS,
        "decimal": DECIMALS,
        "thousands": THOUSANDS,
        "dates": DATES,
    }
    found += [
        Problem(name, "choice", "Choose one of those offered.")
        for name, offered in choices.items()
        if getattr(made, name) not in offered
    ]
    if made.thousands == made.decimal:
        found.append(Problem("thousands", "choice", "Thousands and decimals can't be marked alike."))
    if "currency" not in made.columns and not currencies.is_known(made.currency):
        found.append(Problem("currency", "choice", "Name a currency of ISO 4217, or a column that does."))
    try:
        ZoneInfo(made.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        found.append(Problem("time_zone", "choice", "Name a time zone such as Europe/London."))
    return found


def missing(columns: Mapping[str, str], titles: list[str]) -> list[str]:
    """The titles of fields that are needed and no column of this file brings."""
    return [BY_NAME[name].title for name in NEEDED if columns.get(name) not in titles]
