"""Segments of ours as an interchange of the partner's standard: one group, one document, one control number. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.errors import Permanent
from integrations.channels.edi.kinds import GROUPS
from integrations.files.edifact import CHARACTER_SETS, Marks, Segment
from integrations.models import Connection

Line = Sequence[object]


@dataclass(frozen=True, slots=True)
class Style:
    """How a partner wants to be written to."""

    standard: str
    us: tuple[str, str]  # qualifier, id
    partner: tuple[str, str]
    version: str
    between: str = "*"
    end: str = "~"
    component: str = ">"
    syntax: str = "UNOC"
    test: bool = False

    @property
    def is_x12(self) -> bool:
        return self.standard == "x12"

    @property
    def code_page(self) -> str:
        return "utf-8" if self.is_x12 else CHARACTER_SETS[self.syntax]

    @property
    def content_type(self) -> str:
        return "application/edi-x12" if self.is_x12 else "application/edifact"


def style_of(connection: Connection) -> Style:
    """Raises Permanent naming the setting that is missing or makes no sense."""
    settings = connection.settings
    standard = str(settings.get("standard") or "x12").lower()
    marks = str(settings.get("separators") or "*~>")
    syntax = str(settings.get("syntax") or "UNOC")
    if standard not in {"x12", "edifact"} or len(set(marks)) != 3 or syntax not in CHARACTER_SETS:
        raise Permanent(f"{connection.name}: the settings standard, separators and syntax can't be right.")
    version = str(settings.get("version") or ("004010" if standard == "x12" else "D:96A:UN:EAN005"))
    us, partner = _party(connection, "our_id"), _party(connection, "partner_id")
    test = bool(settings.get("test"))
    return Style(standard, us, partner, version, marks[0], marks[1], marks[2], syntax, test)


def _party(connection: Connection, name: str) -> tuple[str, str]:
    qualifier, colon, code = str(connection.settings.get(name) or "").rpartition(":")
    if not code:
        raise Permanent(f"{connection.name} has no {name} in its settings, such as ZZ:BACKROOM.")
    return qualifier if colon else "ZZ", code


def x12(style: Style, number: int, kind: str, lines: Sequence[Line], at: datetime) -> str:
    """An interchange with this one set, or with a TA1, which stands in no group. What could be taken for a separator is
    written as a blank."""
    control = f"{number:09d}"
    day, time = f"{at:%Y%m%d}", f"{at:%H%M}"
    names = (style.us[0].ljust(2), style.us[1].ljust(15), style.partner[0].ljust(2), style.partner[1].ljust(15))
    isa = ("ISA", "00", " " * 10, "00", " " * 10, *names, day[2:], time, "U", style.version[:5], control, "0",
           "T" if style.test else "P", style.component)  # fmt: skip
    rows: list[Line] = [*lines, ("IEA", 0, control)]
    if kind != "TA1":
        group = ("GS", GROUPS[kind], style.us[1], style.partner[1], day, time, str(number), "X", style.version)
        inside = [("ST", kind, "0001"), *lines, ("SE", len(lines) + 2, "0001")]
        rows = [group, *inside, ("GE", 1, number), ("IEA", 1, control)]
    return f"{style.between.join(isa)}{style.end}\n" + "".join(_x12_line(style, row) for row in rows)


def _x12_line(style: Style, row: Line) -> str:
    words = [_x12_word(style, value) for value in row]
    while len(words) > 1 and not words[-1]:
        words.pop()
    return style.between.join(words) + style.end + "\n"


def _x12_word(style: Style, value: object) -> str:
    text = plain(value) if isinstance(value, Decimal) else str(value if value is not None else "")
    marks = {style.between, style.end, style.component}
    return "".join(" " if c in marks or not c.isprintable() else c for c in text).strip()


def edifact(style: Style, number: int, kind: str, lines: Sequence[Line], at: datetime) -> str:
    """An interchange with this one message. A line is a tag and its elements, each a value or a tuple of components."""
    marks = Marks()
    control = str(number)
    unb = ("UNB", (style.syntax, "3"), _edifact_party(style.us), _edifact_party(style.partner),
           (f"{at:%y%m%d}", f"{at:%H%M}"), control, "", "", "", "", "", "1" if style.test else "")  # fmt: skip
    unh = ("UNH", "1", (kind, *style.version.split(":")))
    rows = [unb, unh, *lines, ("UNT", len(lines) + 2, "1"), ("UNZ", 1, control)]
    return f"{marks.una}\n" + "".join(f"{marks.written(_edifact_segment(row))}\n" for row in rows)


def _edifact_party(party: tuple[str, str]) -> tuple[str, str]:
    return party[1], party[0]


def _edifact_segment(row: Line) -> Segment:
    elements = tuple(
        tuple(_edifact_word(part) for part in (value if isinstance(value, tuple) else (value,))) for value in row
    )
    return Segment(0, elements)


def _edifact_word(value: object) -> str:
    text = plain(value) if isinstance(value, Decimal) else str(value if value is not None else "")
    return "".join(c if c.isprintable() else " " for c in text).strip()


def plain(amount: Decimal) -> str:
    """Without an exponent and without zeros that say nothing."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def hundredths(amount: Decimal) -> str:
    """An amount of type N2."""
    return str(int((amount * 100).to_integral_value()))
