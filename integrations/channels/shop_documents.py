"""What the translators of shop platforms share: which document is which, lists split, the price of a piece. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from integrations import reading
from integrations.channels.meaning import Act, AskFor, Meaning, SetAside, ignored
from integrations.documents import read_json, without_nul, write_json
from integrations.failures import FailureClass, Fault, Unreadable, unparsable
from integrations.models import Connection
from integrations.reading import ZERO, Faults, Node, shown
from orders.canonical import Address, Buyer

_FOUR_PLACES = Decimal("0.0001")
_LOCAL = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a connection's settings say of documents that don't say it themselves."""

    zone: ZoneInfo | None = None
    currency: str = ""
    asks: bool = True  # whether the vendor can be asked for what a document only names
    statuses: Mapping[str, str] = field(default_factory=dict)  # the shop's own words: the vendor's
    precision: int = 2


def terms_of(connection: Connection, *, asks: bool) -> Terms:
    settings = connection.settings
    said = reading.all_of("STATUS")  # on screen, which counts
    return Terms(
        zone=_zone(str(settings.get("time_zone") or "")),
        currency=connection.channel.currency if connection.channel else "",
        asks=asks,
        statuses={**(settings.get("statuses") or {}), **said},
        precision=int(settings.get("money_decimals", 2)),
    )


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        words = f"the connection's setting time_zone names no zone: {name[:40]!r}"
        raise Unreadable(FailureClass.BAD_VALUE, Fault("", words)) from None


Read = Callable[[Node, Terms], Sequence[Act] | Meaning]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of document: the keys only it has together, and what is done with it, or why nothing is."""

    keys: frozenset[str]
    read: Read | str


def kind(keys: str, read: Read | str) -> Kind:
    return Kind(frozenset(keys.split()), read)


def read(body: bytes) -> Any:
    """The document, or None of an empty body. Raises Unreadable."""
    if not body.strip():
        return None
    try:
        return without_nul(read_json(body))
    except RecursionError:
        raise unparsable("nested too deeply to be an honest document") from None


def sort(document: Any, kinds: Sequence[Kind], title: str, terms: Terms) -> Meaning:
    """What a document or a list of them means. A list's bad items are set aside, so that they don't stop the others."""
    if document is None:
        return ignored("the body is empty: a file or poll with nothing in it")
    if isinstance(document, list):
        return _listed(document, kinds, title, terms)
    if not isinstance(document, dict):
        raise unparsable("the document is a bare value, neither an object nor a list")
    found = next((each for each in kinds if each.keys <= document.keys()), None)
    if found is None:
        keys = ", ".join(list(document)[:8]) or "none"
        raise unparsable(f"no document Backroom knows from {title} has these keys: {keys[:160]}")
    return act_on(document, found.read, terms)


def act_on(document: dict[str, Any], reader: Read | str, terms: Terms) -> Meaning:
    if isinstance(reader, str):
        return ignored(reader)
    faults = Faults()
    acts = reader(Node(document, "", faults), terms)
    faults.raise_if_any()
    return acts if isinstance(acts, Meaning) else Meaning(acts=tuple(acts))


def _listed(documents: list[Any], kinds: Sequence[Kind], title: str, terms: Terms) -> Meaning:
    if not documents:
        return ignored("the list is empty")
    acts: list[Act] = []
    refused: list[tuple[Any, Unreadable]] = []
    reason = ""
    for index, each in enumerate(documents):
        try:
            if isinstance(each, list):
                raise unparsable("a list inside a list")
            meaning = sort(each, kinds, title, terms)
        except Unreadable as error:
            faults = [Fault(f"[{index}]" + (f".{f.path}" if f.path else ""), f.message) for f in error.faults]
            refused.append((each, Unreadable(error.failure_class, *faults)))
            continue
        acts.extend(meaning.acts)
        reason = reason or meaning.ignored
    if refused and not acts:
        first = refused[0][1]
        raise Unreadable(first.failure_class, *(fault for _, error in refused for fault in error.faults))
    acts.extend(SetAside(write_json(each)) for each, _ in refused)
    return Meaning(acts=tuple(acts)) if acts else ignored(reason)


def ask(what: str, ref: str, terms: Terms) -> list[Act]:
    """Fetch what was only named; refused where the connection only receives."""
    if not terms.asks:
        words = f"names {what} {ref} only, and this connection isn't set up to ask for it"
        raise Unreadable(FailureClass.MISSING_REFERENCE, Fault("", words))
    return [AskFor(what, ref)] if ref else []


# --- Values --------------------------------------------------------------------------------------------------------


def piece(total: Decimal, quantity: int) -> Decimal:
    """The price of one piece of a row, never less than its share: what is too much is the row's discount."""
    return (total / quantity).quantize(_FOUR_PLACES, ROUND_UP)


