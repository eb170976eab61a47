"""Telling the ERP of units we found or lost: each entry of our ledger one document there, whatever is repeated.

A connection says from when on with `"adjustments_since"`; what happened before is the ERP's own opening. What came of
the ERP's own word (a snapshot) is not told back, and neither are sales and receipts: they have documents of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from core import events
from core.actors import Actor
from core.errors import Refusal, TryLater
from core.events import Fact
from exceptions.services import cases
from integrations import bulkhead, sense
from integrations import events as facts
from integrations.erp.businesscentral import adjusting as businesscentral
from integrations.erp.calls import Refused
from integrations.erp.erpnext import adjusting as erpnext
from integrations.erp.netsuite import adjusting as netsuite
from integrations.erp.odoo import adjusting as odoo
from integrations.erp.port import Rejected
from integrations.erp.sap import adjusting as sap
from integrations.erp.tryton import adjusting as tryton
from integrations.models import Connection, StockDocument
from inventory.models import AdjustmentReason, State, StockMovement

REASON = "integrations.adjustment_rejected"
LOOKED_BACK = timedelta(days=7)
AT_ONCE = 500
FOUND, LOST = "found", "lost"
Status = StockDocument.Status
# post(connection, document): the ERP's own key and number of it, found by our reference before anything is made.
Adjust = Callable[[Connection, dict[str, Any]], tuple[str, str]]
_POSTS: dict[str, Adjust] = {
    "businesscentral": businesscentral.post,
    "erpnext": erpnext.post,
    "netsuite": netsuite.post,
    "odoo": odoo.post,
    "sap": sap.post,
    "tryton": tryton.post,
}
ADJUSTERS: dict[str, Adjust] = {vendor: sense.made(post, vendor) for vendor, post in _POSTS.items()}


def prepare() -> int:
    """Write a document for every adjustment that none speaks of yet; returns how many. Safe to repeat and to race."""
    made = 0
    connections = Connection.objects.filter(kind=Connection.Kind.ERP, vendor__in=list(ADJUSTERS))
    for connection in connections.exclude(status=Connection.Status.DISABLED):
        since = connection.settings.get("adjustments_since")
        if since:
            made += _prepare(connection, datetime.fromisoformat(str(since)))
    return made


def _prepare(connection: Connection, since: datetime) -> int:
    if since.tzinfo is None:
        since = timezone.make_aware(since)
    told = Q(from_state=State.FOUND) | Q(to_state=State.SHRINKAGE)
    wanted = StockMovement.objects.filter(told, recorded_at__gte=max(since, timezone.now() - LOOKED_BACK))
    wanted = wanted.exclude(reason=AdjustmentReason.SNAPSHOT).select_related("item", "from_location", "to_location")
    groups: dict[str, list[StockMovement]] = defaultdict(list)
    for movement in wanted.order_by("pk"):
        direction = FOUND if movement.from_state == State.FOUND else LOST
        place = movement.to_location if direction == FOUND else movement.from_location
        if place is not None:
            groups[f"{movement.key}|{place.code}|{direction}"].append(movement)
    known = set(StockDocument.objects.filter(connection=connection, key__in=list(groups)).values_list("key", flat=True))
    fresh = [key for key in groups if key not in known][:AT_ONCE]
    return sum(_write(connection, key, groups[key]) for key in fresh)


def _write(connection: Connection, key: str, movements: list[StockMovement]) -> bool:
    _, place, direction = key.rsplit("|", 2)
    units: dict[str, int] = defaultdict(int)
    for movement in movements:
        units[movement.item.sku] += movement.quantity
    reasons = sorted({movement.get_reason_display() for movement in movements if movement.reason})
    day = movements[0].occurred_at.date().isoformat()
    _, new = keep(connection, key, place=place, direction=direction, day=day, reasons=reasons, units=units)
    return new


@transaction.atomic
def keep(
    connection: Connection, key: str, *, place: str, direction: str, day: str, reasons: list[str],
    units: Mapping[str, int],
) -> tuple[StockDocument, bool]:  # fmt: skip
    """The document of these units (by SKU), once per key, and whether it is new: then it is on its way."""
    document = {
        "place": place,
        "direction": direction,
        "day": day,
        "reasons": reasons,
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in sorted(units.items())],
    }
    made, new = StockDocument.objects.get_or_create(connection=connection, key=key, defaults={"document": document})
    if new:
        events.record(facts.ADJUSTMENT_PREPARED, made.subject, actor=connection.actor, data={"key": key})
    return made, new


def send(fact: Fact) -> None:
    """adjustment.prepared, adjustment.retried: bring it to the ERP, or say why not. Safe to repeat: the ERP is asked
    for our reference first."""
    found = StockDocument.objects.select_related("connection").get(pk=int(fact.subject.uid))
    if found.status != Status.PENDING:
        return
    connection = found.connection
    try:
        with bulkhead.kept(connection):
            erp_id, number = ADJUSTERS[connection.vendor](connection, {**found.document, "reference": found.reference})
    except Rejected as no:
        _rejected(found, no.reason, no.failure_class, connection.actor)
    except Refused as no:
        _rejected(found, no.message, no.failure_class, connection.actor)
    else:
        if not number:
            raise TryLater("The ERP gave the document no number yet.")
        _posted(found, erp_id, number, connection.actor)


@transaction.atomic
def _posted(found: StockDocument, erp_id: str, number: str, actor: Actor) -> None:
    changed = StockDocument.objects.filter(pk=found.pk, status=Status.PENDING).update(
        status=Status.POSTED,
        erp_id=erp_id,
        erp_number=number,
        posted_at=timezone.now(),
        last_error="",
        failure_class="",
    )
    if changed:
        events.record(facts.ADJUSTMENT_POSTED, found.subject, actor=actor, data={"number": number})
        cases.recheck(found.subject, cause=f"The ERP has it as {number}.", actor=actor)


@transaction.atomic
def _rejected(found: StockDocument, reason: str, failure_class: str, actor: Actor) -> None:
    StockDocument.objects.filter(pk=found.pk, status=Status.PENDING).update(
        status=Status.REJECTED, last_error=reason, failure_class=failure_class
    )
    title = f"{found.connection.name} refuses the adjustment {found.reference}"
    cases.open_(REASON, found.subject, title=title, summary=reason, data={}, actor=actor)


@transaction.atomic
def retry(document_id: int, *, actor: Actor) -> None:
    """Send a rejected one again. Refusal("not_rejected") for any other."""
    changed = StockDocument.objects.filter(pk=document_id, status=Status.REJECTED).update(status=Status.PENDING)
    if not changed:
        raise Refusal("not_rejected", "Only a rejected adjustment is sent again.")
    found = StockDocument.objects.get(pk=document_id)
    events.record(facts.ADJUSTMENT_RETRIED, found.subject, actor=actor)
