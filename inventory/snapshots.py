"""What another system says about our stock, and what follows from it: values in, values out, no database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from core.errors import Invalid, Problem
from inventory import skus

STATES = ("sellable", "damaged", "quarantined", "awaiting_inspection", "in_transit_in")
HERE = STATES[:4]  # what stands on the premises; the fifth is on its way
# What a figure may be about: one of our states, the overlay `reserved`, or one of two sums of ours:
# free = sellable - reserved, on_hand = everything on the premises.
LEVELS = (*STATES, "reserved", "free", "on_hand")
IGNORED = "ignored"
MEANINGS = (*LEVELS, IGNORED)
WORDS = {
    "sellable": "Sellable, promised units included",
    "free": "Free to sell, promised units left out",
    "on_hand": "Everything on the premises",
    "reserved": "Promised to customers",
    "damaged": "Damaged",
    "quarantined": "Quarantined",
    "awaiting_inspection": "Awaiting inspection",
    "in_transit_in": "On its way here",
    IGNORED: "Not a stock level: leave it out",
}
STATUS_LENGTH = 60
MAX_LINES = 100_000  # in one transaction, within a worker's time
LIMIT = 1_000_000_000
AHEAD = timedelta(minutes=5)  # clocks differ
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
DAY_AHEAD = timedelta(hours=24 + 14)  # the end of a day in UTC, while it begins where it begins first
SKU, GTIN, ALIAS = "sku", "gtin", "alias"


def moment_problem(as_of: datetime, now: datetime, ahead: timedelta = AHEAD) -> Problem | None:
    """What is wrong with the moment figures are said to be true at."""
    if as_of.tzinfo is None:
        return Problem("as_of", "timezone", "A moment needs its offset from UTC.")
    if as_of < LONG_AGO:
        return Problem("as_of", "past", f"Nobody compares the stock of before {LONG_AGO.year}.")
    if as_of > now + ahead:
        return Problem("as_of", "future", "Nobody can know what stock will be.")
    return None


@dataclass(frozen=True, slots=True)
class Code:
    """One name a source has for an item. `alias` codes are its own ids: never looked up among our SKUs."""

    value: str
    kind: str = SKU


@dataclass(frozen=True, slots=True)
class ReportedLine:
    """One figure. `quantity` None means the source does not track the item there; `fault` says why it is no figure."""

    codes: tuple[Code, ...]
    place: str
    status: str
    quantity: int | None
    fault: str = ""

    @property
    def code(self) -> str:
        return self.codes[0].value if self.codes else ""


@dataclass(frozen=True, slots=True)
class IncomingSnapshot:
    """What one source believes at `as_of`. `complete`: of what it doesn't name at a place it has none there.

    `whole_day`: the source names a day only, and `as_of` is its end in UTC; while the day lasts it speaks of now.
    """

    ref: str
    as_of: datetime | None
    lines: tuple[ReportedLine, ...]
    complete: bool = False
    remarks: tuple[str, ...] = ()
    whole_day: bool = False


def status_key(word: str) -> str:
    """Status words are compared without regard to case, blanks and punctuation between words."""
    plain = skus.normalise(word).casefold()
    return "_".join("".join(c if c.isalnum() else " " for c in plain).split())[:STATUS_LENGTH]


def checked(snapshot: IncomingSnapshot, now: datetime) -> datetime:
    """The moment the snapshot speaks of, or Invalid naming what can't be."""
    problems = []
    if not snapshot.ref or len(snapshot.ref) > 150 or not snapshot.ref.isprintable():
        problems.append(Problem("ref", "text", "A reference of 1 to 150 printable characters is needed."))
    if not snapshot.lines:
        problems.append(Problem("lines", "required", "A snapshot without lines says nothing."))
    if len(snapshot.lines) > MAX_LINES:
        raise Invalid([Problem("lines", "too_long", f"At most {MAX_LINES:,} lines at once.")], status=413)
    as_of = snapshot.as_of or now
    if wrong := moment_problem(as_of, now, DAY_AHEAD if snapshot.whole_day else AHEAD):
        problems.append(wrong)
    if problems:
        raise Invalid(problems)
    return min(as_of, now)


