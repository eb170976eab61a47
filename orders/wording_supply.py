"""How back-orders, partners, closures and new promises read on a timeline."""

from __future__ import annotations

from datetime import datetime

from core import timeline
from core.formats import plural
from core.models import Event
from core.timeline import Words
from orders import events as facts


def _day(text: str | None) -> str:
    """An ISO moment as a day; the timeline's reader looks for the day, the hour is in the order."""
    return f"{datetime.fromisoformat(text):%d %b}" if text else "none"


def _promise(event: Event) -> Words:
    before, after = event.data.get("before"), event.data.get("after")
    later = bool(before and after and after > before)
    text = f"Promised for {_day(after)}" if not before else f"Promise moved from {_day(before)} to {_day(after)}"
    return Words(text, event.data.get("why") or "", "calendar", "warn" if later else "")


def _backordered(event: Event) -> Words:
    lines = event.data.get("lines") or []
    units = sum(line.get("quantity", 0) for line in lines)
    due = max((line.get("due_at") or "" for line in lines), default="")
    return Words(f"{plural(units, 'unit')} back-ordered", f"due {_day(due or None)}", "hourglass")


def _filled(event: Event) -> Words:
    units = sum(line.get("quantity", 0) for line in event.data.get("lines") or [])
    return Words(f"{plural(units, 'back-ordered unit')} arrived", "", "package-check", "ok")


def _slipped(event: Event) -> Words:
    before, after = _day(event.data.get("before")), _day(event.data.get("after"))
    return Words("The delivery comes later", f"{before} to {after}", "hourglass", "warn")


def _resourced(event: Event) -> Words:
    to = ", ".join(f"{each.get('location')} ({each.get('quantity')})" for each in event.data.get("to") or [])
    return Words(f"{event.subject_label} goes to {to}", event.data.get("why") or "", "repeat")


def _asked(event: Event) -> Words:
    return Words(
        f"{event.subject_label} asked of its partner", f"answer due {_day(event.data.get('answer_by'))}", "send"
    )


def _answered(event: Event) -> Words:
    data = event.data
    if data.get("accepted"):
        return Words(f"{event.subject_label} accepted by its partner", "", "check", "ok")
    why = str(data.get("reason") or "").replace("_", " ").lower()
    return Words(f"{event.subject_label} declined by its partner", data.get("said") or why, "circle-x", "crit")


def _withdrawn(event: Event) -> Words:
    return Words(f"{event.subject_label} taken back from its partner", event.data.get("why") or "", "undo-2")


def _closed(event: Event) -> Words:
    words = f"until {_day(event.data.get('until'))}: {event.data.get('reason') or ''}"
    return Words(f"{event.subject_label} closed for the day", words, "store", "warn")


def _reopened(event: Event) -> Words:
    return Words(f"{event.subject_label} takes orders again", "", "store", "ok")


def _carrier_out(event: Event) -> Words:
    return Words(f"Nothing goes with {event.subject_label} for now", event.data.get("reason") or "", "truck", "warn")


def _carrier_back(event: Event) -> Words:
    return Words(f"{event.subject_label} runs again", "", "truck", "ok")


def register() -> None:
    for type_, teller in {
        facts.PROMISE_CHANGED: _promise, facts.BACKORDERED: _backordered, facts.BACKORDER_FILLED: _filled,
        facts.BACKORDER_SLIPPED: _slipped, facts.RESOURCED: _resourced, facts.ASKED: _asked,
        facts.ANSWERED: _answered, facts.WITHDRAWN: _withdrawn, facts.SITE_CLOSED: _closed,
        facts.SITE_REOPENED: _reopened, facts.CARRIER_OUT: _carrier_out, facts.CARRIER_BACK: _carrier_back,
    }.items():  # fmt: skip
        timeline.register([type_], teller)
