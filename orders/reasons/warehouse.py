"""What goes wrong between the shelf and the van."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from core.subjects import Subject
from exceptions import reasons
from exceptions.reasons import Cell, Column, Evidence, Opening, Reason, Row
from orders.models import FulfilmentOrder, Package, PutBack
from orders.reasons import shared, weights
from orders.services import manifests

PUT_BACK_WITHIN = timedelta(hours=4)


def _missed(uid: str) -> Evidence:
    van = manifests.vans_missed(int(uid)).first()
    packages = Package.objects.filter(fulfilment=int(uid)).select_related("loaded__manifest").order_by("sequence")
    return Evidence(
        heading=f"The van of {van.carrier} left at {van.closed_at:%d %b %H:%M} UTC" if van else "Its van left",
        columns=("Parcel", "SSCC or tracking number", "On a van"),
        rows=[_parcel(package) for package in packages],
    )


def _parcel(package: Package) -> Row:
    loaded = getattr(package, "loaded", None)
    code = Cell(package.sscc or package.tracking_number or "no label", code=True)
    return Row((str(package.sequence), code, str(loaded.manifest) if loaded else "No"), hot=loaded is None)


def _waiting(uid: str) -> Any:
    late = timezone.now() - PUT_BACK_WITHIN
    return PutBack.objects.waiting().filter(fulfilment=int(uid), created_at__lte=late)


def _late_works() -> Iterable[str]:
    late = timezone.now() - PUT_BACK_WITHIN
    rows = PutBack.objects.waiting().filter(created_at__lte=late).order_by("fulfilment_id")
    return [str(pk) for pk in rows.values_list("fulfilment_id", flat=True).distinct()[: shared.SWEPT]]


def _hands(uid: str) -> Evidence:
    rows = PutBack.objects.waiting().filter(fulfilment=int(uid)).select_related("item", "location")
    return Evidence(
        heading="Picked, not needed any more, and not back on the shelf",
        columns=("SKU", Column("Units", numeric=True), "At", "Since"),
        rows=[
            Row(
                (
                    Cell(row.item.sku, Subject("item", str(row.item_id), row.item.sku), code=True),
                    str(row.quantity - row.done),
                    row.location.name,
                    f"{row.created_at:%d %b %H:%M} UTC",
                ),
                hot=True,
            )
            for row in rows.order_by("pk")
        ],
    )


def _describe(uid: str) -> Opening | None:
    work = FulfilmentOrder.objects.select_related("location").filter(pk=uid).first()
    if work is None:
        return None
    return Opening(
        label=work.number, site_id=work.location.site_id, summary=f"Units picked for {work.number} are in no place."
    )


REASONS = (
    Reason(
        code="orders.parcel_left_behind",
        impact=weights.of_work,
        title="Parcel left behind",
        queue="warehouse",
        subject_kind="fulfilment",
        icon="truck",
        severity=reasons.HIGH,
        acknowledge_minutes=30,
        resolve_minutes=2 * 60,
        description="Its carrier's van has left and it is still here, whole or in part.",
        clears="when it is on a van or was cancelled",
        predicate=lambda uid: manifests.is_left_behind(int(uid)),
        evidence=_missed,
        context=shared.work_context,
    ),
    Reason(
        code="orders.put_back_waits",
        impact=weights.of_picked,
        title="Picked goods not back on the shelf",
        queue="warehouse",
        subject_kind="fulfilment",
        icon="undo-2",
        severity=reasons.LOW,
        acknowledge_minutes=4 * 60,
        resolve_minutes=8 * 60,
        description="The work they were picked for ended, and nobody scanned them back within four hours.",
        clears="when every unit was scanned back",
        predicate=lambda uid: _waiting(uid).exists(),
        evidence=_hands,
        context=shared.work_context,
        standing=_late_works,
        describe=_describe,
    ),
)
