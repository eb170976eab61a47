"""What translators of ERP documents share: opening them, and reading units, weights, terms and levels. Pure.

A feed wraps what it asked for as {"kind": …, "record": …}; whatever else comes (a file, an export) is recognised by its
keys. Lists are split, so that one bad record doesn't stop the others; levels of stock stay together as one snapshot.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from integrations.channels import stock_documents
from integrations.channels.meaning import KeepMaster, Meaning, SetAside, ignored
from integrations.documents import read_json, without_nul, write_json
from integrations.failures import FailureClass, Fault, Unreadable, unparsable
from integrations.reading import Faults, Node, shown
from inventory.masters import IncomingItem, IncomingPlace
from inventory.snapshots import LIMIT, Code, ReportedLine
from orders.models.account import TERMS

Settings = Mapping[str, Any]
ITEM, LOCATION, ACCOUNT, STOCK = "item", "location", "account", "stock"
GRAMS = {
    "mg": Decimal("0.001"), "g": Decimal(1), "gr": Decimal(1), "gram": Decimal(1), "grams": Decimal(1),
    "kg": Decimal(1000), "kgs": Decimal(1000), "kgm": Decimal(1000), "kilogram": Decimal(1000), "grm": Decimal(1),
    "lb": Decimal("453.59237"), "lbs": Decimal("453.59237"), "lbr": Decimal("453.59237"), "pound": Decimal("453.59237"),
    "oz": Decimal("28.349523125"), "onz": Decimal("28.349523125"), "ounce": Decimal("28.349523125"),
    "t": Decimal(1_000_000), "to": Decimal(1_000_000), "tonne": Decimal(1_000_000),
}  # fmt: skip
_NET = re.compile(r"(?i)net\s*-?\s*([1-9][0-9]{0,2})(?:\s*d(?:ays?)?)?")
_FOURTH = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Reader:
    """One ERP's documents. `kind_of` names what a bare record is, "" where it can't be told; `opened` unwraps the ERP's
    own envelopes to a list of records, None where it is none of them."""

    title: str
    kind_of: Callable[[Mapping[str, Any]], str]
    opened: Callable[[Any], Sequence[Any] | None]
    translate: Mapping[str, Callable[[Node, Settings], Meaning]]
    levels: Callable[[Sequence[Node], Settings], Sequence[ReportedLine]] | None = None
    statuses: Mapping[str, str] = field(default_factory=dict)
    ignored: Mapping[str, str] = field(default_factory=dict)

    def understand(self, topic: str, body: bytes, settings: Settings) -> Meaning:
        try:
            document = without_nul(read_json(body))
        except RecursionError:
            raise unparsable("nested too deeply to be an honest document") from None
        faults = Faults()
        if isinstance(document, dict) and document.get("kind") in {*self.translate, STOCK}:
            kind, rows = document["kind"], document.get("rows", [document.get("record")])
            as_of = Node(document, "", faults).moment("as_of")
        else:
            kind, rows, as_of = topic, self.opened(document), None
            if rows is None:
                rows = [document]
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise unparsable(f"no translator for this document of {self.title} is installed; the bytes are kept")
        if not rows:
            return ignored("it lists nothing")
        kinds = {kind if kind in {*self.translate, STOCK} else self.kind_of(row) for row in rows}
        if kinds == {STOCK} and self.levels is not None:
            nodes = [Node(row, f"rows[{n}]", faults) for n, row in enumerate(rows)]
            found = self.levels(nodes, settings)
            faults.raise_if_any()
            return stock_documents.snapshot(found, self.statuses, body_of=rows, as_of=as_of)
        if kinds <= self.ignored.keys():
            return ignored(self.ignored[min(kinds)])
        if len(rows) > 1:
            return Meaning(acts=tuple(SetAside(self._alone(row, kind)) for row in rows))
        (only,) = kinds
        if only not in self.translate:
            raise unparsable(f"no translator for this document of {self.title} is installed; the bytes are kept")
        meaning = self.translate[only](Node(rows[0], "", faults), settings)
        faults.raise_if_any()
        return meaning

    def knows(self, document: Any) -> bool:
        """Whether the document is one of this ERP's, as far as its keys tell."""
        rows = self.opened(document)
        rows = [document] if rows is None else rows
        known = {*self.translate, *self.ignored, *({STOCK} if self.levels else ())}
        return bool(rows) and all(isinstance(row, dict) and self.kind_of(row) in known for row in rows)

    def _alone(self, row: Mapping[str, Any], kind: str) -> bytes:
        kind = kind if kind in self.translate else self.kind_of(row)
        return write_json({"kind": kind, "record": row} if kind in self.translate else row)


