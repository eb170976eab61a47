"""The cases an order can open, each with the question that proves it."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from core.actors import Actor
from core.subjects import Subject
from exceptions import reasons
from exceptions.reasons import Action, Cell, Column, Evidence, Reason, Row
from orders.models import Blocks, Hold, Order, OrderLine, ShortPick, SourcingDecision
from orders.reasons import shared, weights

_physical = Q(requires_shipping=True, gift_card=False)
_to_deliver = Q(open__gt=0) | Q(allocated__gt=0) | Q(backordered__gt=0)
# Units that left without us still have to leave the books, where the channel hands over itself (services.elsewhere).
_handed_over = Q(fulfilled__gt=F("shipped_here")) & (
    Q(order__channel__sells_from__isnull=False) | Q(order__channel__kind="POS", order__pickup_location__isnull=False)
)
_needs_item = _to_deliver | _handed_over


# --- orders.unknown_sku


def _unknown(uid: str) -> Any:
    return OrderLine.objects.filter(_physical, _needs_item, order_id=uid, item__isnull=True).order_by("position")


def _unknown_evidence(uid: str) -> Evidence:
    return Evidence(
        heading="Lines no item stands behind",
        columns=("SKU", "Title", Column("Units", numeric=True), Column("Price", numeric=True)),
        rows=[
            Row(
                (
                    Cell(line.sku or "none", code=True),
                    line.title,
                    str(line.open or line.fulfilled),
                    f"{line.unit_price:.2f}",
                ),
                hot=True,
            )
            for line in _unknown(uid)
        ],
        empty="Every line has its item now.",
    )


def _map_again(uid: str, *, actor: Actor) -> str:
    from orders.services import mapping

    found = mapping.retry_order(int(uid), actor=actor)
    return f"{found} lines found their item." if found else "The SKUs are still unknown."


# --- orders.unallocated


def _unallocated(uid: str) -> bool:
    return _left_to_nobody().filter(pk=uid).exists()


def _left_to_nobody() -> QuerySet[Order]:
    """The unallocated that are on no person's desk: not on hold before sourcing, nor left to customer care."""
    held = Hold.objects.filter(order=OuterRef("pk"), status="CREATED", blocks=Blocks.ALLOCATE)
    return Order.objects.unallocated().filter(~Exists(held), ~Exists(shared.left_to_care()))


def unallocated_evidence(uid: str) -> list[Evidence]:
    lines = OrderLine.objects.filter(_physical, order_id=uid, open__gt=0, item__isnull=False).select_related("item")
    decision = SourcingDecision.objects.filter(order_id=uid).order_by("-sequence").first()
    seen = decision.explanation if decision else {}
    short = {line_id: free for line_id, _, free in seen.get("short", ())}
    wanted = Evidence(
        heading="Units no node has promised",
        columns=("SKU", "Title", Column("Wanted", numeric=True), Column("Free when last asked", numeric=True)),
        rows=[
            Row(
                (
                    Cell(line.sku, Subject("item", str(line.item_id), line.item.sku), code=True),
                    line.title,
                    str(line.open),
                    str(short.get(line.pk, "enough")),
                ),
                hot=line.pk in short,
            )
            for line in lines
        ],
    )
    out = Evidence(
        heading="Nodes that were left out",
        columns=("Node", "Why"),
        rows=[(Cell(node["code"], Subject("location", str(node["id"]), node["code"])), node["why"])
              for node in seen.get("excluded", ())],
        empty="No node with stock of it was left out.",
    )  # fmt: skip
    return [wanted, out]


def _allocate(uid: str, *, actor: Actor) -> str:
    from orders.services import allocation

    result = allocation.allocate(int(uid), actor=actor)
    return "Every unit has a node now." if result.ok else "There is still not enough stock."


# --- orders.totals_disagree


def _disagrees(uid: str) -> bool:
    return Order.objects.filter(pk=uid).exclude(disagreements=[]).exists()


def _disagreement(uid: str) -> Evidence:
    order = Order.objects.get(pk=uid)
    figures = [figure.partition(": ") for figure in order.disagreements]
    parts = (
        ("Goods", order.subtotal),
        ("Discounts", -order.discount_total),
        ("Shipping", order.shipping_total),
        ("Taxes, included in the prices" if order.tax_included else "Taxes", order.tax_total),
        ("Tips, duties and fees", order.other_total),
        ("Total as stated", order.total),
    )
    return Evidence(
        heading="Figures that disagree",
        columns=("Figure", Column("Amount", numeric=True)),
        rows=[
            *(Row((name.capitalize().replace("_", " "), found), hot=True) for name, _, found in figures),
            *(
                (name, f"{amount:.2f} {order.currency}" if amount is not None else "not stated")
                for name, amount in parts
            ),
        ],
    )


# --- orders.short_pick (about a fulfilment order)


def _short_units_wait(uid: str) -> bool:
    return ShortPick.objects.filter(
        Q(fulfilment_line__order_line__open__gt=0) | Q(fulfilment_line__order_line__allocated__gt=0),
        fulfilment_line__fulfilment=int(uid),
    ).exists()


