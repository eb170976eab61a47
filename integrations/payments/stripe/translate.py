"""Stripe's events to what they mean for an order's money (docs.stripe.com/api/events/types). Pure.

A charge says that money is held, taken or let go; a refund and a dispute speak for themselves. What only repeats that
in other words (intents, sessions, balances) is left, each with its reason. A type nobody knows is no guess: it is left
and says so; a status nobody knows fails.
"""

from __future__ import annotations

from datetime import datetime

from integrations.channels.meaning import Heard, HearOfMoney, Meaning, ignored
from integrations.documents import read_json
from integrations.failures import unparsable
from integrations.payments import feeding, minor
from integrations.payments.stripe import disputes
from integrations.payments.stripe.client import MARK, capture_ref
from integrations.payments.stripe.money import amount_of, payment_of, upper, when
from integrations.reading import Faults, Node, checked_payment
from orders.canonical import IncomingPayment, PaymentKind

VERSION = "stripe/1"
_BY_CHARGE = "the charge it made says the same"
_BY_REFUND = "each refund comes by itself"
_BOOKS = "payouts are settled from the statement, not from this event"
_PEOPLE = "customers and what they keep at Stripe are no matter of Backroom's"
# By the first words of a type; the longest that fits counts.
_LEFT = {
    "account": "it concerns the account at Stripe",
    "application_fee": _BOOKS,
    "balance": _BOOKS,
    "billing": "invoices and subscriptions are kept at Stripe",
    "capability": "it concerns the account at Stripe",
    "charge.pending": "the money is not there yet",
    "charge.refunded": _BY_REFUND,
    "checkout": _BY_CHARGE,
    "coupon": "discounts come with their orders",
    "credit_note": "invoices and subscriptions are kept at Stripe",
    "customer": _PEOPLE,
    "file": "it concerns the account at Stripe",
    "invoice": "invoices and subscriptions are kept at Stripe",
    "mandate": _PEOPLE,
    "payment_intent": _BY_CHARGE,
    "payment_link": "it concerns the account at Stripe",
    "payment_method": _PEOPLE,
    "payout": _BOOKS,
    "person": "it concerns the account at Stripe",
    "plan": "invoices and subscriptions are kept at Stripe",
    "price": "prices come with their orders",
    "product": "articles are not taken from Stripe",
    "promotion_code": "discounts come with their orders",
    "radar": "what Stripe thinks of fraud comes with its charge",
    "reporting": _BOOKS,
    "review": "what Stripe thinks of fraud comes with its charge",
    "setup_intent": _PEOPLE,
    "source": _PEOPLE,
    "subscription": "invoices and subscriptions are kept at Stripe",
    "tax": "taxes come with their orders",
    "topup": _BOOKS,
    "transfer": _BOOKS,
}
_REFUND_STATES = {"succeeded", "failed", "canceled", "pending", "requires_action"}
_REFUND_TYPES = {"refund.created", "refund.updated", "refund.failed", "charge.refund.updated"}
# Events of these move money: one nobody knows is for a person.
_MOVING = ("charge.", "refund.")


def understand(topic: str, body: bytes) -> Meaning:
    if topic == feeding.TOPIC:
        return feeding.meaning("stripe")
    document = read_json(body)
    if not isinstance(document, dict) or document.get("object") != "event":
        raise unparsable("an event of Stripe's was expected")
    faults = Faults()
    meaning = _event(Node(document, "", faults))
    faults.raise_if_any()
    return meaning


def _event(root: Node) -> Meaning:
    kind = root.line("type")
    data = root.object("data")
    it = data.object("object") if data else None
    at = when(root.raw("created"))
    if not kind or data is None or it is None or at is None:
        root.fault("is no event: type, created and data.object are needed")
        return ignored("not understood")
    if kind in _REFUND_TYPES:
        return _refund(it, at)
    if kind in disputes.EVENTS:
        return disputes.dispute(kind, it, at)
    if kind in disputes.WARNINGS:
        return disputes.warning(it, at)
    do = {
        "charge.succeeded": _succeeded, "charge.captured": _captured, "charge.updated": _captured,
        "charge.failed": _failed, "charge.expired": _expired,
    }.get(kind)  # fmt: skip
    if do is not None:
        return do(it, data, at)
    if kind == "payment_intent.canceled":
        return _canceled(it, at)
    if kind == "payment_intent.payment_failed":
        return _not_paid(it, at)
    for start in sorted(_LEFT, key=len, reverse=True):
        if kind == start or kind.startswith((f"{start}.", f"{start}_")):
            return ignored(_LEFT[start])
    if kind.startswith(_MOVING):
        root.at("type").fault(f"is an event about money nobody here knows: {kind}")
    return ignored(f"{kind} is a type of event nobody here knows")


