"""How the facts of counts and transfers read on a timeline."""

from __future__ import annotations

from typing import Any

from core import timeline
from core.formats import plural
from core.models import Event
from core.subjects import Subject
from core.timeline import Words
from inventory import events as facts

_PLAIN = {
    facts.COUNT_STARTED: ("Counting started", "scan-line", ""),
    facts.COUNT_FINISHED: ("Everything was looked at", "list-checks", ""),
    facts.COUNT_REVIEW: ("Somebody else must approve", "eye", "warn"),
    facts.COUNT_CANCELLED: ("Count cancelled", "x", ""),
    facts.TRANSFER_APPROVED: ("Approved: the units are promised", "check", "ok"),
    facts.TRANSFER_CANCELLED: ("Transfer cancelled", "x", ""),
}

_WITHOUT = frozenset({facts.MOVED, facts.EXPECTED, facts.SETTLED})
MOST_STEPS = 50


def history(subject: Subject) -> list[Event]:
    """What people did with a count or transfer, newest first; the movements that followed stand in the ledger."""
    return [event for event in timeline.of(subject) if event.type not in _WITHOUT][:MOST_STEPS]


def _plain(event: Event) -> Words:
    text, icon, tone = _PLAIN[event.type]
    return Words(text, str(event.data.get("why") or event.data.get("reason") or ""), icon, tone)


def _count_requested(event: Event) -> Words:
    data = event.data
    return Words("Count asked for", f"{plural(data.get('items', 0), 'item')}: {_list(data.get('skus'))}", "list-checks")


def _recount(event: Event) -> Words:
    return Words("To be counted again", _list(event.data.get("skus")), "rotate-ccw", "warn")


def _posted(event: Event) -> Words:
    lines = event.data.get("posted") or event.data.get("lines") or []
    lines = lines if isinstance(lines, list) else []
    said = ", ".join(f"{line.get('sku')} {line.get('posted', 0):+}" for line in lines[:5])
    title = "Posted" if event.type == facts.COUNT_POSTED else "Put right afterwards"
    return Words(title, said or "the books were right", "check", "ok")


def _transfer_requested(event: Event) -> Words:
    lines = event.data.get("lines") or []
    return Words("Transfer asked for", ", ".join(f"{x.get('units')} {x.get('sku')}" for x in lines[:5]), "repeat")


def _picked(event: Event) -> Words:
    missing = event.data.get("missing") or []
    said = ", ".join(f"{x.get('units')} {x.get('sku')} not found" for x in missing[:5])
    return Words(f"{plural(event.data.get('units', 0), 'unit')} picked", said, "package", "warn" if missing else "ok")


def _shipped(event: Event) -> Words:
    by = f"{event.data.get('carrier', '')} {event.data.get('tracking', '')}".strip()
    return Words(f"{plural(event.data.get('units', 0), 'unit')} on their way", by, "truck")


def _received(event: Event) -> Words:
    differences = event.data.get("differences") or []
    said = ", ".join(f"{x.get('units')} {x.get('sku')} {str(x.get('kind', '')).lower()}" for x in differences[:5])
    tone = "crit" if differences else "ok"
    return Words(f"{plural(event.data.get('units', 0), 'unit')} received", said, "package-check", tone)


def _settled(event: Event) -> Words:
    data = event.data
    words = str(data.get("resolution", "")).replace("_", " ").lower()
    return Words(f"{data.get('units')} {data.get('sku')} settled", words, "check", "ok")


def _unsettled(event: Event) -> Words:
    data = event.data
    words = f"Was: {str(data.get('was', '')).replace('_', ' ').lower()}"
    return Words(f"{data.get('units')} {data.get('sku')} to be settled again", words, "undo-2", "warn")


def _list(values: Any) -> str:
    names = [str(value) for value in values or []]
    return ", ".join(names[:5]) + (" and more" if len(names) > 5 else "")


def register() -> None:
    timeline.register(list(_PLAIN), _plain)
    timeline.register([facts.COUNT_REQUESTED], _count_requested)
    timeline.register([facts.COUNT_RECOUNT], _recount)
    timeline.register([facts.COUNT_POSTED, facts.COUNT_SETTLED], _posted)
    timeline.register([facts.TRANSFER_REQUESTED], _transfer_requested)
    timeline.register([facts.TRANSFER_PICKED], _picked)
    timeline.register([facts.TRANSFER_SHIPPED], _shipped)
    timeline.register([facts.TRANSFER_RECEIVED], _received)
    timeline.register([facts.TRANSFER_SETTLED], _settled)
    timeline.register([facts.TRANSFER_UNSETTLED], _unsettled)