def _shorts(uid: str) -> Evidence:
    shorts = ShortPick.objects.filter(fulfilment_line__fulfilment=int(uid)).select_related(
        "fulfilment_line__order_line", "fulfilment_line__location"
    )
    rows = []
    for short in shorts.order_by("pk"):
        line = short.fulfilment_line.order_line
        state = f"{line.open} without a node, {line.allocated} at another node, {line.shipped_here} shipped"
        item = Subject("item", str(line.item_id), line.sku)
        rows.append(
            Row(
                (Cell(line.sku, item, code=True), short.title or short.reason, str(short.quantity), short.by, state),
                hot=bool(line.open),
            )
        )
    return Evidence(
        heading="Units missing at the shelf",
        columns=("SKU", "Reason", Column("Units", numeric=True), "Reported by", "Where they come from now"),
        rows=rows,
    )


# --- orders.cancelled_too_late


def _cancelled_after_dispatch(uid: str) -> bool:
    order = Order.objects.filter(Q(source_cancelled=True) | Q(cancelled_here=True), pk=uid)
    return order.exists() and OrderLine.objects.filter(order_id=uid, shipped_here__gt=F("returned")).exists()


def _left(uid: str) -> Evidence:
    return Evidence(
        heading="Units that left before the cancellation",
        columns=("SKU", "Title", Column("Shipped", numeric=True), Column("Back", numeric=True)),
        rows=[
            Row((Cell(line.sku, code=True), line.title, str(line.shipped_here), str(line.returned)), hot=True)
            for line in OrderLine.objects.filter(order_id=uid, shipped_here__gt=0)
        ],
    )


def _lines_unknown() -> Any:
    lines = OrderLine.objects.filter(_physical, _needs_item, item__isnull=True)
    return lines.order_by("order_id").values_list("order_id", flat=True).distinct()


REASONS = (
    Reason(
        code="orders.unknown_sku",
        impact=weights.of_order,
        title="Unknown SKU on an order",
        queue="orders",
        subject_kind="order",
        icon="search",
        severity=reasons.HIGH,
        acknowledge_minutes=30,
        resolve_minutes=4 * 60,
        description="A line names an article we don't have. The rest of the order goes on.",
        clears="when every line to deliver has its item",
        predicate=lambda uid: _unknown(uid).exists(),
        evidence=_unknown_evidence,
        context=shared.context,
        standing=shared.standing(_lines_unknown),
        describe=shared.describe,
        value=shared.value,
        actions=(
            Action(
                code="map_again",
                title="Look the SKUs up again",
                detail="After an alias or the article was added.",
                permission="orders.change_order",
                run=_map_again,
                rehearsed=True,
                lasting="The SKUs mean these articles now. Edit the order's lines to have others.",
                primary=True,
            ),
        ),
    ),
    Reason(
        code="orders.unallocated",
        impact=weights.of_order,
        title="No stock for an order",
        queue="orders",
        subject_kind="order",
        icon="package-x",
        severity=reasons.HIGH,
        acknowledge_minutes=30,
        resolve_minutes=4 * 60,
        description="No node, or set of nodes, has everything the order still needs.",
        clears="when every unit has a node or is cancelled",
        predicate=_unallocated,
        evidence=unallocated_evidence,
        context=shared.context,
        standing=shared.standing(lambda: _left_to_nobody().order_by("pk").values_list("pk", flat=True)),
        describe=shared.describe,
        value=shared.value,
        actions=(
            Action(
                code="allocate",
                title="Try sourcing again",
                detail="Looks at every node's stock as it is now.",
                permission="orders.change_order",
                run=_allocate,
                rehearsed=True,
                undo=shared.open_again,
                primary=True,
            ),
        ),
    ),
    Reason(
        code="orders.totals_disagree",
        impact=weights.of_order,
        title="An order's figures disagree",
        queue="orders",
        subject_kind="order",
        icon="scale",
        acknowledge_minutes=2 * 60,
        resolve_minutes=8 * 60,
        description="Lines, discounts, taxes and shipping don't add up to the total the channel states.",
        clears="when the channel sends figures that agree",
        predicate=_disagrees,
        evidence=_disagreement,
        context=shared.context,
        standing=shared.standing(
            lambda: Order.objects.exclude(disagreements=[]).order_by("pk").values_list("pk", flat=True)
        ),
        describe=shared.describe,
        value=shared.value,
    ),
    Reason(
        code="orders.short_pick",
        impact=weights.of_work,
        title="Short pick",
        queue="store",
        subject_kind="fulfilment",
        icon="scan-line",
        severity=reasons.HIGH,
        acknowledge_minutes=30,
        resolve_minutes=4 * 60,
        description="Units were not on the shelf. They were taken off this node and sourced elsewhere where possible.",
        clears="when the missing units have left another node or are cancelled",
        predicate=_short_units_wait,
        evidence=_shorts,
        context=shared.work_context,
        describe=shared.describe_work,
    ),
    Reason(
        code="orders.cancelled_too_late",
        impact=weights.of_left,
        title="Cancelled after it had left",
        queue="orders",
        subject_kind="order",
        icon="undo-2",
        severity=reasons.HIGH,
        acknowledge_minutes=60,
        resolve_minutes=8 * 60,
        description="The channel cancelled an order whose units were on their way.",
        clears="when the units are back or the channel takes the cancellation back",
        predicate=_cancelled_after_dispatch,
        evidence=_left,
        context=shared.context,
        describe=shared.describe,
        value=shared.value,
    ),
)
