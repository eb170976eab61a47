"""Postings on a timeline, the order's included."""

from __future__ import annotations

from core import timeline
from core.models import Event
from core.timeline import Words
from finance import events as facts


def register() -> None:
    timeline.register([facts.PREPARED, facts.RETRIED, facts.POSTED, facts.REJECTED], _words)


def _words(event: Event) -> Words:
    said = event.data
    reference = said.get("reference", "")
    if event.type == facts.POSTED:
        return Words(f"The ERP has {reference} as {said.get('number', '')}", icon="check", tone="ok")
    if event.type == facts.REJECTED:
        return Words(f"The ERP rejected {reference}", said.get("reason", ""), "x", "crit")
    if event.type == facts.RETRIED:
        return Words(f"Posting {reference} is sent again", icon="rotate-ccw")
    return Words(f"Posting {reference} prepared for the ERP", icon="receipt")
