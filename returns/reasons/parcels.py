"""Cases of parcels on their way back, and of rejected goods that wait for their owner's word."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.db import connection
from django.db.models import F
from django.utils import timezone
from django.utils.timezone import localtime

from core.actors import Actor
from core.formats import money
from exceptions import reasons
from exceptions.reasons import Action, Column, Evidence, Opening, Reason, Row
from orders.models import LabelStatus, Tracker
from orders.models.shipment import IN_TROUBLE
from returns import clocks
from returns.models import (
    Acceptance,
    Inspection,
    Reception,
    RefundPlan,
    RefundTo,
    ReturnLabel,
    ReturnLine,
    ReturnScan,
)
from returns.reasons import shared
from returns.reasons.requests import OPEN
from returns.services import refunds, rejected, targets, tracking
from returns.services.refunds import Line

NOT_RECEIVED = "returns.delivered_not_received"
# Delivered so long ago, and units of it are neither here nor called off. The label's partial index finds them.
_DELIVERED = """
SELECT DISTINCT label.request_id FROM returns_returnlabel label
JOIN returns_returnline line ON line.request_id = label.request_id
WHERE label.status = 'BOUGHT' AND NOT label.to_customer AND label.tracker = 'delivered'
    AND label.tracked_at < now() - make_interval(hours => %(hours)s)
    AND (line.quantity > line.received + line.kept + line.gone OR line.reception IN ('LOST', 'EXPIRED')) (one)