def listed(node: Node, key: str) -> Iterator[Node]:
    """The objects of a list that PHP may have written as an object with numbers for keys."""
    value = node.raw(key)
    if isinstance(value, dict):
        values = list(value.values())
        node = Node({key: values}, node.path, node.faults)
    return node.items(key)


def listed_or_one(node: Node, key: str) -> Iterator[Node]:
    """The objects under the key, of which a single one may stand there without a list."""
    one = node.object(key) if isinstance(node.raw(key), dict) else None
    return iter([one]) if one is not None else node.items(key)


def part(node: Node, key: str) -> Node | None:
    """The object under the key; an empty list is how PHP writes an empty one."""
    return None if node.raw(key) in ([], "", False) else node.object(key)


def whole(node: Node, key: str, *, sign: int = 1) -> int:
    """A whole number of units, however it was written: 2, "2", 2.0, with -1 for `sign` -2. None is no unit."""
    value = node.raw(key)
    if value is None or value == "":
        return 0
    try:
        number = Decimal(str(value).strip()) if isinstance(value, (str, int, Decimal)) else None
    except ArithmeticError:
        number = None
    if number is None or isinstance(value, bool) or not number.is_finite() or abs(number) > 1_000_000:
        node.at(key).fault(f"should be a number of units, is {shown(value)}")
        return 0
    number = abs(number) if sign < 0 else number
    if number != number.to_integral_value() or number < 0:
        node.at(key).fault(f"should be a whole number of units, is {shown(value)}")
        return 0
    return int(number)


def needed(node: Node, key: str) -> Decimal:
    """An amount that must be there and can't be negative."""
    found = node.money(key)
    if found is None and node.raw(key) in (None, ""):
        node.at(key).fault("is missing")
    return found or ZERO


def added(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of what was stated, None when nothing was."""
    stated = [amount for amount in amounts if amount is not None]
    return sum(stated, ZERO) if stated else None


def utc(node: Node, key: str, *, must: bool = False) -> datetime | None:
    """A time the vendor documents as UTC and writes without an offset."""
    return _moment(node, key, None, must)


def local(node: Node, key: str, terms: Terms, *, must: bool = False) -> datetime | None:
    """A shop's own time: by the zone the connection states, refused without one and where the clock doesn't say."""
    if node.raw(key) in (None, ""):
        return _moment(node, key, None, must)
    if terms.zone is None:
        node.at(key).fault('has no time zone: say which the shop keeps with "time_zone" in the connection\'s settings')
        return None
    return _moment(node, key, terms.zone, must)


def _moment(node: Node, key: str, zone: ZoneInfo | None, must: bool) -> datetime | None:
    value = node.raw(key)
    naive = next((found for form in _LOCAL if (found := _parsed(value, form))), None)
    if naive is None:
        return node.moment(key, needed=must)  # with its offset, or a fault
    if zone is None:
        return naive.replace(tzinfo=UTC)
    found = naive.replace(tzinfo=zone)
    if found.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != naive:
        node.at(key).fault(f"is a time that {zone.key} skipped: {shown(value)}")
    elif found.utcoffset() != found.replace(fold=1).utcoffset():
        node.at(key).fault(f"is a time that {zone.key} had twice: {shown(value)}")
    return found.astimezone(UTC)


def _parsed(value: Any, form: str) -> datetime | None:
    try:
        found = datetime.strptime(value, form)  # noqa: DTZ007  (its zone is the caller's business)
    except (TypeError, ValueError):
        return None
    return found if 1970 <= found.year < 9000 else None


def country(node: Node, key: str) -> str:
    word = node.text(key, 40).upper()
    if word and not (len(word) == 2 and word.isascii() and word.isalpha()):
        node.at(key).fault(f"should be a two-letter country code, is {word!r}")
        return ""
    return word


def people(doc: Node, billing: Node | None, bill_to: Address | None) -> Buyer | None:
    """Who bought: the shop's customer, "0" standing for a guest, with what the billing address says."""
    ref = doc.number_id("customer_id")
    found = Buyer(
        ref="" if ref == "0" else ref,
        name=bill_to.name if bill_to else "",
        email=billing.text("email") if billing else "",
        phone=billing.text("phone") if billing else "",
    )
    return found if found != Buyer() else None


def address(node: Node | None, *, lines: tuple[str, str], postal_code: str, country_code: str) -> Address | None:
    """The address in this object, by the names of those keys that differ from shop to shop; None for an empty one."""
    if node is None:
        return None
    found = Address(
        name=f"{node.text('first_name')} {node.text('last_name')}".strip()[:255],
        company=node.text("company"),
        line1=node.text(lines[0]),
        line2=node.text(lines[1]),
        city=node.text("city"),
        region=node.text("state"),
        postal_code=node.text(postal_code),
        country=country(node, country_code),
        phone=node.text("phone"),
    )
    return found if found != Address() else None
