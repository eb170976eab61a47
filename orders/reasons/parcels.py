"""What goes wrong with parcels: no label, no scan, no delivery, the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import DateTimeField, DurationField, Exists, ExpressionWrapper, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce, Greatest, Now
from django.urls import reverse

from core.actors import Actor
from core.errors import Refusal
from core.subjects import Subject
from exceptions import reasons
from exceptions.models import ActionRun
from exceptions.reasons import Action, Cell, Column, Context, Evidence, Opening, Reason, Row
from orders import lens
from orders.models import FulfilmentOrder, FulfilmentStatus, LabelStatus, Package, ParcelLabel, Tracker, TrackingEvent
from orders.models.fulfilment import ENDED
from orders.models.shipment import IN_TROUBLE, UNDER_WAY
from orders.reasons import weights

SWEPT = 1_000
STALLS_AFTER_HOURS = 72  # of parcels whose carrier's service is not ours to know
_HOUR = Value(timedelta(hours=1), output_field=DurationField())


def _latest_labels() -> Any:
    return ParcelLabel.objects.filter(package=OuterRef("pk")).order_by("-pk")


def _unlabelled() -> Any:
    """Parcels whose last label failed and which nobody has ended since."""
    return Package.objects.exclude(fulfilment__status__in=ENDED).filter(
        Exists(ParcelLabel.objects.filter(package=OuterRef("pk"), status=LabelStatus.FAILED)),
        ~Exists(ParcelLabel.objects.live().filter(package=OuterRef("pk"))),
        fulfilment__status=FulfilmentStatus.PACKED,
    )


def _stalled() -> Any:
    """Parcels under way that nobody has seen for as long as their service allows.

    Only those somebody tells us of: a parcel whose carrier never said a word, and has no account that could be asked,
    is not silent but unheard.
    """
    asked = ParcelLabel.objects.filter(package=OuterRef("pk"), status=LabelStatus.BOUGHT, service__connection__gt="")
    patience = Coalesce(Subquery(_latest_labels().values("service__stalls_after_hours")[:1]), Value(STALLS_AFTER_HOURS))
    waits = ExpressionWrapper(patience * _HOUR, output_field=DurationField())
    seen = Greatest("fulfilment__shipped_at", Coalesce("tracked_at", "fulfilment__shipped_at"))
    return (
        Package.objects.filter(
            Q(tracked_at__isnull=False) | Exists(asked),
            fulfilment__status=FulfilmentStatus.SHIPPED,
            tracker__in=sorted(UNDER_WAY),
            tracking_number__gt="",
        )
        .annotate(seen=seen, waits_until=ExpressionWrapper(seen + waits, output_field=DateTimeField()))
        .filter(waits_until__lt=Now())
    )


def _in_state(*states: str) -> Any:
    return Package.objects.filter(tracker__in=states).exclude(fulfilment__status__in=ENDED)


def _of(query: Callable[[], Any]) -> Callable[[str], bool]:
    return lambda uid: query().filter(fulfilment=int(uid)).exists()


def _standing(query: Callable[[], Any]) -> Callable[[], Iterable[str]]:
    def found() -> Iterable[str]:
        ids = query().order_by("fulfilment_id").values_list("fulfilment_id", flat=True).distinct()
        return [str(pk) for pk in ids[:SWEPT]]

    return found


def _scans(uid: str) -> list[Evidence]:
    parcels = Package.objects.filter(fulfilment=int(uid)).order_by("sequence")
    scans = TrackingEvent.objects.filter(package__fulfilment=int(uid)).order_by("-occurred_at", "-pk")[:20]
    return [
        Evidence(
            heading="Parcels and where they are",
            columns=("Parcel", "Tracking", "State", "Last seen"),
            rows=[
                Row(
                    (
                        str(p.sequence), Cell(p.tracking_number or "none", code=True), p.get_tracker_display(),
                        f"{p.tracked_at:%d %b %H:%M} UTC" if p.tracked_at else "never",
                    ),
                    hot=p.tracker != Tracker.DELIVERED,
                )
                for p in parcels
            ],
        ),
        Evidence(
            heading="What the carrier said, newest first",
            columns=("When", "State", "In its words", "Where"),
            rows=[Row((s.said_at or f"{s.occurred_at:%d %b %H:%M} UTC", s.get_state_display(), s.words, s.place))
                  for s in scans],
            empty="The carrier has said nothing yet.",
        ),
    ]  # fmt: skip


def _labels(uid: str) -> Evidence:
    rows = ParcelLabel.objects.filter(package__fulfilment=int(uid)).select_related("service", "package").order_by("-pk")
    return Evidence(
        heading="Labels of this work, newest first",
        columns=(Column("Parcel", numeric=True), "Service", "State", "What the carrier said"),
        rows=[
            Row((str(row.package.sequence), str(row.service), row.get_status_display(), row.failure),
                hot=row.status == LabelStatus.FAILED)
            for row in rows
        ],
    )  # fmt: skip


def _context(uid: str) -> Context | None:
    work = FulfilmentOrder.objects.select_related("order", "location").filter(pk=uid).first()
    if work is None:
        return None
    return Context(
        title=f"Fulfilment {work.number}",
        subject=Subject("fulfilment", uid, work.number),
        facts=(
            ("Node", work.location.name),
            ("Status", work.get_status_display()),
            ("Sent", f"{work.shipped_at:%d %b %H:%M} UTC" if work.shipped_at else "not yet"),
        ),
        related=(Cell(work.order.number, Subject("order", str(work.order_id), work.order.number)),),
    )


def _describe(uid: str) -> Opening | None:
    work = FulfilmentOrder.objects.select_related("location", "order").filter(pk=uid).first()
    if work is None:
        return None
    return Opening(
        label=work.number,
        site_id=work.location.site_id,
        value=work.order.total,
        currency=work.order.currency,
        promise_by=work.order.promise_by,
    )


def _try_again(uid: str, *, actor: Actor) -> str:
    from orders.services import labels

    failed = ParcelLabel.objects.filter(
        package__in=_unlabelled().filter(fulfilment=int(uid)), status=LabelStatus.FAILED
    )
    newest = {label.package_id: label.pk for label in failed.order_by("pk")}
    for label_id in newest.values():
        labels.retry(label_id, actor=actor)
    return f"{len(newest)} ordered again." if newest else "There is no failed label any more."


def _label_cost(uid: str) -> tuple[Decimal, str] | None:
    """What the labels to be ordered again cost by the price table; the greatest over currencies."""
    sums: dict[str, Decimal] = {}
    rows = ParcelLabel.objects.filter(package__fulfilment=int(uid), status=LabelStatus.FAILED, cost__isnull=False)
    newest = {label.package_id: label for label in rows.order_by("pk")}
    for label in newest.values():
        sums[label.currency] = sums.get(label.currency, Decimal()) + (label.cost or Decimal())
    if not sums:
        return None
    currency, most = max(sums.items(), key=lambda each: each[1])
    return most, currency


def _give_back(run: ActionRun, *, actor: Actor) -> str:
    from orders.services import labels

    ordered = lens.named(run, "mark")
    if not ordered:
        raise Refusal("nothing_to_undo", "It had ordered no label.")
    for label_id in ordered:
        labels.void(label_id, reason=f"Undo of {run.title}", actor=actor)
    return f"{len(ordered)} given back. A label the carrier has charged for is asked back from it."


def _page(uid: str) -> str | None:
    number = FulfilmentOrder.objects.filter(pk=uid).values_list("number", flat=True).first()
    return reverse("orders:parcels", args=[number]) if number else None


_OPEN = Action(code="parcels", title="Open the parcels", href=_page)
_COMMON: dict[str, Any] = {
    "subject_kind": "fulfilment", "context": _context, "describe": _describe, "acknowledge_minutes": 60,
    "impact": weights.of_work,
}  # fmt: skip

REASONS = (
    Reason(
        code="orders.label_failed",
        title="No label for a parcel",
        queue="warehouse",
        icon="tag",
        severity=reasons.HIGH,
        resolve_minutes=2 * 60,
        description="The carrier refused to make a label, and no other service of its policy could take over.",
        clears="when the parcel has a label",
        predicate=_of(_unlabelled),
        standing=_standing(_unlabelled),
        evidence=_labels,
        actions=(
            Action(code="try_again", title="Order the label again", permission="orders.work_fulfilment",
                   run=_try_again, rehearsed=True, primary=True,
                   amount=_label_cost, stake="what the labels cost", undo=_give_back),
            _OPEN,
        ),
        **_COMMON,
    ),
    Reason(
        code="orders.parcel_stalled",
        title="A parcel has stopped moving",
        queue="orders",
        icon="package-x",
        resolve_minutes=8 * 60,
        description="No scan for as long as its service allows.",
        clears="when the carrier sees it again, or it is delivered",
        predicate=_of(_stalled),
        standing=_standing(_stalled),
        evidence=_scans,
        actions=(_OPEN,),
        **_COMMON,
    ),
    Reason(
        code="orders.parcel_in_trouble",
        title="A parcel can't be delivered",
        queue="orders",
        icon="triangle-alert",
        severity=reasons.HIGH,
        resolve_minutes=8 * 60,
        description="The carrier could not deliver it, or lost it.",
        clears="when the carrier has it on its way again, or it is delivered",
        predicate=_of(lambda: _in_state(*IN_TROUBLE)),
        standing=_standing(lambda: _in_state(*IN_TROUBLE)),
        evidence=_scans,
        actions=(_OPEN,),
        **_COMMON,
    ),
    Reason(
        code="orders.parcel_returned",
        title="A parcel is coming back",
        queue="returns",
        icon="undo-2",
        resolve_minutes=3 * 8 * 60,
        description="The carrier is returning it to the sender. Goods and money have to be put right.",
        clears="when it is on its way to the customer again; otherwise a person says what was done",
        predicate=_of(lambda: _in_state(Tracker.RETURN_TO_SENDER)),
        standing=_standing(lambda: _in_state(Tracker.RETURN_TO_SENDER)),
        evidence=_scans,
        actions=(_OPEN,),
        **_COMMON,
    ),
)  # fmt: skip
