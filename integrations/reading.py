"""Reading an untrusted document: typed getters that note every fault with its path and never raise. Pure.

A translator walks the document with `Node`, builds its result, and calls `faults.raise_if_any()` at the end, so a
person sees all that is wrong at once.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.errors import Invalid
from integrations.failures import FailureClass, Fault, Unreadable, Wanted
from orders import canonical, currencies

_LOCALE = re.compile(r"([A-Za-z]{2})(?:[-_][A-Za-z]{4})?(?:[-_]([A-Za-z]{2}))?")
ZERO = Decimal(0)
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_DIGITS = re.compile(r"[0-9]{1,40}")
_ROUNDED = re.compile(r"[0-9](\.[0-9]+)?[eE]\+[0-9]{1,3}")
_AMOUNT = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?")
MOST_MINOR = 10**18
MAX_FAULTS = 50
MAX_CHOICES = 60

# What the connection's words mean whose message is being read: (kind, word in capitals) -> meaning.
_words: ContextVar[Mapping[tuple[str, str], str]] = ContextVar("words", default={})  # noqa: B039  (never changed)


@contextmanager
def using(words: Mapping[tuple[str, str], str]) -> Iterator[None]:
    token = _words.set(words)
    try:
        yield
    finally:
        _words.reset(token)


def meaning(kind: str, said: str) -> str:
    """What somebody said this word means, "" where nobody did."""
    return _words.get().get((kind, word_key(said)), "") if said else ""


def all_of(kind: str) -> dict[str, str]:
    """All words of a kind that somebody explained, as a translator looks them up: in small letters."""
    return {word.lower(): means for (known, word), means in _words.get().items() if known == kind}


def word_key(said: str) -> str:
    return " ".join(said.split()).upper()


@dataclass(slots=True)
class Faults:
    found: list[Fault] = field(default_factory=list)

    def add(self, path: str, message: str, wants: Wanted | None = None) -> None:
        fault = Fault(path, message, wants)
        if len(self.found) < MAX_FAULTS and fault not in self.found:
            self.found.append(fault)

    def raise_if_any(self) -> None:
        if self.found:
            raise Unreadable(FailureClass.BAD_VALUE, *self.found)


def checked(incoming: canonical.Shape) -> canonical.Shape:
    """The canonical check, its refusals turned into faults."""
    try:
        return canonical.check(incoming)
    except Invalid as error:
        faults = [Fault(problem.path, problem.message) for problem in error.problems]
        raise Unreadable(FailureClass.BAD_VALUE, *faults) from None


def checked_payment(payment: canonical.IncomingPayment) -> canonical.IncomingPayment:
    """A money event on its own, by the rules it would have to keep inside an order."""
    return checked(payment)


def shown(value: Any) -> str:
    """A value as quoted in a fault: short, and never a whole object."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = canonical.clean(str(value))
    return repr(text if len(text) <= 40 else text[:40] + "…") if isinstance(value, str) else text[:40]


