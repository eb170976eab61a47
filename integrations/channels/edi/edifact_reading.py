"""Values of EDIFACT elements, read strictly: every fault with its segment, nothing raised. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal

from integrations.channels.edi.purchase import Party
from integrations.files.edifact import Message, Segment
from integrations.reading import Faults, shown
from orders import canonical

_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{0,12})?|-?\.[0-9]{1,12}")
# Format qualifiers (element 2379) that name a day, and how many digits they have.
_FORMATS = {
    "2": "%d%m%y", "101": "%y%m%d", "102": "%Y%m%d", "201": "%y%m%d%H%M", "203": "%Y%m%d%H%M", "204": "%Y%m%d%H%M%S",
    "303": "%Y%m%d%H%M",
}  # fmt: skip
_LENGTHS = {"2": 6, "101": 6, "102": 8, "201": 10, "203": 12, "204": 14, "303": 12}
_PERIODS = {"718": 8, "713": 12, "711": 8}  # a first and a last moment: the first counts
_COUNTRIES_BY_NUMBER = {"276": "DE", "528": "NL", "056": "BE", "040": "AT", "756": "CH", "250": "FR", "826": "GB"}


def number(segment: Segment, element: int, component: int, faults: Faults) -> Decimal | None:
    """A decimal with a point or a comma, which ISO 9735 holds for the same; None where there is none."""
    text = segment.get(element, component)
    if not text:
        return None
    plain = text.replace(",", ".") if text.count(",") == 1 and "." not in text else text
    if not _NUMBER.fullmatch(plain):
        faults.add(segment.path, f"should hold a number, holds {shown(text)}")
        return None
    return Decimal(plain)


def units(segment: Segment, faults: Faults) -> int | None:
    """The whole number of a QTY."""
    found = number(segment, 1, 1, faults)
    if found is None:
        return None
    if found != found.to_integral_value() or not 0 <= found <= canonical.MAX_QUANTITY:
        faults.add(segment.path, f"should be a whole number of units, is {shown(segment.get(1, 1))}")
        return None
    return int(found)


def day(segment: Segment, faults: Faults) -> date | None:
    """The day a DTM names, by its format qualifier; a period is its first day."""
    text, form = segment.get(1, 1), segment.get(1, 2) or "102"
    if not text:
        return None
    if form in _PERIODS:
        text, form = text.partition("-")[0][: _PERIODS[form]], "102" if _PERIODS[form] == 8 else "203"
    if form not in _FORMATS:
        faults.add(segment.path, f"gives its date in a form Backroom doesn't read, {shown(form)}")
        return None
    digits = text[: _LENGTHS[form]] if form == "303" else text
    try:
        if len(digits) != _LENGTHS[form] or not digits.isascii() or not digits.isdigit():
            raise ValueError
        found = datetime.strptime(digits, _FORMATS[form]).date()  # noqa: DTZ007  (a day has no zone)
    except ValueError:
        faults.add(segment.path, f"should be a date in form {form}, is {shown(text)}")
        return None
    if not 1970 <= found.year < 9000:
        faults.add(segment.path, f"should be a date between 1970 and 9000, is {shown(text)}")
        return None
    return found


def written_at(found: Message, faults: Faults) -> int:
    """When the interchange was prepared: what tells a newer document from an older one."""
    unb = found.interchange.unb
    date_, time = unb.get(4), unb.get(4, 1)
    form = "%Y%m%d" if len(date_) == 8 else "%y%m%d"
    try:
        if not (date_ + time).isdigit():
            raise ValueError
        moment = datetime.strptime(f"{date_}{time[:4].ljust(4, '0')}", f"{form}%H%M").replace(tzinfo=UTC)
    except ValueError:
        faults.add(unb.path, f"should say when it was prepared, says {shown(f'{date_}:{time}')}")
        return 0
    return canonical.microseconds(moment)


def party(segment: Segment) -> Party:
    """A NAD: structured, or the older five lines of name and address."""
    names = [text for component in range(5) if (text := segment.get(4, component))]
    loose = [text for component in range(5) if (text := segment.get(3, component))]
    if not names:
        names, loose = loose[:1], loose[1:]
    country = segment.get(9).upper()
    country = _COUNTRIES_BY_NUMBER.get(country, country)
    return Party(
        role=segment.get(1),
        code=segment.get(2),
        name=" ".join(names),
        lines=loose + [text for component in range(4) if (text := segment.get(5, component))],
        city=segment.get(6),
        region=segment.get(7),
        postal_code=segment.get(8),
        country=country if len(country) == 2 and country.isascii() and country.isalpha() else "",
    )


def contact(to: Party, segment: Segment) -> None:
    """What CTA and COM add to the NAD before them."""
    if segment.name == "CTA":
        to.contact = segment.get(2, 1) or to.contact
        return
    if segment.get(1, 1) == "EM":
        to.email = to.email or segment.get(1)
    elif segment.get(1, 1) in {"TE", "AL", "MA"}:
        to.phone = to.phone or segment.get(1)


def ids(segment: Segment, first: int) -> list[tuple[str, str]]:
    """(type, number) of a LIN's or PIA's article numbers."""
    return [
        (segment.get(element, 1).upper(), segment.get(element))
        for element in range(first, len(segment.elements))
        if segment.get(element) and segment.get(element, 1)
    ]
