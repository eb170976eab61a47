"""How the facts of returned goods read on a timeline."""

from __future__ import annotations

from decimal import Decimal

from core import timeline
from core.formats import money
from core.models import Event
from core.timeline import Words
from returns import disposing
from returns import events as facts


def _came(event: Event) -> Words:
    kind = event.data.get("kind")
    tone = "" if kind == "EXPECTED" else "warn"
    word = {"UNEXPECTED": "not announced", "WRONG_ITEM": "instead of another"}.get(str(kind), "")
    return Words(f"{_lines(event)} taken in", word, "package-open", tone)


def _short(event: Event) -> Words:
    return Words("Less was in the parcel", f"{_lines(event)} did not come", "package-x", "warn")


def _seen(event: Event) -> Words:
    data = event.data
    grade = f"grade {data.get('grade')}" if data.get("grade") else "not found any more"
    return Words(f"{data.get('quantity')} × {data.get('sku')} inspected: {grade}", str(data.get("note") or ""), "eye")


def _accepted(event: Event) -> Words:
    return Words(f"{_lines(event)} accepted", "", "check", "ok")


def _rejected(event: Event) -> Words:
    return Words(f"{_lines(event)} rejected", str(event.data.get("note") or ""), "x", "crit")


def _disposed(event: Event) -> Words:
    data = event.data
    word = disposing.KINDS.get(str(data.get("kind")), "").lower()
    return Words(f"{data.get('quantity')} × {data.get('sku')}: {word}", str(data.get("rule") or ""), "boxes")


def _chosen(event: Event) -> Words:
    data = event.data
    words = {"BACK": "go back to the customer", "KEEP": "stay with us", "SCRAP": "are scrapped"}
    how = " (called off)" if data.get("status") == "CANCELLED" else ""
    said = str(data.get("words") or "")
    if data.get("cost"):
        said = f"{said} {money(Decimal(str(data['cost'])), str(data.get('currency')))}".strip()
    return Words(f"{_lines(event)} rejected: they {words.get(str(data.get('kind')), '')}{how}", said, "undo-2")


def _sent_back(event: Event) -> Words:
    by = str(event.data.get("tracking_number") or "over the counter")
    return Words(f"{_lines(event)} given back to the customer", by, "undo-2")


def _exchanged(event: Event) -> Words:
    data = event.data
    return Words(f"Exchanged for {data.get('order')}", f"{data.get('worth')} for {data.get('credit')}", "repeat")


def _exchange_ended(event: Event) -> Words:
    return Words(f"Exchange {str(event.data.get('status')).lower()}", str(event.data.get("why") or ""), "repeat")


def _reason(event: Event) -> Words:
    data = event.data
    said = str(data.get("after") or data.get("reason") or "").replace("_", " ").lower()
    how = "corrected by a person" if event.type == facts.REASON_CORRECTED else "read from the customer's words"
    return Words(f"Reason: {said}", how, "message-square")


def _lines(event: Event) -> str:
    lines = event.data.get("lines") or []
    return ", ".join(f"{line.get('quantity')} × {line.get('sku')}" for line in lines[:4])


def register() -> None:
    timeline.register([facts.RECEIVED], _came)
    timeline.register([facts.SHORT], _short)
    timeline.register([facts.INSPECTED], _seen)
    timeline.register([facts.ACCEPTED], _accepted)
    timeline.register([facts.REJECTED], _rejected)
    timeline.register([facts.CHOSEN], _chosen)
    timeline.register([facts.SENT_BACK], _sent_back)
    timeline.register([facts.DISPOSED], _disposed)
    timeline.register([facts.RESTOCKED], lambda event: Words("Sellable again", "", "boxes", "ok"))
    timeline.register([facts.EXCHANGED], _exchanged)
    timeline.register([facts.EXCHANGE_ENDED], _exchange_ended)
    timeline.register([facts.REASON_READ, facts.REASON_CORRECTED], _reason)
