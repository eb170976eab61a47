"""The case of a place that works for nobody while units there are promised. What is stuck there is its symptom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef

from core.subjects import Subject
from exceptions import reasons
from exceptions.reasons import Cell, Column, Context, Evidence, Opening, Reason, Row
from inventory import weights
from inventory.models import Location, LocationStatus, Reservation

CLOSED = "inventory.place_closed"
SHOWN, SWEPT = 20, 1_000


def _held(uid: str) -> Any:
    return Reservation.objects.held().filter(location=int(uid))


def _shut() -> Any:
    """Places that are paused or closed and still owe somebody units."""
    promised = Reservation.objects.held().filter(location=OuterRef("pk"))
    return Location.objects.exclude(status=LocationStatus.ACTIVE).filter(Exists(promised))


def _standing() -> Iterable[str]:
    return [str(pk) for pk in _shut().order_by("pk").values_list("pk", flat=True)[:SWEPT]]


def _describe(uid: str) -> Opening | None:
    place = Location.objects.filter(pk=uid).first()
    if place is None:
        return None
    return Opening(
        label=place.code, title=f"{place.name} is {place.get_status_display().lower()} with units promised"[:200],
        summary=f"{place.name} doesn’t work, and somebody waits for units there.", site_id=place.site_id,
    )  # fmt: skip


def _evidence(uid: str) -> Evidence:
    place = Location.objects.filter(pk=uid).first()
    rows = _held(uid).select_related("demand", "item").order_by("pk")[:SHOWN]
    return Evidence(
        f"{place.name} is {place.get_status_display().lower()}" if place else "The place is gone",
        ("For", "SKU", Column("Units", numeric=True), "Since"),
        [
            Row(
                (
                    Cell(
                        row.demand.cause_label or row.demand.demand_uid,
                        Subject(row.demand.cause_kind, row.demand.cause_uid, row.demand.cause_label),
                    ),
                    Cell(row.item.sku, Subject("item", str(row.item_id), row.item.sku), code=True),
                    str(row.quantity),
                    f"{row.created_at:%d %b %H:%M} UTC",
                ),
                hot=True,
            )
            for row in rows
        ],
        empty="Nothing is promised there.",
    )


def _context(uid: str) -> Context | None:
    place = Location.objects.filter(pk=uid).first()
    if place is None:
        return None
    facts = [("Kind", place.get_kind_display()), ("Status", place.get_status_display())]
    return Context(place.name, Subject("location", uid, place.code), facts)


REASONS = (
    Reason(
        code=CLOSED,
        title="A closed place has units promised",
        queue="store",
        subject_kind="location",
        icon="store",
        severity=reasons.HIGH,
        acknowledge_minutes=30,
        resolve_minutes=4 * 60,
        business_time=False,
        description="A store or warehouse is paused or closed, and orders wait for units there.",
        clears="It works again, or nothing is promised there any more.",
        predicate=lambda uid: _shut().filter(pk=uid).exists(),
        evidence=_evidence,
        context=_context,
        standing=_standing,
        describe=_describe,
        impact=weights.of_place,
    ),
)
