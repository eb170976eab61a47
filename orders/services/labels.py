"""Labels as people ask for them: buy, give back, try again, print. What carriers answer is in `label_answers`.

A label of a service with an account is ordered here and bought outside any transaction, by the outbox; one without is
made at once. A parcel never has two: the database says so, and whoever asks again is given the one there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from core.actors import Actor
from core.errors import Refusal
from core.ids import uuid7
from core.subjects import Subject
from exceptions.services import cases
from inventory.models import Item
from inventory.services.locking import retrying
from orders import events as facts
from orders.models import FulfilmentLine, FulfilmentOrder, FulfilmentStatus, LabelStatus, Package, ParcelLabel, Tracker
from orders.services import choosing, lifecycle, serials, van_calls
from orders.services.work import Work, open_work

S = FulfilmentStatus


def buy(
    fulfilment_id: int, *, service: str = "", package_id: int | None = None, version: int | None = None, actor: Actor
) -> list[ParcelLabel]:
    """One label for each parcel (or the one named) that has none yet; those that have are returned as they are.

    Locks the order. Invalid where a parcel must be weighed first; Refusal("not_packed"), ("no_service"),
    ("unknown_service"), ("no_such_parcel").
    """

    def work() -> list[ParcelLabel]:
        w = open_work(fulfilment_id, version=version, actor=actor)
        if w.job.status != S.PACKED:
            raise Refusal(
                "not_packed", f"{w.job.number} is {w.job.get_status_display().lower()}; labels are for packed work."
            )
        packages = list(Package.objects.filter(fulfilment=w.job).order_by("sequence"))
        if package_id is not None:
            packages = [package for package in packages if package.pk == package_id]
        if not packages:
            raise Refusal("no_such_parcel", f"{w.job.number} has no such parcel.", status=404)
        have = {label.package_id: label for label in ParcelLabel.objects.live().filter(package__in=packages)}
        made = [have.get(package.pk) or _order(w, package, service, alone=len(packages) == 1) for package in packages]
        tell(w)
        return made

    return retrying(work)


def void(label_id: int, *, reason: str, version: int | None = None, actor: Actor) -> ParcelLabel:
    """Give a label back. One that a carrier may have charged for is asked back from it; the parcel may have another."""

    def work() -> ParcelLabel:
        w, label = open_label(label_id, version=version, actor=actor)
        if w.job.status in {S.SHIPPED, S.DELIVERED}:
            raise Refusal("gone", f"{w.job.number} has left with this label.")
        give_back(w, label, reason)
        tell(w)
        return label

    return retrying(work)


def retry(label_id: int, *, service: str = "", actor: Actor) -> ParcelLabel:
    """Try a failed label again, with another service where one is named."""

    def work() -> ParcelLabel:
        w, label = open_label(label_id, version=None, actor=actor)
        if label.status != LabelStatus.FAILED:
            raise Refusal("not_failed", "Only a label that failed can be tried again.", status_now=label.status)
        if service and service != label.service.code:
            label.move(LabelStatus.VOIDED)
            label = _order(w, label.package, service, alone=True, grams=label.grams)
        else:
            label.move(LabelStatus.WANTED, failure="", failing_since=None)
            want(w, label)
        tell(w)
        return label

    return retrying(work)


def printed(label_id: int, *, actor: Actor) -> ParcelLabel:
    """Count a print. Printing again changes nothing else: it is the same label with the same number."""

    def work() -> ParcelLabel:
        w, label = open_label(label_id, version=None, actor=actor)
        if label.status != LabelStatus.BOUGHT:
            raise Refusal("no_label", "There is no label to print yet.", status_now=label.status)
        label.prints += 1
        label.printed_at = timezone.now()
        label.save(update_fields=["prints", "printed_at"])
        note(w, facts.LABEL_PRINTED, label, prints=label.prints)
        tell(w)
        return label

    return retrying(work)


def void_all(fulfilment_id: int, *, reason: str, actor: Actor) -> int:
    """Give back every label of work that will not leave. Safe to repeat; returns how many there were."""

    def work() -> int:
        w = open_work(fulfilment_id, version=None, actor=actor)
        if w.job.status not in {S.CANCELLED, S.REJECTED}:
            return 0
        labels = list(ParcelLabel.objects.filter(package__fulfilment=w.job, status__in=("WANTED", "BOUGHT", "FAILED")))
        for label in labels:
            give_back(w, label, reason)
        tell(w)
        return len(labels)

    return retrying(work)


@dataclass(frozen=True, slots=True)
class Told:
    """What the labels of a fulfilment order say of its dispatch."""

    carrier: str = ""
    service: str = ""
    tracking_number: str = ""
    tracking_url: str = ""


def told(job: FulfilmentOrder) -> Told:
    """Of the first parcel's label; empty where none was made. Refusal("label_pending") while one is on its way."""
    labels = list(
        ParcelLabel.objects.live()
        .filter(package__fulfilment=job)
        .select_related("service")
        .order_by("package__sequence")
    )
    if any(label.status == LabelStatus.WANTED for label in labels):
        raise Refusal("label_pending", f"The label of {job.number} has not come yet. Wait for it or give it back.")
    if not labels:
        return Told()
    first = labels[0]
    return Told(first.service.carrier, first.service.name[:60], first.tracking_number, first.tracking_url)


