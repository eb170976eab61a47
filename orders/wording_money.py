"""How facts about an order's money read on a timeline."""

from __future__ import annotations

from core.formats import money
from core.models import Event
from core.timeline import Words
from orders import events as facts
from orders.models import InstructionKind, NoticeKind

_DONE = {"AUTHORISE": "held", "CAPTURE": "captured", "VOID": "let go", "REFUND": "given back"}


def _instruction(event: Event) -> Words:
    data = event.data
    amount = money(data.get("amount"), data.get("currency", ""))
    kind = str(data.get("kind", ""))
    name = InstructionKind(kind).label if kind in InstructionKind.values else "Payment"
    if event.type == facts.PAYMENT_DONE:
        return Words(f"{amount} {_DONE.get(kind, 'moved')}", str(data.get("ref") or ""), "credit-card", "ok")
    if event.type == facts.PAYMENT_FAILED:
        return Words(f"{name} of {amount} failed", str(data.get("reason") or ""), "circle-x", "crit")
    if event.type == facts.PAYMENT_CANCELLED:
        return Words(f"{name} of {amount} given up", str(data.get("reason") or ""), "x", "warn")
    return Words(f"{name} of {amount} asked for", "", "send")


def _expiring(event: Event) -> Words:
    amount = money(event.data.get("amount"), event.data.get("currency", ""))
    return Words(f"The authorisation of {amount} ends soon", str(event.data.get("ref") or ""), "clock", "warn")


def _disputed(event: Event) -> Words:
    amount = money(event.data.get("amount"), event.data.get("currency", ""))
    taken = event.data.get("kind") == "chargeback"
    words = f"{amount} taken back by the bank" if taken else f"{amount} disputed at the bank"
    return Words(words, str(event.data.get("ref") or ""), "scale", "crit")


def _questioned(event: Event) -> Words:
    data = event.data
    kind = str(data.get("kind", ""))
    name = NoticeKind(kind).label if kind in NoticeKind.values else "Question"
    said = {"OPEN": "waits for an answer", "ANSWERED": "is with the bank", "CLOSED": "is closed"}
    state = str(data.get("state", ""))
    tone = {"OPEN": "warn", "CLOSED": "ok"}.get(state, "")
    return Words(f"{name} {said.get(state, '')}", str(data.get("reason") or ""), "scale", tone)


def _credit(event: Event) -> Words:
    data = event.data
    currency = data.get("currency", "")
    left = f"{money(data.get('balance'), currency)} left"
    return Words(f"{money(data.get('amount'), currency)}: {data.get('why') or 'not said'}", left, "banknote")


def _route(event: Event) -> Words:
    before, after = event.data.get("before") or {}, event.data.get("after") or {}
    changed = [name.replace("_", " ") for name, value in after.items() if before.get(name) != value]
    return Words("Route changed" if before else "Route made", ", ".join(changed) if before else "", "split")


WORDS = {
    facts.CREDIT_CHANGED: _credit,
    facts.ROUTE_CHANGED: _route,
    facts.PAYMENT_WANTED: _instruction,
    facts.PAYMENT_DONE: _instruction,
    facts.PAYMENT_FAILED: _instruction,
    facts.PAYMENT_CANCELLED: _instruction,
    facts.PAYMENT_EXPIRING: _expiring,
    facts.PAYMENT_DISPUTED: _disputed,
    facts.PAYMENT_QUESTIONED: _questioned,
}
