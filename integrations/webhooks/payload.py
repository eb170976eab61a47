"""What a receiver is sent, and whether a fact is one it asked for."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json

from core.events import Fact
from core.subjects import Subject
from exceptions.models import Case
from integrations.models import WebhookSubscription
from integrations.webhooks import catalogue
from orders.models import FulfilmentOrder, Order

BODY_AT_MOST = 256 * 1024  # a fact that is larger travels thin


def body(subscription: WebhookSubscription, fact: Fact) -> bytes:
    """The JSON a receiver gets; the whole fact, or what it is about."""
    if subscription.payload == WebhookSubscription.Payload.FULL:
        whole = _json(fact, full=True)
        if len(whole) <= BODY_AT_MOST:
            return whole
    return _json(fact, full=False)


def _json(fact: Fact, *, full: bool) -> bytes:
    data: dict[str, Any] = {
        "id": str(fact.uid),
        "seq": fact.seq,
        "payload": "full" if full else "thin",
        "subject": _named(fact.subject),
    }
    if full:
        data |= {
            "actor": {"kind": fact.actor.kind, "label": fact.actor.label},
            "related": [{**_named(other), "role": role} for other, role in fact.related],
            "correlation_id": fact.correlation_id,
            "data": fact.data,
        }
    return to_json({"type": fact.type, "timestamp": fact.occurred_at.isoformat(), "data": data})


def _named(subject: Subject) -> dict[str, str]:
    return {"kind": subject.kind, "uid": subject.uid, "label": subject.label}


def wanted(subscription: WebhookSubscription, fact: Fact) -> bool:
    """Whether this receiver asked for this fact. One addressed to it by name always is."""
    if fact.type == catalogue.TEST:
        return fact.subject.uid == str(subscription.pk)
    if fact.type == catalogue.ESCALATED and fact.data.get("webhook") == subscription.code:
        return True
    if fact.type not in subscription.event_types:
        return False
    asked = {"channel": subscription.channels, "site": subscription.sites, "queue": subscription.queues}
    if not any(asked.values()):
        return True
    known = facets(fact)
    return all(not codes or known.get(name) in codes for name, codes in asked.items())


def facets(fact: Fact) -> dict[str, str | None]:
    """The channel, site and queue a fact belongs to, as far as it has any."""
    about = [fact.subject, *(other for other, _ in fact.related)]
    found: dict[str, str | None] = {name: _text(fact.data.get(name)) for name in ("channel", "site", "queue")}
    if fact.subject.kind == "case":
        case = Case.objects.filter(pk=fact.subject.uid).values("queue_id", "site__code").first()
        found |= {"queue": case["queue_id"], "site": case["site__code"]} if case else {}
    for subject in about:
        if subject.kind == "order" and not found["channel"]:
            found["channel"] = Order.objects.filter(pk=subject.uid).values_list("channel__code", flat=True).first()
        elif subject.kind in {"fulfilment", "fulfilment_order"}:
            _of_fulfilment(subject.uid, found)
    return found


def _of_fulfilment(uid: str, found: dict[str, str | None]) -> None:
    columns = ("order__channel__code", "location__site__code")
    row = FulfilmentOrder.objects.filter(pk=uid).values_list(*columns).first()
    if row is not None:
        found["channel"], found["site"] = found["channel"] or row[0], found["site"] or row[1]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
