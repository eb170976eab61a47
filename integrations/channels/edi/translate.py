"""An EDI file in Backroom's words: its interchanges opened, and each document read by what it is. Pure.

Several documents in one file become messages of their own, so that each has its outcome, its trace and its case, and a
bad one doesn't stop the others. The syntax shows in the first letters.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from integrations.channels.edi import (
    edifact_documents,
    kinds,
    stock,
    tradacoms_orders,
    verdicts,
    x12_answers,
    x12_invoices,
    x12_orders,
    x12_returns,
)
from integrations.channels.edi import x12_warehouse as warehouse
from integrations.channels.edi.amendments import amended
from integrations.channels.edi.purchase import CANCEL, CHANGE, NEW, Purchase
from integrations.channels.edi.taking import orders_of
from integrations.channels.edi.terms import EdiTerms
from integrations.channels.meaning import Act, AmendOrder, ClaimNumber, Meaning, PlaceOrder, SetAside, ignored
from integrations.documents import first_characters
from integrations.failures import FailureClass, Fault, Unreadable, unparsable
from integrations.files import edifact, tradacoms, x12
from integrations.files.edifact import Message
from integrations.files.x12 import Transaction
from orders.canonical import IncomingOrder

VERSION = "edi/2"
Document = Transaction | Message
ReadX12 = Callable[[Transaction, EdiTerms], Meaning]


@dataclass(frozen=True, slots=True)
class Part:
    """One document of the file, or an interchange that can't be opened: its text alone, and how it is understood."""

    text: str
    document: Document | None
    fault: Unreadable | None


def understand(topic: str, body: bytes, terms: EdiTerms | None = None) -> Meaning:
    """Raises nothing but Unreadable."""
    terms = terms or EdiTerms()
    if tradacoms.looks_like(_beginning(body, terms)):
        return _tradacoms(body, terms)
    found = _interchanges(body, terms)
    verdict = verdicts.interchanges(found)
    parts = _parts(found)
    if not parts:
        return verdict or ignored("the interchange holds no document")
    if len(parts) == 1 and verdict is None:
        return _one(parts[0], terms)
    acts: list[Act] = list(verdict.acts) if verdict else []
    reasons: list[str] = [verdict.ignored] if verdict and verdict.ignored else []
    refused: list[Unreadable] = []
    for part in parts:
        try:
            meaning = _one(part, terms)
        except Unreadable as error:
            refused.append(error)
        else:
            if meaning.ignored:
                reasons.append(meaning.ignored)
                continue
        acts.append(SetAside(part.text.encode(terms.code_page or "utf-8", "replace")))
    if refused and len(refused) == len(acts) and not reasons:
        raise Unreadable(refused[0].failure_class, *(fault for error in refused for fault in error.faults))
    return Meaning(acts=tuple(acts)) if acts else ignored("; ".join(dict.fromkeys(reasons))[:1000])


def _parts(interchanges: Sequence[x12.Interchange | edifact.Interchange]) -> list[Part]:
    found: list[Part] = []
    for interchange in interchanges:
        held: Sequence[Document]
        held = interchange.transactions if isinstance(interchange, x12.Interchange) else interchange.messages
        if interchange.fault:
            found.append(Part(interchange.written(), None, interchange.fault))
            continue
        for each in held:
            text = interchange.written(only=each)  # type: ignore[arg-type]
            found.append(Part(text, each, each.fault))
    return found


def _interchanges(body: bytes, terms: EdiTerms) -> Sequence[x12.Interchange | edifact.Interchange]:
    beginning = _beginning(body, terms)
    if edifact.looks_like(beginning):
        return edifact.interchanges(body, code_page=terms.code_page, forgiving=terms.forgiving)
    if not beginning.startswith("ISA"):
        words = f"neither X12 nor EDIFACT: it starts with {beginning!r}, not with ISA, UNA, UNB or STX"
        raise unparsable(words)
    return x12.interchanges(body, code_page=terms.code_page, forgiving=terms.forgiving)


def _beginning(body: bytes, terms: EdiTerms) -> str:
    if not body.strip(b"\xef\xbb\xbf\x00\x1a \t\r\n"):
        raise unparsable("the file is empty")
    return x12.decoded(body, terms.code_page)[:20].lstrip() if terms.code_page else first_characters(body)


def _tradacoms(body: bytes, terms: EdiTerms) -> Meaning:
    found = tradacoms.transmission(body, code_page=terms.code_page)
    reason = tradacoms_orders.reason(found)
    if reason:
        return ignored(reason)
    said = tradacoms_orders.orders(found, terms)
    return Meaning(acts=tuple(PlaceOrder(order) for purchase in said for order in orders_of(purchase, terms)))


def _one(part: Part, terms: EdiTerms) -> Meaning:
    if part.fault:
        raise part.fault
    document = part.document
    if document is None:  # only an interchange with a fault has none
        raise unparsable("the interchange can't be opened")
    try:
        meaning = read_x12(document, terms) if isinstance(document, Transaction) else read_edifact(document, terms)
    except Unreadable as error:
        raise _within(document, error) from None
    if meaning.ignored or terms.reuses_numbers:
        return meaning
    return Meaning(acts=(_claim(document), *meaning.acts))


def _within(document: Document, error: Unreadable) -> Unreadable:
    """Says which document of the file the faults are in."""
    name = f"{document.kind} {document.control}"
    return Unreadable(
        error.failure_class, *(Fault(f"{name}: {f.path}" if f.path else name, f.message) for f in error.faults)
    )


