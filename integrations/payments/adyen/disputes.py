"""What banks ask about a payment at Adyen, and how their disputes end (docs.adyen.com: dispute webhooks). Pure.

Every event of one dispute has the same pspReference and names its payment as originalReference. What is taken in a
second round would be the first again by that name, so it has one of its own; `hearing` counts it only where the first
was given back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from integrations.channels.meaning import Asked, Heard, HearOfMoney, Meaning, ignored
from integrations.payments.adyen.items import payment_of
from integrations.reading import Node
from orders.canonical import IncomingPayment, PaymentKind
from orders.notices import IncomingNotice, Kind, State


@dataclass(frozen=True, slots=True)
class _Said:
    """What a code does to the money, and how the matter stands after it. Without a kind: whatever it is about."""

    moves: tuple[PaymentKind, ...]
    kind: Kind
    state: State
    round: str = ""


CODES = {
    "CHARGEBACK": _Said(("chargeback",), "DISPUTE", "OPEN"),
    "CHARGEBACK_REVERSED": _Said(("reinstated",), "DISPUTE", "ANSWERED"),
    "DISPUTE_DEFENSE_PERIOD_ENDED": _Said(("dispute_lost",), "", "CLOSED"),
    "INFORMATION_SUPPLIED": _Said((), "", "ANSWERED"),
    "ISSUER_RESPONSE_TIMEFRAME_EXPIRED": _Said((), "", "CLOSED"),
    "NOTIFICATION_OF_CHARGEBACK": _Said(("disputed",), "DISPUTE", "OPEN"),
    "NOTIFICATION_OF_FRAUD": _Said((), "FRAUD", "OPEN"),
    "PREARBITRATION_LOST": _Said(("chargeback", "dispute_lost"), "DISPUTE", "CLOSED", "prearbitration"),
    "PREARBITRATION_WON": _Said((), "DISPUTE", "CLOSED"),
    "REQUEST_FOR_INFORMATION": _Said((), "INQUIRY", "OPEN"),
    "SECOND_CHARGEBACK": _Said(("chargeback", "dispute_lost"), "DISPUTE", "CLOSED", "second"),
}
_LOST = {"lost", "accepted", "expired"}
_REASONS = ("chargebackReasonCode", "rfiReasonCode", "nofReasonCode")


def item(it: Node, code: str) -> Meaning:
    said = CODES[code]
    payment = payment_of(it, "disputed")
    if payment is None:
        return ignored("not understood")
    more = it.object("additionalData")
    status = more.line("disputeStatus") if more else ""
    state, moves = said.state, list(said.moves)
    if code == "CHARGEBACK" and (status.lower() in _LOST or _final(more)):
        state, moves = "CLOSED", ["chargeback", "dispute_lost"]
    if moves == ["dispute_lost"] and _only_asked(more):
        moves = []  # an inquiry nobody answered: nothing was taken
    if status.lower() == "pending" and state == "OPEN" and _yes(more, "autoDefended"):
        state = "ANSWERED"
    names = tuple(dict.fromkeys(name for name in (payment.parent_ref, payment.ref) if name))
    ours = it.line("merchantReference")
    heard = tuple(Heard(_moved(payment, kind, said.round), names, "", ours) for kind in moves)
    notice = IncomingNotice(
        ref=payment.ref, kind=said.kind, state=state, said_at=payment.at, parent_ref=payment.parent_ref,
        gateway=payment.gateway, amount=payment.amount, currency=payment.currency, reason=_reason(it, more),
        told_state=status or code.replace("_", " ").lower(),
        due_at=more.moment("defensePeriodEndsAt") if more else None,
    )  # fmt: skip
    return Meaning(acts=(HearOfMoney(heard, (Asked(notice, names, ours),)),))


def _moved(payment: IncomingPayment, kind: PaymentKind, again: str) -> IncomingPayment:
    ref = f"{payment.ref}:{again}" if again and kind == "chargeback" else payment.ref
    return replace(payment, kind=kind, ref=ref)


def _final(more: Node | None) -> bool:
    return more is not None and str(more.raw("defendable") or "").lower() == "false" and not more.has("disputeStatus")


def _yes(more: Node | None, key: str) -> bool:
    return more is not None and str(more.raw(key) or "").lower() == "true"


def _only_asked(more: Node | None) -> bool:
    return more is not None and more.has("rfiReasonCode") and not more.has("chargebackReasonCode")


def _reason(it: Node, more: Node | None) -> str:
    code = next((more.line(key) for key in _REASONS if more and more.has(key)), "") if more else ""
    return " ".join(word for word in (it.line("reason"), f"({code})" if code else "") if word)