"""


def _delivered(uid: str | None) -> list[str]:
    narrowed = "" if uid is None else "AND label.request_id = %(uid)s"
    given = {"hours": targets.hours()[clocks.RECEIVE], "uid": uid and int(uid), "most": shared.SWEPT}
    with connection.cursor() as cursor:
        cursor.execute(_DELIVERED.replace("(one)", narrowed) + " ORDER BY 1 LIMIT %(most)s", given)
        return [str(row[0]) for row in cursor.fetchall()]


def _lost(uid: str) -> list[ReturnLine]:
    """Lines given up on their way whose money nobody has decided about."""
    lost = ReturnLine.objects.filter(request_id=int(uid), reception=Reception.LOST, gone__gt=0)
    refunded = refunds.RefundDecision.objects.filter(request_id=int(uid), cause__startswith=f"lost:{uid}:")
    return [] if refunded.exclude(status="DECLINED").exists() else list(lost.select_related("request"))


def _lost_standing() -> list[str]:
    rows = ReturnLine.objects.filter(
        reception=Reception.LOST, gone__gt=0, request__refund_plan=RefundPlan.ON_RECEIPT,
        request__ended_at__gt=timezone.now() - timedelta(days=90),
    ).exclude(request__refund_to=RefundTo.EXCHANGE)  # fmt: skip
    found = map(str, rows.order_by("request_id").values_list("request_id", flat=True).distinct()[: shared.SWEPT])
    return [uid for uid in found if _lost(uid)]


def _refundable(uid: str) -> bool:
    rma = shared.rma_of(uid)
    plan = (RefundPlan.ON_RECEIPT, RefundTo.EXCHANGE)
    return bool(rma and rma.refund_plan == plan[0] and rma.refund_to != plan[1] and _lost(uid))


def _refund(uid: str, *, actor: Actor) -> str:
    lines = _lost(uid)
    made = refunds.decide(
        int(uid), [Line(line.pk, line.gone) for line in lines], cause=f"lost:{uid}:{lines[0].pk}" if lines else "",
        why="Its parcel was lost on the way back", actor=actor,
    )  # fmt: skip
    return f"{made.number}: {money(made.amount, made.currency)}."


def _in_trouble(uid: str) -> bool:
    states = sorted({*IN_TROUBLE, Tracker.RETURN_TO_SENDER} - {Tracker.LOST})
    rows = ReturnLabel.objects.filter(request_id=int(uid), status=LabelStatus.BOUGHT, tracker__in=states)
    return rows.exists()


def _scans(uid: str) -> list[Evidence]:
    rows = [
        Row(
            (f"{localtime(scan.occurred_at):%d %b %H:%M}", scan.label.tracking_number, scan.get_state_display(),
             scan.words, scan.place),
            hot=scan.state in {Tracker.LOST, Tracker.DELIVERED, *IN_TROUBLE},
        )
        for scan in ReturnScan.objects.filter(label__request_id=int(uid)).select_related("label")
        .order_by("-occurred_at", "-id")[: shared.SHOWN]
    ]  # fmt: skip
    lines = [
        Row((shared.item_cell(line), str(line.quantity), str(line.received), line.get_reception_display()))
        for line in shared.lines_of(uid)
    ]
    columns = ("Article", Column("Announced", numeric=True), Column("Received", numeric=True), "Goods")
    return [
        Evidence("What the carrier said", ("When", "Parcel", "State", "In its words", "Where"), rows,
                 empty="Nothing was said of it."),
        Evidence("What was to come", columns, lines),
    ]  # fmt: skip


def _waiting(uid: str) -> list[Inspection]:
    rows = Inspection.objects.filter(
        line__request_id=int(uid), verdict=Acceptance.REJECTED, chosen__lt=F("quantity")
    ).select_related("line__item", "location")
    return list(rows.order_by("pk")[: shared.SHOWN])


def _rejected_standing() -> list[str]:
    rows = Inspection.objects.filter(verdict=Acceptance.REJECTED, chosen__lt=F("quantity")).order_by("decided_at")
    return list(dict.fromkeys(map(str, rows.values_list("line__request_id", flat=True)[: shared.SWEPT])))


def _rejected_evidence(uid: str) -> list[Evidence]:
    found = _waiting(uid)
    rows = [
        Row((shared.item_cell(each.line), str(each.quantity - each.chosen), each.note, each.location.name), hot=True)
        for each in found
    ]
    parcels = [
        Row(
            (choice.get_kind_display(), choice.get_status_display(),
             str(choice.label) if choice.label else "Over the counter",
             choice.label.get_status_display() if choice.label else "",
             money(choice.cost, choice.currency) if choice.cost is not None else "–",
             choice.label.failure if choice.label else "")
        )
        for each in found
        for choice in each.choices.select_related("label").order_by("pk")
    ]  # fmt: skip
    columns = ("Article", Column("Units", numeric=True), "Why it was rejected", "Where it lies")
    asked = ("Agreed", "Status", "Parcel", "Label", Column("Cost", numeric=True), "What was said")
    return [
        Evidence("Rejected units that are still here", columns, rows),
        Evidence("What was agreed", asked, parcels, empty="Nobody has asked the customer yet."),
    ]


def _describe(words: str) -> Callable[[str], Opening | None]:
    return lambda uid: shared.opening(uid, words)


_PARCEL = {
    "queue": "returns", "subject_kind": "return", "icon": "truck", "evidence": _scans, "context": shared.context,
    "impact": shared.impact,
}  # fmt: skip

REASONS = (
    Reason(
        code=NOT_RECEIVED,
        title="A return was delivered and nobody took it in",
        severity=reasons.HIGH,
        acknowledge_minutes=4 * 60,
        resolve_minutes=24 * 60,
        description="The carrier says its parcel is here; none of it was scanned in the time that allows.",
        clears="Its units are taken in, or somebody says that the box was empty.",
        predicate=lambda uid: bool(_delivered(uid)),
        standing=lambda: _delivered(None),
        describe=_describe("The carrier delivered it, and it was not taken in."),
        actions=(OPEN,),
        **_PARCEL,  # type: ignore[arg-type]
    ),
    Reason(
        code=tracking.LOST,
        title="A return was lost on its way",
        severity=reasons.HIGH,
        acknowledge_minutes=4 * 60,
        resolve_minutes=2 * 24 * 60,
        description="Its carrier lost it, or nobody has heard of it for three weeks: the customer sent it, as far as "
        "anybody knows.",
        clears="Its units turn up after all, or somebody has decided about their money.",
        predicate=lambda uid: bool(_lost(uid)),
        standing=_lost_standing,
        describe=_describe("It was sent, and never came."),
        actions=(
            Action(
                code="refund",
                title="Refund it",
                detail="The customer sent it: they get their money all the same.",
                permission="returns.decide_refund",
                run=_refund,
                rehearsed=True,
                primary=True,
                offered=_refundable,
                lasting="The customer's money goes back.",
            ),
            OPEN,
        ),
        **_PARCEL,  # type: ignore[arg-type]
    ),
    Reason(
        code=tracking.TROUBLE,
        title="A return can't be delivered",
        severity=reasons.NORMAL,
        acknowledge_minutes=8 * 60,
        resolve_minutes=2 * 24 * 60,
        description="The carrier could not deliver its parcel, or takes it back to its sender.",
        clears="The carrier says that it moves on, or was delivered.",
        predicate=_in_trouble,
        actions=(OPEN,),
        **_PARCEL,  # type: ignore[arg-type]
    ),
    Reason(
        code=rejected.WAITS,
        title="Rejected goods wait for their owner's word",
        queue="returns",
        subject_kind="return",
        icon="undo-2",
        severity=reasons.NORMAL,
        acknowledge_minutes=8 * 60,
        resolve_minutes=3 * 24 * 60,
        description="Goods were not accepted: they are the customer's, and lie here until they are sent back, or the "
        "customer leaves them to us.",
        clears="They were handed over, are ours with the customer's word, or were scrapped with it.",
        predicate=lambda uid: bool(_waiting(uid)),
        evidence=_rejected_evidence,
        context=shared.context,
        impact=shared.impact,
        standing=_rejected_standing,
        describe=_describe("Rejected goods are still here."),
        actions=(OPEN,),
    ),
)