def _claim(document: Document) -> ClaimNumber:
    if isinstance(document, Transaction):
        isa, group = document.interchange.isa, document.group
        number = (document.kind, isa[6], isa[8], isa[9], isa[13], group[6], document.control)
        says = "\n".join("*".join(segment.elements).strip() for segment in document.segments)
    else:
        unb = document.interchange.unb
        group_ref = document.group.get(5) if document.group else ""
        number = (document.kind, unb.get(2), unb.get(3), unb.get(4), unb.get(5), group_ref, document.control)
        says = "\n".join(repr(segment.elements) for segment in document.segments)
    return ClaimNumber("|".join(number)[:300], hashlib.sha256(says.encode()).hexdigest())


# --- X12


def read_x12(found: Transaction, terms: EdiTerms) -> Meaning:
    """What one transaction set means. Raises Unreadable."""
    if found.kind in {"846", "852"}:
        return Meaning(acts=(stock.snapshot_of(found),))
    if found.kind in {"850", "860"}:
        reason = x12_orders.no_order(found)
        return ignored(reason) if reason else _ordered(found, x12_orders.read(found, terms), terms)
    if found.kind == "940":
        return _ordered(found, warehouse.read(found, terms), terms)
    if reader := _X12.get(found.kind):
        return reader(found, terms)
    reason = kinds.x12_reason(found.kind)
    if not reason:
        raise unparsable(f"X12 has no transaction set {found.kind!r} that Backroom knows; the bytes are kept")
    return ignored(reason)


_X12: dict[str, ReadX12] = {
    "180": x12_returns.authorisation,
    "810": x12_invoices.invoice,
    "855": x12_answers.acknowledgement,
    "856": x12_answers.ship_notice,
    "945": x12_answers.shipping_advice,
    "997": verdicts.functional,
    "999": verdicts.functional,
}


# --- EDIFACT


def read_edifact(found: Message, terms: EdiTerms) -> Meaning:
    """What one message means. Raises Unreadable."""
    if found.kind in {"ORDERS", "ORDCHG"}:
        reason = edifact_documents.no_order(found)
        return ignored(reason) if reason else _ordered(found, edifact_documents.order(found, terms), terms)
    if found.kind == "CONTRL":
        return verdicts.contrl(found, terms)
    if reader := edifact_documents.READERS.get(found.kind):
        return reader(found, terms)
    reason = kinds.edifact_reason(found.kind)
    if not reason:
        raise unparsable(f"EDIFACT has no message {found.kind!r} that Backroom knows; the bytes are kept")
    return ignored(reason)


# --- Orders and their changes


def _ordered(document: Document, purchase: Purchase, terms: EdiTerms) -> Meaning:
    if purchase.purpose in {CANCEL, CHANGE}:
        number, name = purchase.number, _claim(document).number

        def orders(bodies: Sequence[bytes]) -> Sequence[IncomingOrder]:
            return _as_it_stands(number, [*({**_purchases(number, bodies, terms), name: purchase}).values()], terms)

        return Meaning(acts=(AmendOrder(number, orders),))
    return Meaning(acts=tuple(PlaceOrder(order) for order in orders_of(purchase, terms)))


def _as_it_stands(number: str, said: Sequence[Purchase], terms: EdiTerms) -> Sequence[IncomingOrder]:
    """The order all these documents make: the latest that states it whole, and every later change in turn.

    Each further change counts as newer, so that more is known wins over less, in whatever order they came.
    """
    said = sorted(said, key=lambda each: (each.version, each.purpose != NEW))
    whole = [index for index, each in enumerate(said) if each.purpose == NEW]
    if not whole:
        raise Unreadable(FailureClass.MISSING_REFERENCE, Fault("", f"nobody has seen order {number} itself"))
    order = said[whole[-1]]
    for change in said[whole[-1] + 1 :]:
        order = amended(order, change)
    return orders_of(replace(order, version=order.version + len(said) - 1), terms)


def purchases(body: bytes, terms: EdiTerms) -> list[Purchase]:
    """Every order and change of an order that can be read of a file."""
    return list(_numbered(body, terms).values())


def _purchases(number: str, bodies: Iterable[bytes], terms: EdiTerms) -> dict[str, Purchase]:
    """Every document about this order among these, by its number."""
    found = {name: each for body in bodies for name, each in _numbered(body, terms).items()}
    return {name: each for name, each in found.items() if each.number == number}


def _numbered(body: bytes, terms: EdiTerms) -> dict[str, Purchase]:
    if tradacoms.looks_like(_beginning(body, terms)):
        said = tradacoms_orders.orders(tradacoms.transmission(body, code_page=terms.code_page), terms)
        return {each.number: each for each in said}
    found: dict[str, Purchase] = {}
    for part in _parts(_interchanges(body, terms)):
        document = part.document
        if document is not None and part.fault is None and (purchase := _purchase(document, terms)):
            found[_claim(document).number] = purchase
    return found


def _purchase(document: Document, terms: EdiTerms) -> Purchase | None:
    """The document as a purchase, where it is one."""
    if isinstance(document, Transaction):
        if document.kind == "940":
            return warehouse.read(document, terms)
        return x12_orders.read(document, terms) if document.kind in {"850", "860"} else None
    return edifact_documents.order(document, terms) if document.kind in {"ORDERS", "ORDCHG"} else None
