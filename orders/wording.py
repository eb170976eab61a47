"""How the facts of this app read on a timeline."""

from __future__ import annotations

from typing import Any

from core import timeline
from core.formats import money, plural
from core.models import Event
from core.timeline import Words
from orders import events as facts
from orders import wording_money, wording_parcels, wording_supply

_PLAIN = {
    facts.STALE_UPDATE: ("Older update dropped", "rotate-ccw", ""),
    facts.CONTACT_SHOWN: ("Customer contact shown", "user", ""),
    facts.COMPLETED: ("Order completed", "circle-check", "ok"),
    facts.PAID: ("Payment reported", "credit-card", "ok"),
    facts.RETURNED: ("Units counted as returned", "undo-2", ""),
    facts.OPENED: ("Sent to {node} for picking", "store", ""),
    facts.ACCEPTED: ("{work} accepted", "check", ""),
    facts.PICK_STARTED: ("Picking of {work} started", "list-checks", ""),
    facts.PICKED: ("{work} picked", "list-checks", "ok"),
    facts.PACKED: ("{work} packed", "package", "ok"),
    facts.FULFILMENT_CANCELLED: ("{work} cancelled", "x", ""),
    facts.REJECTED: ("{work} declined by {node}", "circle-x", "crit"),
    facts.DELIVERED: ("{work} delivered", "circle-check", "ok"),
    facts.READY: ("{work} ready to collect", "store", "ok"),
    facts.COLLECT_SOON: ("{work} waits for its last days", "clock", "warn"),
    facts.WAVE_PLANNED: ("Planned", "layers", ""),
    facts.WAVE_RELEASED: ("Released to the pickers", "play", ""),
    facts.WAVE_RESUMED: ("Held no more", "play", ""),
    facts.WAVE_CANCELLED: ("Given up", "x", "warn"),
    facts.WAVE_DONE: ("Everything picked", "circle-check", "ok"),
    facts.MANIFEST_CLOSED: ("Handed over to the carrier", "truck", "ok"),
    facts.UNCOLLECTED: ("{work} taken off the ready shelf", "undo-2", "warn"),
}


def _noted(event: Event) -> Words:
    return Words("Note", str(event.data.get("text") or ""), "message-square")


def _approved(event: Event) -> Words:
    data = event.data
    words = "Let through on credit" if data.get("kind") == "CREDIT" else "Approved"
    total = money(data.get("total"), data.get("currency", ""))
    return Words(f"{words} up to {total}", str(data.get("note") or ""), "user-check", "ok")


def _account_changed(event: Event) -> Words:
    if event.data.get("made"):
        return Words("Account made", "", "plus", "ok")
    changed = (str(c.get("field", "")).replace("_", " ") for c in event.data.get("changes") or [])
    return Words("Account changed", ", ".join(changed), "pencil")


def _received(event: Event) -> Words:
    data = event.data
    total = money(data.get("total"), data.get("currency", ""))
    return Words("Order received", " ".join(p for p in (data.get("channel", ""), total) if p), "shopping-bag")


def _held_wave(event: Event) -> Words:
    return Words("Held", str(event.data.get("because", "")), "pause", "warn")


def _changed_wave(event: Event) -> Words:
    return Words(f"{event.data.get('dropped', '')} taken out", "", "undo-2")


def _allocated(event: Event) -> Words:
    picks = event.data.get("picks") or []
    units = sum(p.get("quantity", 0) for p in picks)
    nodes = {str(p.get("location")) for p in picks}
    return Words(
        f"{plural(units, 'unit')} promised by {plural(len(nodes), 'place')}",
        f"rule {event.data.get('rule', '')}",
        "workflow",
    )


def _unallocated(event: Event) -> Words:
    short = ", ".join(str(s.get("sku", "")) for s in event.data.get("short") or [])
    return Words("No place has everything", short, "triangle-alert", "crit")


def _changed(event: Event) -> Words:
    fields = ", ".join(
        dict.fromkeys(str(c.get("field", "")).replace("_", " ") for c in event.data.get("changes") or [])
    )
    return Words("Order changed at its source", fields, "repeat")


def _cancelled(event: Event) -> Words:
    return Words("Order cancelled", event.data.get("reason") or "", "x", "crit")


