"""How the facts about returns before their goods come read on a timeline."""

from __future__ import annotations

from core import timeline
from core.formats import money, plural
from core.models import Event
from core.timeline import Words
from returns import events as facts


def register() -> None:
    timeline.register(list(_TOLD), lambda event: _TOLD[event.type](event))


def _units(event: Event) -> int:
    return sum(line.get("quantity", 0) for line in event.data.get("lines") or [])


def _name(event: Event) -> str:
    return event.subject_label or "Return"


def _requested(event: Event) -> Words:
    data = event.data
    worth = money(data.get("value"), data.get("currency", ""))
    return Words(f"{_name(event)} asked for", f"{plural(data.get('units', 0), 'unit')}, {worth}", "undo-2")


def _approved(event: Event) -> Words:
    data = event.data
    by = "by the policy" if data.get("by") == "policy" else "by a person"
    where = f"It comes back to {data['location']}." if data.get("location") else ""
    return Words(f"{_name(event)} approved {by}", " ".join(p for p in (data.get("why", ""), where) if p), "check", "ok")


def _declined(event: Event) -> Words:
    return Words(f"{_name(event)} declined", event.data.get("reason", ""), "circle-x", "crit")


def _cancelled(event: Event) -> Words:
    units = plural(_units(event), "unit")
    return Words(f"{_name(event)}: {units} called off", event.data.get("reason", ""), "x", "warn")


def _expired(event: Event) -> Words:
    return Words(f"{_name(event)}: {plural(_units(event), 'unit')} never came", "", "hourglass", "warn")


def _changed(event: Event) -> Words:
    changes = ", ".join(
        f"{c.get('field', '').replace('_', ' ')} {c.get('before', '')} → {c.get('after', '')}"
        for c in event.data.get("changes") or []
    )
    return Words(f"{_name(event)} changed", " ".join(p for p in (changes, event.data.get("why", "")) if p), "pencil")


def _label_ready(event: Event) -> Words:
    data = event.data
    return Words(
        "Return label ready", f"{data.get('carrier', '')} {data.get('tracking_number', '')}".strip(), "tag", "ok"
    )


def _tracked(event: Event) -> Words:
    data = event.data
    said = " ".join(p for p in (str(data.get("words") or ""), str(data.get("place") or "")) if p)
    where = "to the customer" if data.get("to_customer") else "back"
    return Words(f"Parcel on its way {where}: {str(data.get('state', '')).replace('_', ' ')}", said, "truck")


def _lost(event: Event) -> Words:
    units = plural(_units(event), "unit")
    return Words(f"{_name(event)}: {units} lost on the way", str(event.data.get("why") or ""), "truck", "crit")


def _policy(event: Event) -> Words:
    return Words(f"Version {event.data.get('version', '')} {event.data.get('what', '')}", "", "file-text")


_TOLD = {
    facts.REQUESTED: _requested,
    facts.APPROVED: _approved,
    facts.DECLINED: _declined,
    facts.CANCELLED: _cancelled,
    facts.EXPIRED: _expired,
    facts.CHANGED: _changed,
    facts.LABEL_WANTED: lambda event: Words("Return label ordered", event.data.get("service", ""), "tag"),
    facts.LABEL_READY: _label_ready,
    facts.LABEL_FAILED: lambda event: Words("No return label", event.data.get("reason", ""), "tag", "crit"),
    facts.LABEL_VOID_WANTED: lambda event: Words("Return label being given back", event.data.get("reason", ""), "tag"),
    facts.LABEL_VOIDED: lambda event: Words("Return label given back", "", "tag"),
    facts.TRACKED: _tracked,
    facts.LOST: _lost,
    facts.COMPLETED: lambda event: Words(f"{_name(event)} completed", "", "circle-check", "ok"),
    facts.POLICY_CHANGED: _policy,
}
