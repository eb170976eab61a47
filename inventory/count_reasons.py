"""The cases a count can open."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.urls import reverse

from core.actors import Actor
from core.subjects import Subject
from exceptions import reasons
from exceptions.reasons import Action, Cell, Column, Context, Evidence, Opening, Reason, Row
from inventory import weights
from inventory.models import Count, CountLine, CountStatus, Reservation
from inventory.services.judging import IN_REVIEW
from inventory.services.settling import UNSETTLED

SHOWN = 50


def _find(uid: str) -> Count | None:
    return Count.objects.select_related("location").filter(pk=uid).first()


def _waits_for_approval(uid: str) -> bool:
    return Count.objects.filter(pk=uid, status=CountStatus.IN_REVIEW).exists()


def _differences(uid: str) -> Evidence:
    lines = (
        CountLine.objects.filter(count_id=int(uid)).exclude(difference=0).select_related("item").order_by("item__sku")
    )
    return Evidence(
        heading="What was found otherwise than the books say",
        columns=(
            "SKU", "Item", Column("Books", numeric=True), Column("Counted", numeric=True),
            Column("First count", numeric=True), Column("Difference", numeric=True), Column("Value", numeric=True),
        ),
        rows=[
            Row(
                (
                    Cell(line.item.sku, Subject("item", str(line.item_id), line.item.sku), code=True),
                    line.item.name,
                    books(line),
                    str(line.counted),
                    "" if line.earlier is None else str(line.earlier),
                    f"{line.difference or 0:+}",
                    worth(line),
                ),
                hot=True,
            )
            for line in lines.order_by("item__sku")[:SHOWN]
        ],
        empty="Every line agrees with the books.",
    )  # fmt: skip


def books(line: CountLine) -> str:
    """`10`, or `9 to 10` where units moved while people looked."""
    if line.expected_low is None:
        return ""
    if line.expected_low == line.expected_high:
        return str(line.expected_low)
    return f"{line.expected_low} to {line.expected_high}"


def worth(line: CountLine) -> str:
    value = line.value
    return "not known" if value is None else f"{value:+,.2f} {line.currency}".strip()


def _unsettled(uid: str) -> Any:
    return CountLine.objects.unsettled().filter(count_id=int(uid))


def _owed(uid: str) -> list[Evidence]:
    lines = list(_unsettled(uid).select_related("item").order_by("item__sku")[:SHOWN])
    missing = Evidence(
        heading="Counted, and not in the books yet",
        columns=(
            "SKU", Column("Counted", numeric=True), Column("Difference", numeric=True), Column("Posted", numeric=True),
            Column("Still owed", numeric=True),
        ),
        rows=[
            Row(
                (
                    Cell(line.item.sku, Subject("item", str(line.item_id), line.item.sku), code=True),
                    str(line.counted),
                    f"{line.difference or 0:+}",
                    f"{line.posted:+}",
                    f"{(line.difference or 0) - line.posted:+}",
                ),
                hot=True,
            )
            for line in lines
        ],
        empty="The books say what was counted.",
    )  # fmt: skip
    held = Reservation.objects.held().filter(
        item__in=[line.item_id for line in lines], location__in=[line.location_id for line in lines]
    )
    promised = Evidence(
        heading="Promises that stand on these units",
        columns=("For", "SKU", Column("Units", numeric=True), "Since"),
        rows=[
            (
                Cell(
                    r.demand.cause_label or r.demand.demand_uid,
                    Subject(r.demand.cause_kind, r.demand.cause_uid, r.demand.cause_label),
                ),
                r.item.sku,
                str(r.quantity),
                f"{r.created_at:%d %b %H:%M} UTC",
            )
            for r in held.select_related("demand", "item").order_by("-pk")[:SHOWN]
        ],
        empty="Nobody was promised any of them: a fact of before the count was told later.",
    )
    return [missing, promised]


def _settle(uid: str, *, actor: Actor) -> str:
    from inventory.services import counts

    changed = counts.settle(int(uid), actor=actor, by_hand=True)
    if _unsettled(uid).exists():
        return "Some units are still promised to somebody. Free the promises first."
    return f"{changed} lines were put right." if changed else "The books say what was counted."


def _settle_preview(uid: str) -> list[tuple[str, str]]:
    return [
        (line.item.sku, f"{(line.difference or 0) - line.posted:+} units")
        for line in _unsettled(uid).select_related("item")[:SHOWN]
    ]


def _context(uid: str) -> Context | None:
    count = _find(uid)
    if count is None:
        return None
    facts = [
        ("Place", count.location.name),
        ("Asked for", f"{count.get_origin_display()}, {count.requested_by}"),
        ("Status", count.get_status_display()),
        ("Counted by", count.counted_by or "nobody yet"),
    ]
    cause = Cell(count.cause_label, Subject(count.cause_kind, count.cause_uid, count.cause_label))
    return Context(f"Count {count.number}", count.subject, facts, [cause] if count.cause_label else [])


def _describe(uid: str) -> Opening | None:
    count = _find(uid)
    if count is None:
        return None
    return Opening(label=count.number, summary=f"{count.location.name}: {count.note}", site_id=count.location.site_id)


def _value(uid: str) -> tuple[Decimal, str] | None:
    worth: dict[str, Decimal] = {}
    for line in CountLine.objects.filter(count_id=int(uid)):
        if line.value is not None:
            worth[line.currency] = worth.get(line.currency, Decimal()) + abs(line.value)
    if not worth:
        return None
    currency, value = max(worth.items(), key=lambda each: each[1])
    return value, currency


REASONS = (
    Reason(
        code=IN_REVIEW,
        impact=weights.of_count,
        title="A count waits for approval",
        queue="stock",
        subject_kind="count",
        icon="list-checks",
        acknowledge_minutes=2 * 60,
        resolve_minutes=8 * 60,
        description="What was counted differs by more than the place may post by itself.",
        clears="when somebody who didn't count approves it, has it counted again, or cancels it",
        predicate=_waits_for_approval,
        evidence=_differences,
        context=_context,
        describe=_describe,
        value=_value,
        standing=lambda: [
            str(pk) for pk in Count.objects.filter(status=CountStatus.IN_REVIEW).values_list("pk", flat=True)[:1000]
        ],
        actions=(
            Action(
                code="look",
                title="Look at the count",
                detail="Approve it, or have it counted again.",
                permission="inventory.view_count",
                href=lambda uid: reverse("inventory:count", args=[uid]),
                primary=True,
            ),
        ),
    ),
    Reason(
        code=UNSETTLED,
        impact=weights.of_unsettled,
        title="A posted count is not in the books",
        queue="stock",
        subject_kind="count",
        icon="scale",
        severity=reasons.HIGH,
        acknowledge_minutes=60,
        resolve_minutes=8 * 60,
        description="Units are promised that were not on the shelf, or something of before the count was told later.",
        clears="when the books say what was counted",
        predicate=lambda uid: _unsettled(uid).exists(),
        evidence=_owed,
        context=_context,
        describe=_describe,
        value=_value,
        standing=lambda: [
            str(pk)
            for pk in CountLine.objects.unsettled()
            .order_by("count_id")
            .values_list("count_id", flat=True)
            .distinct()[:1000]
        ],
        actions=(
            Action(
                code="settle",
                title="Post the rest",
                detail="As far as the units are promised to nobody.",
                permission="inventory.approve_count",
                run=_settle,
                rehearsed=True,
                preview=_settle_preview,
                stake="what the units posted cost",
                lasting="The count is the latest word on these units. Have them counted again.",
                primary=True,
            ),
        ),
    ),
)
