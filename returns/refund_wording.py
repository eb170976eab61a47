"""How the facts about refunds read on a timeline."""

from __future__ import annotations

from core import timeline
from core.formats import money
from core.models import Event
from core.timeline import Words
from returns import events as facts

_TOLD = {
    facts.REFUND_DECIDED: ("Refund of {amount} decided", "undo-2", ""),
    facts.REFUND_APPROVED: ("Refund of {amount} approved", "check", "ok"),
    facts.REFUND_POSTED: ("{amount} paid back", "circle-check", "ok"),
    facts.REFUND_FAILED: ("Refund of {amount} failed", "triangle-alert", "crit"),
    facts.REFUND_DECLINED: ("Refund of {amount} declined", "circle-x", "crit"),
}


def register() -> None:
    timeline.register(list(_TOLD), _words)


def _words(event: Event) -> Words:
    data = event.data
    text, icon, tone = _TOLD[event.type]
    amount = money(data.get("amount"), str(data.get("currency") or ""))
    waits = event.type == facts.REFUND_DECIDED and data.get("waits")
    detail = f"It waits for somebody else: {waits}" if waits else str(data.get("reason") or "")
    return Words(text.format(amount=amount), detail, "hourglass" if waits else icon, "warn" if waits else tone)
