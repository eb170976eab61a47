"""What banks and Stripe ask about a payment: disputes, inquiries before them, early fraud warnings. Pure.

An inquiry (a status that begins with `warning_`) withholds no money and still has a day until which evidence counts;
unanswered it becomes a dispute under the same number (docs.stripe.com: disputes, early fraud warnings).

A status says who won; whether the money moved, the dispute's balance transactions say: none, the withdrawal, or that
and what was given back (docs.stripe.com/api/disputes/object). So a dispute that was won is over when its money is back,
by `funds_reinstated` or by a balance transaction in any event of it; until then it is withheld, and its case stands.
One that was lost may have given a part back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from integrations.channels.meaning import Asked, Heard, HearOfMoney, Meaning, ignored
from integrations.payments import minor
from integrations.payments.stripe.money import GATEWAY, amount_of, payment_of, upper, when
from integrations.reading import MOST_MINOR, Node, checked_payment, shown
from orders.canonical import PaymentKind
from orders.currencies import rounded
from orders.notices import IncomingNotice, Kind, State

EVENTS = {
    "charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed", "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
}  # fmt: skip
WARNINGS = {"radar.early_fraud_warning.created", "radar.early_fraud_warning.updated"}
_STATES: dict[str, State] = {
    "warning_needs_response": "OPEN", "needs_response": "OPEN",
    "warning_under_review": "ANSWERED", "under_review": "ANSWERED",
    "warning_closed": "CLOSED", "won": "CLOSED", "lost": "CLOSED", "prevented": "CLOSED",
}  # fmt: skip
_MOVES: dict[str, PaymentKind] = {
    "charge.dispute.funds_withdrawn": "chargeback", "charge.dispute.funds_reinstated": "reinstated",
}  # fmt: skip
_STANDS = {"needs_response", "under_review"}  # a dispute whose money is withheld until it is decided


def dispute(event: str, it: Node, at: datetime) -> Meaning:
    status = it.at("status").explained(it.line("status"), _STATES, "a dispute's status")
    if not status:
        return ignored("not understood")
    charge, intent = it.line("charge"), it.line("payment_intent")
    payment = payment_of(it, "disputed", it.line("id"), amount_of(it, "amount"), at, parent=charge or intent)
    if payment is None:
        return ignored("not understood")
    payment = checked_payment(payment)
    names = tuple(dict.fromkeys(name for name in (payment.ref, charge, intent) if name))
    moved = _moved(it, payment.amount, payment.currency, status)
    heard = [
        Heard(replace(payment, kind=kind, amount=moved.get(kind) or payment.amount), names)
        for kind in _kinds(event, status, moved)
    ]
    details = it.object("evidence_details")
    notice = IncomingNotice(
        ref=payment.ref, kind=_kind(status), state=_STATES[status], said_at=at, parent_ref=payment.parent_ref,
        gateway=GATEWAY, amount=payment.amount, currency=payment.currency, reason=_words(it.line("reason")),
        told_state=_words(status), due_at=when(details.raw("due_by")) if details else None,
    )  # fmt: skip
    return Meaning(acts=(HearOfMoney(tuple(heard), (Asked(notice, names),)),))


def warning(it: Node, at: datetime) -> Meaning:
    """A bank thinks the payment was not its holder's. One that can't be acted on any more says so and is over."""
    charge, ref = it.line("charge"), it.line("id")
    if not ref or not charge:
        it.fault("names no warning and charge")
        return ignored("not understood")
    notice = IncomingNotice(
        ref=ref, kind="FRAUD" if it.flag("actionable", True) else "",
        state="OPEN" if it.flag("actionable", True) else "CLOSED", said_at=at, parent_ref=charge, gateway=GATEWAY,
        reason=_words(it.line("fraud_type")),
    )  # fmt: skip
    names = tuple(dict.fromkeys(name for name in (charge, it.line("payment_intent")) if name))
    return Meaning(acts=(HearOfMoney(asked=(Asked(notice, names),)),))


def _kinds(event: str, status: str, moved: Mapping[PaymentKind, Decimal]) -> list[PaymentKind]:
    """What it does to the money."""
    if event in _MOVES:
        return [_MOVES[event]]
    if status in {"won", "lost"} and event != "charge.dispute.created":
        # What was given back had been taken: whoever missed the one event learns both of them here.
        back: list[PaymentKind] = ["chargeback", "reinstated"] if "reinstated" in moved else []
        return [*back, "dispute_lost"] if status == "lost" else back
    return ["disputed"] if status in _STANDS or status == "lost" else []


def _moved(it: Node, amount: Decimal, currency: str, status: str) -> dict[PaymentKind, Decimal]:
    """What its balance transactions took and gave back, in the dispute's currency. They are in the account's own: where
    that is another, what was won came back whole, and of what was lost the same part."""
    out = back = Decimal(0)
    same = True
    for each in it.items("balance_transactions"):
        units = each.raw("amount")
        if isinstance(units, bool) or not isinstance(units, int) or abs(units) > MOST_MINOR:
            each.at("amount").fault(f"should be an amount in the smallest unit of its currency, is {shown(units)}")
            continue
        own = upper(each) or currency
        same = same and own == currency
        value = minor.from_minor(units, own, minor.STRIPE)
        out, back = out - min(value, Decimal(0)), back + max(value, Decimal(0))
    if not back:
        return {}
    if same and out:
        return {"chargeback": out, "reinstated": back}
    part = min(back / out, Decimal(1)) if out and status == "lost" else Decimal(1)
    return {"chargeback": amount, "reinstated": rounded(amount * part, currency)}


def _kind(status: str) -> Kind:
    # One that was prevented was settled before it became anything: it closes what is known, and opens nothing.
    return "" if status == "prevented" else "INQUIRY" if status.startswith("warning_") else "DISPUTE"


def _words(code: str) -> str:
    return code.replace("_", " ")
