"""Payouts on a timeline."""

from __future__ import annotations

from decimal import Decimal

from core import timeline
from core.formats import money
from core.models import Event
from core.timeline import Words
from finance import events as facts

TOLD = (
    facts.SETTLEMENT_IMPORTED, facts.SETTLEMENT_MATCHED, facts.SETTLEMENT_BALANCED, facts.SETTLEMENT_UNMATCHED,
    facts.SETTLEMENT_WRITTEN_OFF, facts.SETTLEMENT_BANKED, facts.LABEL_MAPPED, facts.BANK_IMPORTED,
)  # fmt: skip


def register() -> None:
    timeline.register(TOLD, _words)


def _words(event: Event) -> Words:
    said = event.data
    currency = said.get("currency", "")

    def of(name: str) -> str:
        return money(Decimal(said.get(name) or 0), currency)

    if event.type == facts.SETTLEMENT_IMPORTED:
        return Words(f"{said.get('lines', 0)} lines of {of('payout')} imported", icon="download")
    if event.type == facts.SETTLEMENT_MATCHED:
        return Words(f"Matched: {of('residual')} is left", icon="link")
    if event.type == facts.SETTLEMENT_BALANCED:
        return Words("Explained to the cent", icon="check", tone="ok")
    if event.type == facts.SETTLEMENT_UNMATCHED:
        return Words("A match was undone", icon="undo-2")
    if event.type == facts.SETTLEMENT_WRITTEN_OFF:
        return Words(f"{of('amount')} written off", said.get("why", ""), "scale")
    if event.type == facts.SETTLEMENT_BANKED:
        return Words(f"{of('amount')} of it is at the bank", icon="banknote")
    if event.type == facts.BANK_IMPORTED:
        return Words("Bank statement imported", icon="banknote")
    return Words(f"{said.get('label', '')} means {said.get('kind', '')}", icon="tag")
