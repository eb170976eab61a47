"""From the rows of an uploaded table to what a source says: columns recognised, every bad row named. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from inventory.snapshots import LIMIT, STATUS_LENGTH, Code, ReportedLine, status_key

CODE, PLACE, STATUS, QUANTITY = "code", "place", "status", "quantity"
NEEDED = (CODE, QUANTITY, PLACE, STATUS)
TITLES = {CODE: "Item code", PLACE: "Place", STATUS: "Status", QUANTITY: "Units"}
# Headers that say by themselves what a column is. Anything else is for a person to point at.
_KNOWN = {
    CODE: {"sku", "item", "item_code", "item_number", "article", "article_number", "product_code", "material", "code"},
    PLACE: {
        "location",
        "location_code",
        "place",
        "store",
        "store_code",
        "warehouse",
        "warehouse_code",
        "site",
        "plant",
    },
    STATUS: {"status", "state", "stock_status", "stock_type", "condition", "disposition"},
    QUANTITY: {"quantity", "qty", "units", "on_hand", "stock", "stock_level", "available", "count"},
}
_WHOLE = re.compile(r"-?[0-9]{1,10}(\.0{1,4})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row that can't be taken: where it stood in the file, which rule it breaks, in words."""

    number: int
    rule: str
    message: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parsed:
    lines: list[ReportedLine]
    numbers: list[int]  # where each line stood in the file
    bad: list[BadRow]


def recognise(header: Sequence[str]) -> dict[str, int]:
    """Which column is what, where the header says it beyond doubt: exactly one column of that name."""
    keys = [status_key(title) for title in header]
    found = {}
    for need, names in _KNOWN.items():
        places = [n for n, key in enumerate(keys) if key in names]
        if len(places) == 1:
            found[need] = places[0]
    return found


def own_word(header: Sequence[str], columns: Mapping[str, int]) -> str:
    """The status a file without such a column says by the title of its figures ("On hand"); "" where it says none."""
    if STATUS in columns or QUANTITY not in columns:
        return ""
    title = header[columns[QUANTITY]]
    return "" if status_key(title) in {"quantity", "qty", "units", "count"} else title[:STATUS_LENGTH]


def parse(
    rows: Sequence[tuple[str, ...]],
    numbers: Sequence[int],
    columns: Mapping[str, int],
    *,
    width: int,
    place: str = "",
    status: str = "",
) -> Parsed:
    """Every row (without the header) as a line, or as a bad row with its rule. `place` and `status` stand in where the
    file has no such column; `width` is how many titles there are."""
    parsed = Parsed([], [], [])
    for number, row in zip(numbers, rows, strict=True):
        cells = {need: row[at] if at < len(row) else "" for need, at in columns.items()}
        found = _line(cells.get(CODE, ""), cells.get(PLACE, place), cells.get(STATUS, status), cells.get(QUANTITY, ""))
        if any(row[width:]):
            found = "cells", f"It has more cells than the {width} titles: does a value hold the separator unquoted?"
        if isinstance(found, ReportedLine):
            parsed.lines.append(found)
            parsed.numbers.append(number)
        else:
            parsed.bad.append(BadRow(number, *found, row))
    return parsed


def _line(code: str, place: str, status: str, quantity: str) -> ReportedLine | tuple[str, str]:
    if not code or len(code) > 200:
        return "code", "It names no item." if not code else "The item code is longer than 200 characters."
    if any(not c.isprintable() for c in code + place + status):
        return "text", "It holds characters that can't be printed."
    if not place or len(place) > 200:
        return "place", "It names no place."
    if not status or len(status) > STATUS_LENGTH:
        return (
            "status",
            "It names no status." if not status else f"The status is longer than {STATUS_LENGTH} characters.",
        )
    if not quantity:
        return "quantity", "It says no number of units; none is 0."
    if not _WHOLE.fullmatch(quantity) or abs(units := int(quantity.partition(".")[0])) > LIMIT:
        return "quantity", f"{quantity[:40]!r} is no whole number of units."
    return ReportedLine((Code(code),), place, status, units)