def fingerprint(snapshot: IncomingSnapshot) -> bytes:
    """What tells a repeat from another snapshot that borrowed the reference: time and lines, whatever their order."""
    lines = sorted(
        json.dumps(
            [[f"{code.kind}:{code.value}" for code in line.codes], line.place, line.status, line.quantity, line.fault]
        )
        for line in snapshot.lines
    )
    as_of = snapshot.as_of.astimezone(UTC).isoformat() if snapshot.as_of else ""
    return hashlib.sha256(json.dumps([as_of, snapshot.complete, lines]).encode()).digest()


Levels = Mapping[str, int | None]


def ours(states: Mapping[str, int], reserved: int) -> dict[str, int]:
    """Our figure for every measure a source may speak of."""
    own = {state: states[state] for state in STATES}
    return {
        **own,
        "reserved": reserved,
        "free": own["sellable"] - reserved,
        "on_hand": sum(own[state] for state in HERE),
    }


def correction(theirs: Levels, own: Mapping[str, int]) -> dict[str, int]:
    """State -> units to add so that the books say what the source says; states it says nothing about stay.

    A state it names is taken as it is. Sellable is reckoned from the most exact thing it says: sellable itself; else
    free plus its own reserved (ours where it gives none); else what of on_hand the other states leave over. What is
    promised is ours to know, so `reserved` alone is never a difference.
    """
    told: dict[str, int] = {state: value for state in STATES if (value := theirs.get(state)) is not None}
    if "sellable" not in told:
        free, on_hand = theirs.get("free"), theirs.get("on_hand")
        reserved = theirs.get("reserved")
        if free is not None:
            told["sellable"] = free + (reserved if reserved is not None else own["reserved"])
        elif on_hand is not None:
            told["sellable"] = on_hand - sum(told.get(state, own[state]) for state in HERE if state != "sellable")
    return {state: delta for state, value in told.items() if (delta := value - own[state])}


def is_beyond(deltas: Mapping[str, int], own: Mapping[str, int], *, units: int, percent: Decimal) -> bool:
    """Whether the units in question exceed the larger of the two tolerances."""
    gross = gross_of(deltas)
    base = sum(abs(own[state]) for state in STATES)
    return gross > max(Decimal(units), base * percent / 100)


def gross_of(deltas: Mapping[str, int]) -> int:
    """Units in question. A unit that is in another state than we think is one unit, not two."""
    more = sum(delta for delta in deltas.values() if delta > 0)
    less = -sum(delta for delta in deltas.values() if delta < 0)
    return max(more, less)


@dataclass(frozen=True, slots=True)
class Signals:
    """What the ledger knows around the moment of a snapshot, in units of this item at this location."""

    unmapped: int = 0  # in lines of the same snapshot whose status nobody has mapped
    sold_before: int = 0  # to customers in the two days before
    received_before: int = 0  # from suppliers or transfers in the two days before
    in_transit: int = 0  # on their way here by our books
    reserved: int = 0  # promised here now
    sells: bool = False  # anything went to a customer from here in the last two weeks


def likely_cause(deltas: Mapping[str, int], signals: Signals) -> str:
    """The likeliest of the usual causes. A hint for a person, never acted on."""
    net = sum(deltas.values())
    if net == 0:
        return "wrong_state"
    if net < 0:
        missing = -net
        if signals.unmapped >= missing:
            return "unmapped_status"
        if signals.received_before == missing:
            return "missed_receipt"
        return "late_sale" if signals.reserved >= missing or signals.sells else "count_error"
    if signals.in_transit >= net:
        return "missed_receipt"
    return "late_sale" if 0 < net <= signals.sold_before else "count_error"


CAUSE_WORDS = {
    "late_sale": "A sale one side has not heard of yet",
    "missed_receipt": "A receipt one side has not booked",
    "unmapped_status": "Units reported under a status nobody has mapped",
    "wrong_state": "The same units, in another state",
    "count_error": "Somebody miscounted, or units went without a record",
}


def moves_of(deltas: Mapping[str, int]) -> list[tuple[str, str, int]]:
    """(from state, to state, units) that carry out a correction: between states first, the rest found or missing."""
    more = {state: delta for state, delta in deltas.items() if delta > 0}
    less = {state: -delta for state, delta in deltas.items() if delta < 0}
    moves = []
    for source in list(less):
        for target in list(more):
            units = min(less[source], more[target])
            if units:
                moves.append((source, target, units))
                less[source] -= units
                more[target] -= units
    moves += [("found", state, units) for state, units in more.items() if units]
    moves += [(state, "shrinkage", units) for state, units in less.items() if units]
    return moves