class Node:
    """One place in the document: a value and the path to it."""

    __slots__ = ("faults", "path", "value")

    def __init__(self, value: Any, path: str, faults: Faults):
        self.value = value
        self.path = path
        self.faults = faults

    def fault(self, message: str) -> None:
        self.faults.add(self.path, message)

    def unknown(self, said: str, what: str, choices: Iterable[str] = (), *, kind: str = "STATUS") -> None:
        """A word nobody knows, which an alias may explain."""
        wants = Wanted(kind, canonical.clean(said)[:200], tuple(choices)[:MAX_CHOICES])
        self.faults.add(self.path, f"is {what} Backroom has no word for: {said[:40]!r}", wants)

    def explained(self, said: str, known: Collection[str], what: str) -> str:
        """The word as it is known: itself, or what somebody said it means; "" and a fault for one nobody knows."""
        if said in known:
            return said
        meant = meaning("STATUS", said)
        found = next((word for word in known if word_key(word) == word_key(meant)), "") if meant else ""
        if not found:
            self.unknown(said, what, sorted(known))
        return found

    # --- moving

    def raw(self, key: str) -> Any:
        return self.value.get(key) if isinstance(self.value, dict) else None

    def has(self, key: str) -> bool:
        """Whether the key is there and says something."""
        return self.raw(key) is not None

    def at(self, key: str) -> Node:
        return Node(self.raw(key), f"{self.path}.{key}" if self.path else key, self.faults)

    def object(self, key: str) -> Node | None:
        """The object under the key; None when absent, null or empty. Anything else is a fault."""
        node = self.at(key)
        if node.value is None or node.value == {}:
            return None
        if not isinstance(node.value, dict):
            node.fault(f"should be an object, is {shown(node.value)}")
            return None
        return node

    def items(self, key: str) -> Iterator[Node]:
        """The objects of the list under the key; an absent or null list is empty (so is its text form "[]")."""
        node = self.at(key)
        if node.value in (None, "[]", ""):
            return
        if not isinstance(node.value, list):
            node.fault(f"should be a list, is {shown(node.value)}")
            return
        for index, item in enumerate(node.value):
            each = Node(item, f"{node.path}[{index}]", self.faults)
            if isinstance(item, dict):
                yield each
            elif item is not None:
                each.fault(f"should be an object, is {shown(item)}")

    # --- values

    def text(self, key: str, limit: int = 255) -> str:
        """Text without NUL and outer blanks, cut to what we keep. Numbers are taken as written."""
        value = self.raw(key)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
            self.at(key).fault(f"should be text, is {shown(value)}")
            return ""
        return canonical.clean(str(value))[:limit].strip()

    def line(self, key: str, limit: int = 120) -> str:
        """Text for a key: printable, so control characters become blanks."""
        return "".join(c if c.isprintable() else " " for c in self.text(key, 4 * limit)).strip()[:limit].strip()

    def number_id(self, key: str, *, needed: bool = False) -> str:
        """A numeric id digit by digit, whether it came as a number or as text."""
        value = self.raw(key)
        if value is None or value == "":
            if needed:
                self.at(key).fault("is missing")
            return ""
        if not isinstance(value, bool) and isinstance(value, (int, str)) and _DIGITS.fullmatch(str(value)):
            return str(value)
        self.at(key).fault(f"should be a whole number, is {shown(value)}")
        return ""

    def flag(self, key: str, default: bool = False) -> bool:
        value = self.raw(key)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        self.at(key).fault(f"should be true or false, is {shown(value)}")
        return default

    def count(self, key: str) -> int | None:
        """A whole number of units, None when absent."""
        value = self.raw(key)
        if value is None:
            return None
        if isinstance(value, str) and _DIGITS.fullmatch(value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= canonical.MAX_QUANTITY:
            self.at(key).fault(f"should be a whole number of units, is {shown(value)}")
            return None
        return value

    def minor(self, key: str) -> int | None:
        """An amount in the smallest unit of its currency, None when absent. It may be larger than any count."""
        value = self.raw(key)
        if value is None:
            return None
        if isinstance(value, str) and _DIGITS.fullmatch(value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_MINOR:
            self.at(key).fault(f"should be an amount in the smallest unit of its currency, is {shown(value)}")
            return None
        return value

    def amount(self, key: str) -> Decimal | None:
        """An amount with its sign, exact; None when absent, null or empty text."""
        value = self.raw(key)
        if value is None or value == "":
            return None
        found = exact_amount(value)
        if found is None:
            self.at(key).fault(f"should be an amount, is {shown(value)}")
        return found

    def money(self, key: str) -> Decimal | None:
        """An amount that can't be negative."""
        found = self.amount(key)
        if found is not None and found < 0:
            self.at(key).fault(f"should not be negative, is {found}")
            return None
        return found

    def currency(self, key: str, *, needed: bool = False) -> str:
        value = self.raw(key)
        if value is None or value == "":
            if needed:
                self.at(key).fault("is missing")
            return ""
        if isinstance(value, str) and currencies.is_known(value):
            return value
        self.at(key).fault(f"should be a currency of ISO 4217, is {shown(value)}")
        return ""

    def language(self, key: str) -> str:
        """A locale such as pt_BR or zh-Hans-CN as the language customers are written to in: no fault where it is none,
        because words in another language are better than no order."""
        value = self.raw(key)
        found = _LOCALE.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is None:
            return ""
        language, country = found[1].lower(), (found[2] or "").upper()
        return f"{language}-{country}" if country else language

    def moment(self, key: str, *, needed: bool = False) -> datetime | None:
        value = self.raw(key)
        if value is None or value == "":
            if needed:
                self.at(key).fault("is missing")
            return None
        found = moment_of(value)
        if found is None:
            self.at(key).fault(f"should be a date and time with its offset, is {shown(value)}")
        return found

    def degrees(self, key: str, limit: int) -> float | None:
        """A coordinate, None when it is not one: it only ever helps, so it never fails a message."""
        value = self.raw(key)
        try:
            found = float(value) if isinstance(value, (str, int, Decimal)) and not isinstance(value, bool) else None
        except (ValueError, OverflowError):
            return None
        return found if found is not None and -limit <= found <= limit else None


def exact_amount(value: Any) -> Decimal | None:
    """A number or decimal text as an exact amount; None if it isn't one or needs more than four decimals."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        return None
    if isinstance(value, Decimal):
        if not value.is_finite() or abs(value.adjusted()) > 15:
            return None
        value = format(value, "f")
    text = str(value).strip()
    if not _AMOUNT.fullmatch(text):
        return None
    amount = Decimal(text)
    return amount if amount == amount.quantize(Decimal("0.0001")) else None


def is_rounded(text: str) -> bool:
    """Whether a spreadsheet wrote this in powers of ten: of an id its last digits are lost, so it names nothing."""
    return bool(_ROUNDED.fullmatch(text))


def moment_of(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        found: datetime = canonical.adapter(canonical.Moment).validate_python(value)
    except ValueError:
        return None
    return found
