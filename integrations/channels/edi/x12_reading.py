"""Values of X12 elements, read strictly: every fault with its segment and element, nothing raised. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal

from integrations.channels.edi.purchase import Party
from integrations.channels.edi.units import code_list
from integrations.files.x12 import Segment, Transaction
from integrations.reading import Faults, shown
from orders import canonical, currencies

_NUMBER = re.compile(r"-?(?:[0-9]{1,15}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})")
_DATE8, _DATE6 = re.compile(r"[0-9]{8}"), re.compile(r"[0-9]{6}")
_TIME = re.compile(r"[0-9]{4}(?:[0-9]{2}(?:[0-9]{1,2})?)?")
# Canadian provinces; whatever else N402 names is a state of the United States (X12: N402 only for these two countries).
_PROVINCES = code_list("AB BC MB NB NF NL NS NT NU ON PE PQ QC SK YT")
_STATES = code_list(
    "AA AE AK AL AP AR AS AZ CA CO CT DC DE FL FM GA GU HI IA ID IL IN KS KY LA MA MD ME MH MI MN MO MP MS MT NC ND NE "
    "NH NJ NM NV NY OH OK OR PA PR PW RI SC SD TN TX UM UT VA VI VT WA WI WV WY"
)
_THREE_LETTERS = {"USA": "US", "CAN": "CA", "MEX": "MX", "GBR": "GB", "DEU": "DE", "FRA": "FR", "CHN": "CN"}


def element(segment: Segment, position: int) -> str:
    return f"{segment.path}{position:02d}"


def number(segment: Segment, position: int, faults: Faults) -> Decimal | None:
    """A decimal number as X12 writes it, None where there is none."""
    text = segment[position]
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        faults.add(element(segment, position), f"should be a number, is {shown(text)}")
        return None
    return Decimal(text)


def units(segment: Segment, position: int, faults: Faults) -> int | None:
    """A whole number of units, written with or without decimals."""
    found = number(segment, position, faults)
    if found is None:
        return None
    if found != found.to_integral_value() or not 0 <= found <= canonical.MAX_QUANTITY:
        faults.add(element(segment, position), f"should be a whole number of units, is {shown(segment[position])}")
        return None
    return int(found)


def cents(segment: Segment, position: int, faults: Faults) -> Decimal | None:
    """An amount of type N2: whole hundredths, unless the sender wrote the point all the same."""
    found = number(segment, position, faults)
    if found is None:
        return None
    return found if "." in segment[position] else found / 100


def day(segment: Segment, position: int, faults: Faults) -> date | None:
    """A date of eight digits, or of six as releases before 4010 have them."""
    text = segment[position]
    if not text:
        return None
    form = "%Y%m%d" if _DATE8.fullmatch(text) else "%y%m%d" if _DATE6.fullmatch(text) else ""
    try:
        found = datetime.strptime(text, form or "-").date()  # noqa: DTZ007  (a day has no zone)
    except ValueError:
        faults.add(element(segment, position), f"should be a date, is {shown(text)}")
        return None
    if not 1970 <= found.year < 9000:
        faults.add(element(segment, position), f"should be a date between 1970 and 9000, is {shown(text)}")
        return None
    return found


def currency(segment: Segment, position: int, faults: Faults) -> str:
    text = segment[position]
    if text and not currencies.is_known(text):
        faults.add(element(segment, position), f"should be a currency of ISO 4217, is {shown(text)}")
        return ""
    return text


def written_at(found: Transaction, faults: Faults) -> int:
    """When the set was written, by its group's or its interchange's header: what tells a newer from an older one."""
    isa, group = found.interchange.isa, found.group
    for date_, time in ((group[4], group[5]), (isa[9], isa[10])):
        moment = _moment(date_, time)
        if moment is not None:
            return canonical.microseconds(moment)
    faults.add(f"{group.path}04", f"should be a date, is {shown(group[4])}")
    return 0


def _moment(date_: str, time: str) -> datetime | None:
    form = "%Y%m%d" if _DATE8.fullmatch(date_) else "%y%m%d" if _DATE6.fullmatch(date_) else ""
    clock = time if _TIME.fullmatch(time) else "0000"
    try:
        found = datetime.strptime(f"{date_} {clock[:6].ljust(6, '0')}", f"{form} %H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return found if form and 1970 <= found.year < 9000 else None


def address(party: Party, segment: Segment) -> None:
    """What N2, N3, N4 or PER adds to the N1 before it."""
    match segment.name:
        case "N2":
            party.more_names.extend(text for text in (segment[1], segment[2]) if text)
        case "N3":
            party.lines.extend(text for text in (segment[1], segment[2]) if text)
        case "N4":
            party.city, party.region, party.postal_code = segment[1], segment[2], segment[3]
            party.country = _country(segment)
        case "PER":
            _contact(party, segment)


def _country(segment: Segment) -> str:
    """N404; without it a state or province says which of the two countries is meant."""
    said = segment[4].upper()
    if said:
        said = _THREE_LETTERS.get(said, said)
        return said if len(said) == 2 and said.isascii() and said.isalpha() else ""
    region = segment[2].upper()
    return "CA" if region in _PROVINCES else "US" if region in _STATES else ""


def _contact(party: Party, segment: Segment) -> None:
    party.contact = party.contact or segment[2]
    for qualifier, value in segment.pairs(3):
        if qualifier in {"TE", "WP", "CP"}:
            party.phone = party.phone or value
        elif qualifier == "EM":
            party.email = party.email or value
