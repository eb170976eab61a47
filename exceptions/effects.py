"""What an action changes in stock, money and promises: seen by running it and taking it back, or while it really runs.

This floor knows none of them. The apps that do register a lens each: it looks before, looks again within the same
transaction, and words the difference.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from django.db import DatabaseError, transaction
from pydantic_core import to_json

from core.errors import Refusal

T = TypeVar("T")
STOCK, MONEY, PROMISE, OTHER = "stock", "money", "promise", "other"
PASSING = frozenset({"40P01", "40001", "55P03", "23505"})  # done again, they may pass; nothing was done
TRIES = 3
ROWS = 100


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is different afterwards. `value` is what it is worth in `currency`, with its sign.

    `ref` names rows an undo needs; it is stored, not shown, and plays no part in whether two previews are the same.
    """

    kind: str
    what: str
    where: str = ""
    before: str = ""
    after: str = ""
    difference: str = ""
    value: Decimal | None = None
    currency: str = ""
    ref: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "value": None if self.value is None else str(self.value), "ref": list(self.ref)}


class Lens(Protocol):
    """Sees one part of the business."""

    def before(self, kind: str, uid: str) -> Any:
        """Whatever `changes` needs to know later. Cheap; changes nothing."""

    def changes(self, kind: str, uid: str, seen: Any) -> Iterable[Change]:
        """What this very transaction has changed since."""


_lenses: list[Lens] = []


def register(lens: Lens) -> None:
    if lens not in _lenses:
        _lenses.append(lens)


@dataclass(frozen=True, slots=True)
class Delta:
    """What changes, row by row, and what would stand in the way."""

    rows: tuple[Change, ...] = ()
    said: str = ""
    refusal: Refusal | None = None

    def as_json(self) -> list[dict[str, Any]]:
        return [row.as_json() for row in self.rows]

    @property
    def fingerprint(self) -> str:
        rows = sorted(to_json({**row, "ref": []}) for row in self.as_json())
        return hashlib.sha256(b"\n".join(rows)).hexdigest()

    @property
    def amount(self) -> tuple[Decimal, str] | None:
        """The money at stake: what changes hands, or else what the stock that changes is worth.

        The greatest over currencies: the sums of different ones can't be added.
        """
        for kind in (MONEY, STOCK):
            sums: dict[str, Decimal] = {}
            for row in self.rows:
                if row.kind == kind and row.value:
                    sums[row.currency] = sums.get(row.currency, Decimal()) + abs(row.value)
            if sums:
                currency, most = max(sums.items(), key=lambda each: each[1])
                return most, currency
        return None


class Watch:
    """Opened before the work, asked after it, both in one transaction."""

    def __init__(self, kind: str, uid: str):
        self.kind, self.uid = kind, uid
        self.seen = [(lens, lens.before(kind, uid)) for lens in _lenses]

    def changes(self) -> tuple[Change, ...]:
        found = [change for lens, seen in self.seen for change in lens.changes(self.kind, self.uid, seen)]
        return tuple(found[:ROWS])


class _TakenBack(Exception):
    def __init__(self, delta: Delta):
        super().__init__()
        self.delta = delta


def rehearse(kind: str, uid: str, work: Callable[[], str]) -> Delta:
    """Do it, look, and take it back: nothing is left behind. A refusal is part of the answer."""

    def attempt() -> Delta:
        try:
            with transaction.atomic():
                watch = Watch(kind, uid)
                said = work()
                raise _TakenBack(Delta(watch.changes(), said))
        except _TakenBack as back:
            return back.delta
        except Refusal as refusal:
            return Delta(refusal=refusal)

    return again_if_passing(attempt)


def again_if_passing(work: Callable[[], T]) -> T:
    """Run `work`, which opens its own transaction, up to twice more when a lock or a twin stood in its way.

    Inside an outer transaction it just runs: that one is lost as a whole.
    """
    if transaction.get_connection().in_atomic_block:
        return work()
    for attempt in range(TRIES):
        try:
            return work()
        except DatabaseError as error:
            if getattr(error.__cause__, "sqlstate", None) not in PASSING:
                raise
            if attempt == TRIES - 1:
                raise Refusal("busy", "Too many people want the same at this moment. Try again.", status=503) from error
        time.sleep(random.uniform(0, 0.02 * 2**attempt))
    raise AssertionError("unreachable")


def summed(deltas: Iterable[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Many deltas as one: per kind and wording how often, and the money per currency."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for delta in deltas:
        for row in delta:
            key = (row["kind"], row["where"] or row["what"], row["currency"])
            into = found.setdefault(
                key, {"kind": key[0], "what": key[1], "currency": key[2], "rows": 0, "units": 0, "value": Decimal()}
            )
            into["rows"] += 1
            into["units"] += int(row["difference"]) if key[0] != MONEY and _whole(row["difference"]) else 0
            into["value"] += Decimal(row["value"] or 0)
    rows = sorted(found.values(), key=lambda each: (-each["rows"], each["kind"], each["what"]))[:ROWS]
    return [{**row, "value": str(row["value"])} for row in rows]


def _whole(text: str) -> bool:
    return text.removeprefix("-").removeprefix("+").isdigit()
