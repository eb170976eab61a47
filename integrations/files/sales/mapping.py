"""How one source writes its sales file: which column is what, and which codes and numbers mean something else. Pure.

A mapping is stated by whoever connects the source (`Connection.settings["sales"]`); what it leaves out is as in the
default, the layout of the "Online Retail" sets. Nothing that the mapping does not say is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field, fields, replace
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.errors import Invalid, Problem
from orders import currencies

COLUMNS = ("invoice", "sku", "title", "quantity", "at", "price", "customer", "store")
NEEDED = ("invoice", "sku", "quantity", "at", "price")
# Those in which a line feed is one byte that means nothing else: a file is cut into invoices at it.
ENCODINGS = (
    "utf-8", "cp1252", "latin-1", "iso-8859-1", "iso-8859-15", "cp1250", "cp1251", "cp850", "cp932",
)  # fmt: skip
SHIPPING, DISCOUNT, OTHER, IGNORED, GIFT_CARD = "shipping", "discount", "other", "ignored", "gift_card"
MEANINGS = (SHIPPING, DISCOUNT, OTHER, IGNORED, GIFT_CARD)


@dataclass(frozen=True, slots=True)
class Code:
    """A product code that is no goods: what it means for the order, and in words why."""

    means: str
    words: str


def _columns() -> dict[str, str]:
    return {
        "invoice": "InvoiceNo", "sku": "StockCode", "title": "Description", "quantity": "Quantity",
        "at": "InvoiceDate", "price": "UnitPrice", "customer": "CustomerID",
    }  # fmt: skip


def _codes() -> dict[str, Code]:
    return {
        "POST": Code(SHIPPING, "postage"),
        "DOT": Code(SHIPPING, "postage of the web shop"),
        "C2": Code(SHIPPING, "carriage"),
        "D": Code(DISCOUNT, "a discount"),
        "M": Code(OTHER, "a manual amount"),
        "S": Code(IGNORED, "the cost of samples"),
        "B": Code(IGNORED, "a bad debt"),
        "BANK CHARGES": Code(IGNORED, "a bank's charges"),
        "AMAZONFEE": Code(IGNORED, "a marketplace's fee"),
        "CRUK": Code(IGNORED, "a charity's commission"),
        "GIFT_0001_*": Code(GIFT_CARD, "a gift card"),
    }


@dataclass(frozen=True, slots=True)
class SalesMapping:
    """One source's layout. Codes are compared in capitals; one that ends with * stands for all that begin so."""

    columns: dict[str, str] = field(default_factory=_columns)
    codes: dict[str, Code] = field(default_factory=_codes)
    delimiter: str = ","
    encoding: str = "utf-8"
    time_zone: str = "UTC"
    currency: str = ""
    cancelled_prefix: str = "C"
    ignored_prefixes: dict[str, str] = field(default_factory=lambda: {"A": "an entry of the accounts, no goods"})
    capital_skus: bool = True  # the source writes one code in either case
    free_without_customer_adjusts: bool = True  # an invoice to nobody for nothing corrects the stock

    def code(self, sku: str) -> Code | None:
        """What a product code stands for when it is no goods."""
        known = sku.strip().upper()
        found = self.codes.get(known)
        if found is None:
            wild = (each for name, each in self.codes.items() if name.endswith("*") and known.startswith(name[:-1]))
            found = next(wild, None)
        return found

    def ignored_because(self, invoice: str) -> str:
        """Why invoices numbered like this one are none, or an empty string."""
        return next((words for prefix, words in self.ignored_prefixes.items() if invoice.startswith(prefix)), "")

    def cancels(self, invoice: str) -> bool:
        return bool(self.cancelled_prefix) and invoice.startswith(self.cancelled_prefix)


def read(settings: MappingABC[str, Any], *, currency: str, time_zone: str) -> SalesMapping:
    """The mapping as stated, over the default; the channel's currency and time zone where it names none.

    Raises Invalid naming each setting that makes no sense.
    """
    known = {each.name for each in fields(SalesMapping)}
    problems = [
        Problem(f"sales.{name}", "unknown", "is no setting of a sales file") for name in settings.keys() - known
    ]
    given = {name: value for name, value in settings.items() if name in known}
    made = replace(SalesMapping(currency=currency, time_zone=time_zone), **_typed(given, problems))
    problems += _contradictions(made)
    if problems:
        raise Invalid(problems)
    return made


def _typed(given: dict[str, Any], problems: list[Problem]) -> dict[str, Any]:
    kinds: dict[str, type] = {
        "columns": dict, "codes": dict, "ignored_prefixes": dict, "capital_skus": bool,
        "free_without_customer_adjusts": bool,
    }  # fmt: skip
    found: dict[str, Any] = {}
    for name, value in given.items():
        kind = kinds.get(name, str)
        fits = isinstance(value, kind)
        if not fits:
            problems.append(Problem(f"sales.{name}", "type", f"should be {_WORDS[kind]}"))
        elif name == "codes":
            found[name] = _codes() | _read_codes(value, problems)
        elif kind is dict and not all(isinstance(v, str) for v in value.values()):
            problems.append(Problem(f"sales.{name}", "type", "should hold texts only"))
        else:
            found[name] = value
    return found


_WORDS = {dict: "an object", bool: "true or false", str: "a text"}


def _read_codes(value: dict[str, Any], problems: list[Problem]) -> dict[str, Code]:
    found = {}
    for name, said in value.items():
        means, words = (said.get("means"), said.get("words", "")) if isinstance(said, dict) else (None, "")
        if means not in MEANINGS or not isinstance(words, str):
            choices = ", ".join(MEANINGS)
            problems.append(Problem(f"sales.codes.{name}", "choice", f"needs means ({choices}) and words"))
            continue
        found[name.strip().upper()] = Code(means, words or means.replace("_", " "))
    return found


def _contradictions(made: SalesMapping) -> list[Problem]:
    found = [
        Problem(f"sales.columns.{name}", "unknown", "is nothing a sales file is read for")
        for name in made.columns.keys() - set(COLUMNS)
    ]
    found += [Problem(f"sales.columns.{name}", "missing", "is needed") for name in NEEDED if not made.columns.get(name)]
    if len(made.delimiter) != 1 or made.delimiter in '"\r\n':
        found.append(Problem("sales.delimiter", "choice", "should be one character"))
    if made.encoding not in ENCODINGS:
        found.append(Problem("sales.encoding", "choice", f"should be one of {', '.join(ENCODINGS)}"))
    if not currencies.is_known(made.currency):
        found.append(Problem("sales.currency", "choice", "should be a currency of ISO 4217"))
    try:
        ZoneInfo(made.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        found.append(Problem("sales.time_zone", "choice", "should be a time zone such as Europe/London"))
    return found