def item(node: Node, ref: str, version: datetime | None, code: str, **told: Any) -> Meaning:
    if not ref:
        node.fault("has no key of its own")
    if not code:
        node.fault("has no code: an item needs one to be known by")
    return _kept(ref, version, IncomingItem(code=code or "?", **told))


def place(node: Node, ref: str, version: datetime | None, code: str, **told: Any) -> Meaning:
    if not ref or not code:
        node.fault("has no code: a place needs one to be known by")
    return _kept(ref, version, IncomingPlace(code=code or "?", **told))


def _kept(ref: str, version: datetime | None, record: Any) -> Meaning:
    return Meaning(acts=(KeepMaster(ref[:100], version, record),))


account = _kept


# --- Values --------------------------------------------------------------------------------------------------------


def number(node: Node, key: str) -> Decimal | None:
    """A number however many decimals it has; None where nothing is said."""
    value = node.raw(key)
    if value is None or value == "" or value is False:
        return None
    if not isinstance(value, bool) and isinstance(value, (int, str, Decimal)):
        try:
            found = Decimal(str(value).strip())
        except InvalidOperation:
            found = Decimal("NaN")
        if found.is_finite() and abs(found) < 10**15:
            return found
    node.at(key).fault(f"should be a number, is {shown(value)}")
    return None


def grams(node: Node, key: str, unit: str) -> int | None:
    """A weight in grams. None where there is none (nought means nobody weighed it); an unknown unit is a fault."""
    weight = number(node, key)
    if not weight:
        return None
    factor = GRAMS.get(unit.strip().lower())
    if factor is None:
        node.at(key).fault(f"is in the unit {shown(unit)}, which is no unit of weight known here")
        return None
    if weight < 0 or weight * factor > 2**31 - 1:
        node.at(key).fault(f"is no weight of an article: {weight} {unit}")
        return None
    return int((weight * factor).quantize(Decimal(1), ROUND_HALF_UP))


def cost(node: Node, key: str, currency: str) -> tuple[Decimal, str] | None:
    """What a unit costs; None where nothing is said or nobody says in which currency."""
    amount = number(node, key)
    if not amount or not currency:
        return None
    if amount < 0:
        node.at(key).fault("should not be below zero")
        return None
    return amount.quantize(_FOURTH, ROUND_HALF_EVEN), currency


def terms(node: Node, key: str, word: str, settings: Settings, *, days: int | None = None) -> str | None:
    """Payment terms as ours: what the settings say the word means, so many days, or `Net 30` in words. Others are a
    fault, because nobody can know what they allow."""
    told = settings.get("payment_terms") or {}
    meant = str(told.get(word, "")) if isinstance(told, dict) else ""
    if not meant and days:
        meant = f"NET{days}"
    elif not meant and (net := _NET.fullmatch(word.strip())):
        meant = f"NET{net[1]}"
    if not word and not meant:
        return None
    if not TERMS.fullmatch(meant):
        node.at(key).fault(f"payment terms {shown(word)} are none of ours: say in `payment_terms` what they mean")
        return None
    return meant


def level(node: Node, key: str, code: str, where: str, status: str) -> ReportedLine:
    """One figure of stock. A part of a unit is said to be none, line by line: the others stand."""
    value = number(node, key)
    fault = ""
    if value is not None and (value != value.to_integral_value() or abs(value) > LIMIT):
        fault, value = f"{value} is no whole number of units", None
    codes = (Code(code),) if code else ()
    return ReportedLine(codes, where, status, None if value is None else int(value), fault)


def barcodes(*codes: str) -> tuple[str | None, tuple[str, ...]]:
    """(the GTIN among them, the others). The first that is one counts; None where none is."""
    from inventory.masters import is_gtin

    told = [code for code in dict.fromkeys(code.strip() for code in codes) if code]
    gtin = next((code for code in told if is_gtin(code)), None)
    return gtin, tuple(code for code in told if code != gtin)


def ours(settings: Settings, theirs: str) -> str:
    """What we call the warehouse that the settings map one place of ours to; its own name otherwise."""
    told = settings.get("warehouses") or {}
    meant = [place for place, name in told.items() if name == theirs] if isinstance(told, dict) else []
    return str(meant[0]) if len(meant) == 1 else theirs


def missing(message: str) -> Unreadable:
    return Unreadable(FailureClass.MISSING_REFERENCE, Fault("", message))