# --- The pieces, also of what carriers answer ----------------------------------------------------------------------


def open_label(label_id: int, *, version: int | None, actor: Actor) -> tuple[Work, ParcelLabel]:
    """Lock the order of a label and read both. Must run inside a transaction. Refusal("not_found"), ("stale")."""
    job_id = ParcelLabel.objects.filter(pk=label_id).values_list("package__fulfilment_id", flat=True).first()
    if job_id is None:
        raise Refusal("not_found", "No such label.", status=404)
    w = open_work(job_id, version=None, actor=actor)
    label = ParcelLabel.objects.select_related("package", "service").get(pk=label_id)
    if version is not None and version != label.version:
        raise Refusal(
            "stale", "The label changed meanwhile.", version=label.version, status_now=label.status, sent=version
        )
    return w, label


def give_back(w: Work, label: ParcelLabel, reason: str) -> None:
    """Void it; what may have been bought is asked back from the carrier when the fact is delivered."""
    if label.status in {LabelStatus.VOID_WANTED, LabelStatus.VOIDED, LabelStatus.VOID_REFUSED}:
        return
    maybe_charged = bool(label.service.connection) and (bool(label.vendor_ref) or label.status == LabelStatus.BOUGHT)
    label.move(LabelStatus.VOID_WANTED if maybe_charged else LabelStatus.VOIDED)
    Package.objects.filter(pk=label.package_id).update(tracking_number="", tracker=Tracker.UNKNOWN, sscc="")
    van_calls.release(label.package_id)
    event = facts.LABEL_VOID_WANTED if maybe_charged else facts.LABEL_VOIDED
    note(w, event, label, reason=reason)


def want(w: Work, label: ParcelLabel) -> None:
    """A label without an account is made now; any other is ordered, and bought when the fact is delivered."""
    if label.service.connection:
        note(w, facts.LABEL_WANTED, label, service=label.service.code)
    else:
        _make(w, label)


def ready(w: Work, label: ParcelLabel, **fields: Any) -> None:
    """The parcel has its number: from here on it can be printed, sent and followed."""
    label.move(LabelStatus.BOUGHT, bought_at=timezone.now(), failure="", failing_since=None, **fields)
    package = label.package
    package.tracking_number, package.tracker = label.tracking_number, Tracker.PRE_TRANSIT
    package.save(update_fields=["tracking_number", "tracker", "sscc"])
    note(
        w, facts.LABEL_READY, label, carrier=label.service.carrier, service=label.service.code,
        tracking_number=label.tracking_number, cost=str(label.cost or ""), currency=label.currency,
    )  # fmt: skip


def note(w: Work, event: str, label: ParcelLabel, **data: Any) -> None:
    w.desk.note_work(event, w.job, {"label": label.pk, "parcel": label.package.sequence, **data})


def tell(w: Work) -> None:
    """Record the facts; the order itself did not change, so nobody's form of it becomes stale."""
    lifecycle.announce(w.desk)
    cases.recheck(Subject("fulfilment", str(w.job.pk), w.job.number), actor=w.desk.actor)


def goods(w: Work) -> list[tuple[Item, int]]:
    """What the work holds, as it is sold."""
    lines = FulfilmentLine.objects.filter(fulfilment=w.job, quantity__gt=0).select_related("item")
    return [(line.item, line.quantity) for line in lines]


def _order(w: Work, package: Package, code: str, *, alone: bool, grams: int | None = None) -> ParcelLabel:
    contents = goods(w)
    weight = grams or choosing.grams(package, contents, alone=alone)
    offered = choosing.quotes(w.job, w.desk.order, weight=weight, goods=contents)
    service, quoted = choosing.choose(w.job, w.desk.order, code=code, offered=offered)
    label = ParcelLabel.objects.create(
        uid=uuid7(),
        package=package,
        service=service,
        grams=weight,
        cost=quoted.cost if quoted else None,
        currency=quoted.currency if quoted else "",
    )
    want(w, label)
    return label


def _make(w: Work, label: ParcelLabel) -> None:
    assert transaction.get_connection().in_atomic_block  # noqa: S101  (a number is taken with the label it is for)
    number = serials.next_sscc()
    label.package.sscc = number
    ready(w, label, tracking_number=number, tracking_url=link(label, number))


def link(label: ParcelLabel, number: str) -> str:
    return label.service.tracking_url.replace("{tracking}", number)[:500]


def cost_of(amount: Decimal | None, currency: str) -> dict[str, Any]:
    """What was really charged, where the carrier says so; else what the price table said stays."""
    return {"cost": amount, "currency": currency} if amount is not None and currency else {}
