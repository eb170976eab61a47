"""What became of a label that was ordered from a carrier. Called from the outside floor, after the call was made.

Each verb is safe to repeat and to race with a person who gave the label back meanwhile: the state under the order's
lock decides, and a label bought for nobody is given back.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from core.actors import Actor
from core.errors import TryLater
from core.ids import uuid7
from core.subjects import Subject
from exceptions.services import cases
from inventory.services.locking import retrying
from orders import events as facts
from orders.models import CarrierService, LabelStatus, ParcelLabel
from orders.services import labels, outages
from orders.services.labels import open_label
from orders.services.work import Work

FAILED = "orders.label_failed"


def keep_ref(label_id: int, ref: str) -> str:
    """Remember the carrier's own reference before anything is paid; returns the one that counts, the first."""
    ParcelLabel.objects.filter(pk=label_id, vendor_ref="").update(vendor_ref=ref)
    kept: str = ParcelLabel.objects.values_list("vendor_ref", flat=True).get(pk=label_id)
    return kept


def bought(
    label_id: int,
    *,
    tracking_number: str,
    tracking_url: str = "",
    cost: Decimal | None = None,
    currency: str = "",
    content: bytes = b"",
    content_type: str = "",
    actor: Actor,
) -> None:
    """The carrier has made it. Where it is no longer wanted it goes back."""

    def work() -> None:
        w, label = open_label(label_id, version=None, actor=actor)
        if label.status in {LabelStatus.VOID_WANTED, LabelStatus.VOIDED} and not label.tracking_number:
            _bought_for_nobody(w, label, tracking_number)
        if label.status != LabelStatus.WANTED:
            return
        labels.ready(
            w, label, tracking_number=tracking_number[:120],
            tracking_url=tracking_url[:500] or labels.link(label, tracking_number),
            content=content, content_type=content_type[:60], **labels.cost_of(cost, currency),
        )  # fmt: skip
        labels.tell(w)

    retrying(work)


def _bought_for_nobody(w: Work, label: ParcelLabel, number: str) -> None:
    """The answer came after the label had been given back: it goes back now that there is something to give."""
    label.tracking_number = number[:120]
    label.save(update_fields=["tracking_number"])
    if label.status == LabelStatus.VOIDED:
        label.move(LabelStatus.VOID_WANTED)
    labels.note(w, facts.LABEL_VOID_WANTED, label, reason="It was bought after it had been given back")
    labels.tell(w)


def failed(label_id: int, *, reason: str, actor: Actor) -> None:
    """The carrier will not make it as it is: the next service of its policy takes over, else a person looks."""

    def work() -> None:
        w, label = open_label(label_id, version=None, actor=actor)
        if label.status != LabelStatus.WANTED:
            return
        if not _fall_back(w, label, reason):
            label.move(LabelStatus.FAILED, failure=reason[:500])
            labels.note(w, facts.LABEL_FAILED, label, service=label.service.code, reason=reason[:300])
        labels.tell(w)
        if label.status == LabelStatus.FAILED:
            cases.open_(FAILED, Subject("fulfilment", str(w.job.pk), w.job.number), actor=actor)

    retrying(work)


def delayed(label_id: int, *, why: str, outage: bool, actor: Actor) -> bool:
    """The carrier can't be reached. True where another service took over: at once in an outage, else after a while."""

    def work() -> bool:
        w, label = open_label(label_id, version=None, actor=actor)
        if label.status != LabelStatus.WANTED:
            return True
        now = timezone.now()
        since = label.failing_since or now
        if label.failing_since is None:
            ParcelLabel.objects.filter(pk=label.pk).update(failing_since=now, failure=why[:500])
        patience = timedelta(minutes=label.service.fall_back_after_minutes)
        moved = (outage or now - since >= patience) and _fall_back(w, label, why)
        if moved:
            labels.tell(w)
        return moved

    return retrying(work)


def voided(label_id: int, *, taken_back: bool, reason: str = "", actor: Actor) -> None:
    """The carrier's word on a label that was given back."""

    def work() -> None:
        w, label = open_label(label_id, version=None, actor=actor)
        if label.status != LabelStatus.VOID_WANTED:
            return
        label.move(LabelStatus.VOIDED if taken_back else LabelStatus.VOID_REFUSED, failure=reason[:500])
        labels.note(w, facts.LABEL_VOIDED, label, taken_back=taken_back, reason=reason[:300])
        labels.tell(w)

    retrying(work)


def _fall_back(w: Work, label: ParcelLabel, why: str) -> bool:
    """Order the label from the next service its policy names, and give the first one back. False: there is none.

    A service is tried once per parcel and chain, so two that name each other don't go on for ever.
    """
    tried = _tried(label)
    codes = [code for code in label.service.fallbacks if code not in tried]
    running = CarrierService.objects.in_use().exclude(carrier__in=outages.out())
    known = {row.code: row for row in running.filter(code__in=codes)}
    following = next((known[code] for code in codes if code in known), None)
    if following is None:
        return False
    labels.give_back(w, label, f"{label.service.carrier} gave no label: {why}"[:300])
    instead = ParcelLabel.objects.create(
        uid=uuid7(), package=label.package, service=following, instead_of=label, grams=label.grams
    )
    labels.note(
        w, facts.LABEL_FELL_BACK, instead, service=following.code, instead_of=label.service.code, reason=why[:300]
    )
    labels.want(w, instead)
    return True


def _tried(label: ParcelLabel) -> set[str]:
    tried = set()
    at: ParcelLabel | None = label
    while at is not None:
        tried.add(at.service.code)
        at = at.instead_of
    return tried


def still_wanted(label_id: int) -> ParcelLabel:
    """The label, read afresh before a step that costs money. TryLater when nobody wants it any more: stop at once."""
    label = ParcelLabel.objects.select_related("service").get(pk=label_id)
    if label.status != LabelStatus.WANTED:
        raise TryLater("The label is not wanted any more.", seconds=1, spends_attempt=False)
    return label
