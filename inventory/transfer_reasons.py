"""The cases a transfer can open."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.utils import timezone

from core.actors import Actor
from core.subjects import Subject
from exceptions import reasons
from exceptions.models import ActionRun
from exceptions.reasons import Action, Cell, Column, Context, Evidence, Impact, Opening, Reason, Row
from inventory import lens, weights
from inventory.models import DiscrepancyKind, Resolution, Transfer, TransferDiscrepancy, TransferStatus

LATE = "inventory.transfer_late"
SWEPT = 1_000


def _find(uid: str) -> TransferDiscrepancy | None:
    rows = TransferDiscrepancy.objects.select_related("item", "transfer__origin", "transfer__destination")
    return rows.filter(pk=uid).first()


def _stands(uid: str) -> bool:
    return TransferDiscrepancy.objects.filter(pk=uid, resolution="").exists()


def _standing(kind: str) -> Callable[[], list[str]]:
    def rows() -> list[str]:
        found = TransferDiscrepancy.objects.filter(kind=kind, resolution="").order_by("pk")
        return [str(pk) for pk in found.values_list("pk", flat=True)[:SWEPT]]

    return rows


def _evidence(uid: str) -> Evidence:
    found = _find(uid)
    lines: list[Any] = list(found.transfer.lines.select_related("item").order_by("item__sku")) if found else []
    return Evidence(
        heading="What was sent and what came out of the box",
        columns=(
            "SKU", "Item", Column("Wanted", numeric=True), Column("Sent", numeric=True), Column("Found", numeric=True),
            Column("Damaged", numeric=True),
        ),
        rows=[
            Row(
                (
                    Cell(line.item.sku, Subject("item", str(line.item_id), line.item.sku), code=True),
                    line.item.name,
                    str(line.wanted),
                    str(line.shipped),
                    str(line.found),
                    str(line.damaged),
                ),
                hot=found is not None and line.item_id == found.item_id,
            )
            for line in lines
        ],
    )  # fmt: skip


def _context(uid: str) -> Context | None:
    found = _find(uid)
    return _about(found.transfer) if found else None


def _about(transfer: Transfer) -> Context:
    facts = (
        ("From", transfer.origin.name),
        ("To", transfer.destination.name),
        ("Status", transfer.get_status_display()),
        ("Sent", f"{transfer.shipped_at:%d %b %H:%M} UTC" if transfer.shipped_at else "not yet"),
        ("Carrier", f"{transfer.carrier} {transfer.tracking_number}".strip() or "not given"),
    )
    return Context(f"Transfer {transfer.number}", transfer.subject, facts)


def _describe(uid: str) -> Opening | None:
    found = _find(uid)
    if found is None:
        return None
    transfer = found.transfer
    place = transfer.destination if found.kind == DiscrepancyKind.SHORT else transfer.origin
    return Opening(
        label=found.subject.label,
        summary=f"{found.what}: {found.quantity} {found.get_kind_display().lower()}, "
        f"{transfer.origin.name} to {transfer.destination.name}",
        site_id=place.site_id,
    )


def _value(uid: str) -> tuple[Decimal, str] | None:
    found = _find(uid)
    if found is None or found.item.unit_cost is None:
        return None
    return found.item.unit_cost * found.quantity, found.item.cost_currency


def _touched(uid: str) -> Impact | None:
    found = _find(uid)
    return weights.of_item(found.item, found.quantity) if found else None


def _resolving(resolution: Resolution, detail: str, *, primary: bool = False) -> Action:
    def run(uid: str, *, actor: Actor) -> str:
        from inventory.services import transfers

        done = transfers.resolve(int(uid), resolution, actor=actor)
        return f"{done.quantity} of {done.what}: {resolution.label.lower()}."

    def preview(uid: str) -> list[tuple[str, str]]:
        found = _find(uid)
        return _effect(found, resolution) if found else []

    return Action(
        code=resolution.value.lower(),
        title=resolution.label,
        detail=detail,
        permission="inventory.settle_transfer",
        run=run,
        rehearsed=True,
        preview=preview,
        amount=None if resolution == Resolution.WAS_OURS else _value,
        stake="" if resolution == Resolution.WAS_OURS else "what the units cost",
        undo=_stand_again,
        offered=_stands,
        primary=primary,
    )


def _stand_again(run: ActionRun, *, actor: Actor) -> str:
    from inventory.services import transfers

    done = transfers.stand_again(int(run.case.subject_uid), moved=lens.moved(run), key=f"undo:{run.pk}", actor=actor)
    return f"{done.quantity} of {done.what} have to be settled again."


def _effect(found: TransferDiscrepancy, resolution: Resolution) -> list[tuple[str, str]]:
    """What a resolution would do to stock, as label and value."""
    units, there, here = found.quantity, found.transfer.origin.name, found.transfer.destination.name
    effects = {
        Resolution.ARRIVED: [(here, f"{units} from in transit to sellable")],
        Resolution.LOST: [(here, f"{units} in transit written off")],
        Resolution.NEVER_LEFT: [(here, f"{units} less in transit"), (there, f"{units} more sellable")],
        Resolution.FROM_ORIGIN: [(there, f"{units} less sellable")],
        Resolution.WAS_OURS: [(there, "no change")],
    }
    return [("Item", found.what), *effects[resolution]]


SHORT_ACTIONS = (
    _resolving(Resolution.ARRIVED, "It turned up at the destination.", primary=True),
    _resolving(Resolution.NEVER_LEFT, "It is back on the origin's shelf."),
    _resolving(Resolution.LOST, "Nobody has it: written off."),
)
OVER_ACTIONS = (
    _resolving(Resolution.FROM_ORIGIN, "The origin sent it without writing it down.", primary=True),
    _resolving(Resolution.WAS_OURS, "It didn't come from the origin's stock; its books are right."),
)


def _late(uid: str) -> bool:
    return _overdue().filter(pk=uid).exists()


def _overdue() -> Any:
    return Transfer.objects.filter(status=TransferStatus.IN_TRANSIT, due_at__lt=timezone.now())


def _late_evidence(uid: str) -> Evidence:
    transfer = Transfer.objects.get(pk=uid)
    return Evidence(
        heading=f"On its way since {transfer.shipped_at:%d %b %H:%M} UTC, due {transfer.due_at:%d %b %H:%M} UTC",
        columns=("SKU", "Item", Column("Units", numeric=True)),
        rows=[
            (
                Cell(line.item.sku, Subject("item", str(line.item_id), line.item.sku), code=True),
                line.item.name,
                str(line.shipped),
            )
            for line in transfer.lines.filter(shipped__gt=0).select_related("item").order_by("item__sku")
        ],
    )


def _late_context(uid: str) -> Context | None:
    transfer = Transfer.objects.select_related("origin", "destination").filter(pk=uid).first()
    return _about(transfer) if transfer else None


def _late_words(uid: str) -> Opening | None:
    transfer = Transfer.objects.select_related("origin", "destination").filter(pk=uid).first()
    if transfer is None:
        return None
    words = f"{transfer.origin.name} to {transfer.destination.name}, due {transfer.due_at:%d %b %H:%M} UTC"
    return Opening(
        label=transfer.number, summary=words, site_id=transfer.destination.site_id, started_at=transfer.due_at
    )


def _reason(kind: DiscrepancyKind, title: str, description: str, actions: tuple[Action, ...]) -> Reason:
    return Reason(
        code=f"inventory.transfer_{kind.value.lower()}",
        title=title,
        queue="stock",
        subject_kind="transfer_discrepancy",
        icon="package-x",
        acknowledge_minutes=2 * 60,
        resolve_minutes=2 * 8 * 60,
        description=description,
        clears="when somebody has said what became of the units",
        predicate=_stands,
        evidence=_evidence,
        context=_context,
        standing=_standing(kind),
        describe=_describe,
        value=_value,
        impact=_touched,
        actions=actions,
    )


REASONS = (
    _reason(
        DiscrepancyKind.SHORT,
        "A transfer arrived short",
        "Fewer units came out of the box than were sent. They stay in transit until somebody knows more.",
        SHORT_ACTIONS,
    ),
    _reason(
        DiscrepancyKind.OVER,
        "A transfer brought more than was sent",
        "The surplus is in the destination's books as found; the origin's may have it, too.",
        OVER_ACTIONS,
    ),
    _reason(
        DiscrepancyKind.MISSHIPPED,
        "A transfer brought the wrong item",
        "An item nobody asked for came out of the box. It is in the destination's books as found.",
        OVER_ACTIONS,
    ),
    Reason(
        code=LATE,
        impact=weights.of_transfer,
        title="A transfer is late",
        queue="store",
        subject_kind="transfer",
        icon="truck",
        severity=reasons.NORMAL,
        acknowledge_minutes=4 * 60,
        resolve_minutes=16 * 60,
        description="It left, and its destination has not taken it in by the time it was due.",
        clears="when it is received",
        predicate=_late,
        evidence=_late_evidence,
        context=_late_context,
        standing=lambda: [str(pk) for pk in _overdue().order_by("due_at").values_list("pk", flat=True)[:SWEPT]],
        describe=_late_words,
    ),
)