def _refunded(event: Event) -> Words:
    return Words("Refund reported", money(event.data.get("amount"), event.data.get("currency", "")), "undo-2")


def _held(event: Event) -> Words:
    return Words(f"Held: {str(event.data.get('type', '')).lower()}", event.data.get("reason") or "", "pause", "warn")


def _judged(event: Event) -> Words:
    data = event.data
    tone = {"high": "crit", "medium": "warn"}.get(str(data.get("level")), "ok")
    return Words(f"Risk judged {data.get('level', '')} by {data.get('provider', '')}",
                 ", ".join(str(why) for why in data.get("reasons") or []), "scan-line", tone)  # fmt: skip


def _agreed(event: Event) -> Words:
    data = event.data
    amount = (data.get("effect") or {}).get("money") or {}
    gap = (
        money(amount.get("difference"), amount.get("currency", "")) if amount.get("next") not in {None, "none"} else ""
    )
    text = {facts.CHANGE_PROPOSED: "Proposed: {}", facts.CHANGE_DECLINED: "Declined: {}"}.get(event.type, "Changed: {}")
    said = data.get("reason") or data.get("note") or ""
    return Words(text.format(data.get("summary", "")), " ".join(p for p in (gap, said) if p), "repeat")


def _resolved(event: Event) -> Words:
    return Words(f"Hold lifted: {str(event.data.get('type', '')).lower()}", event.data.get("how") or "", "check", "ok")


def _short(event: Event) -> Words:
    data = event.data
    why = str(data.get("reason", "")).replace("_", " ").lower()
    units = data.get("quantity", "")
    return Words(
        f"Short at pick: {units} × {data.get('item_label') or data.get('item', '')}", why, "triangle-alert", "crit"
    )


def _left_at_counter(event: Event) -> Words:
    lines = event.data.get("lines") or []
    words = ", ".join(f"{line.get('quantity')} × {line.get('sku')}" for line in lines)
    return Words("Left at the counter", words, "undo-2", "warn")


def _refund_due(event: Event) -> Words:
    amount = money(event.data.get("amount"), event.data.get("currency", ""))
    return Words(f"{amount} to be refunded", event.data.get("why") or "", "credit-card", "warn")


def _shipped(event: Event) -> Words:
    data: dict[str, Any] = event.data
    if data.get("method") != "SHIP" and not data.get("shipment"):
        return Words(f"{event.subject_label} handed over", "", "store", "ok")
    parts = (data.get("carrier"), data.get("tracking") or data.get("tracking_number"))
    return Words(f"{event.subject_label} shipped", " ".join(str(p) for p in parts if p), "truck", "ok")


def _plain(event: Event) -> Words:
    text, icon, tone = _PLAIN[event.type]
    node = event.data.get("location_label") or event.data.get("location") or "its place"
    return Words(text.format(work=event.subject_label, node=node), str(event.data.get("reason") or ""), icon, tone)


def register() -> None:
    wording_parcels.register()
    wording_supply.register()
    timeline.register(list(_PLAIN), _plain)
    for type_, teller in {
        facts.NOTED: _noted, facts.APPROVED: _approved, facts.ACCOUNT_CHANGED: _account_changed,
        facts.RECEIVED: _received, facts.ALLOCATED: _allocated, facts.UNALLOCATED: _unallocated,
        facts.CHANGED: _changed,
        facts.CANCELLED: _cancelled, facts.REFUNDED: _refunded, facts.HELD: _held, facts.HOLD_RESOLVED: _resolved,
        facts.RISK_JUDGED: _judged, facts.CHANGE_PROPOSED: _agreed, facts.CHANGE_CONFIRMED: _agreed,
        facts.CHANGE_DECLINED: _agreed,
        facts.SHORT_PICKED: _short, facts.SHIPPED: _shipped, facts.DECLINED_AT_COUNTER: _left_at_counter,
        facts.REFUND_DUE: _refund_due, facts.WAVE_HELD: _held_wave, facts.WAVE_CHANGED: _changed_wave,
    }.items():  # fmt: skip
        timeline.register([type_], teller)
    for type_, teller in wording_money.WORDS.items():
        timeline.register([type_], teller)