def _succeeded(charge: Node, data: Node, at: datetime) -> Meaning:
    if charge.flag("captured"):
        return _money(charge, "captured", charge.line("id"), charge.minor("amount_captured"), at)
    card = _card(charge)
    ends = when(card.raw("capture_before")) if card else None
    return _money(charge, "authorised", charge.line("id"), charge.minor("amount"), at, expires_at=ends)


def _captured(charge: Node, data: Node, at: datetime) -> Meaning:
    """A capture, the first or a further one: what was captured before stands among what the event changed."""
    before = data.object("previous_attributes")
    was = before.minor("amount_captured") if before and before.has("amount_captured") else None
    if was is None:
        if before is not None and not before.has("captured"):
            return ignored("nothing was captured with this change")
        was = 0
    total = charge.minor("amount_captured")
    if total is None or total <= was:
        return ignored("nothing was captured with this change")
    return _money(charge, "captured", capture_ref(charge.line("id"), was, total), total - was, at)


def _failed(charge: Node, data: Node, at: datetime) -> Meaning:
    return _money(charge, "failed", charge.line("id"), charge.minor("amount"), at)


def _expired(charge: Node, data: Node, at: datetime) -> Meaning:
    return _money(charge, "voided", charge.line("id"), charge.minor("amount"), at)


def _canceled(intent: Node, at: datetime) -> Meaning:
    if not intent.raw("latest_charge"):
        return ignored("nothing had been held")
    charge = intent.line("latest_charge")
    amount = amount_of(intent, "amount")
    payment = payment_of(intent, "voided", intent.line("id"), amount, at, parent=charge)
    return _heard(intent, payment, (charge, intent.line("id")), marked=False)


def _not_paid(intent: Node, at: datetime) -> Meaning:
    """A try to pay that failed, under its charge's number where it came to one: the charge says the same."""
    error = intent.object("last_payment_error")
    charge = intent.line("latest_charge") or (error.line("charge") if error else "")
    ref = intent.line("id")
    why = (error.line("decline_code") or error.line("code") or error.line("message")) if error else ""
    payment = payment_of(intent, "failed", charge or ref, amount_of(intent, "amount"), at, parent=ref if charge else "")
    return _heard(intent, payment, (charge, ref), failure=why or "declined")


def _refund(refund: Node, at: datetime) -> Meaning:
    status = refund.line("status")
    if not refund.at("status").explained(status, _REFUND_STATES, "a refund's status"):
        return ignored("not understood")
    if status in {"pending", "requires_action"}:
        return ignored("the refund is on its way")
    ref, parent = refund.line("id"), refund.line("charge") or refund.line("payment_intent")
    amount = amount_of(refund, "amount")
    came_back = status in {"failed", "canceled"}
    payment = payment_of(refund, "refund_failed" if came_back else "refunded", ref, amount, at, parent=parent)
    why = (refund.line("failure_reason") or status) if came_back else ""
    return _heard(refund, payment, (parent, refund.line("payment_intent")), failure=why)


def _money(
    charge: Node, kind: PaymentKind, ref: str, units: int | None, at: datetime, *, expires_at: datetime | None = None
) -> Meaning:
    currency = upper(charge)
    if units is None or not currency:
        charge.fault("names no amount or currency")
        return ignored("not understood")
    amount = minor.from_minor(units, currency, minor.STRIPE)
    intent = charge.line("payment_intent")
    payment = payment_of(charge, kind, ref, (amount, currency), at, parent=intent, expires_at=expires_at)
    return _heard(charge, payment, (charge.line("id"), intent), failure=charge.line("failure_code"))


def _heard(
    node: Node, payment: IncomingPayment | None, names: tuple[str, ...], *, failure: str = "", marked: bool = True
) -> Meaning:
    if payment is None:
        return ignored("not understood")
    marks = node.object("metadata")
    mark = marks.line(MARK) if marks and marked else ""
    order = marks.line("order") if marks else ""
    checked = checked_payment(payment)
    known = tuple(dict.fromkeys(name for name in (checked.ref, *names) if name))
    return Meaning(acts=(HearOfMoney((Heard(checked, known, mark, order, failure),)),))


def _card(charge: Node) -> Node | None:
    details = charge.object("payment_method_details")
    return details.object("card") if details else None
