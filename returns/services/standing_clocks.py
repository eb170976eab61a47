"""The clocks of a return as they stand: read from what happened, never stored."""

from __future__ import annotations

from collections import defaultdict

from returns import clocks, disposing
from returns.clocks import Clock, Span
from returns.models import (
    Acceptance,
    Arrival,
    Disposition,
    Inspection,
    RefundDecision,
    RefundPlan,
    RefundStatus,
    RefundTo,
)
from returns.services import targets


def of_return(return_id: int) -> list[Clock]:
    """Receipt to disposition, disposition to sellable, acceptance to refund: those that have begun. Five queries."""
    hours = targets.hours()
    arrivals = list(Arrival.objects.filter(line__request=return_id).order_by("occurred_at", "pk"))
    seen = list(Inspection.objects.filter(line__request=return_id).select_related("line__request"))
    placed = list(Disposition.objects.filter(line__request=return_id).order_by("decided_at", "pk"))
    found = (
        clocks.clock(clocks.DISPOSE, _to_disposition(arrivals, placed), hours),
        clocks.clock(clocks.SELL, _to_sale(placed), hours),
        clocks.clock(clocks.REFUND, _to_refund(seen), hours),
    )
    return [clock for clock in found if clock is not None]


def _to_disposition(arrivals: list[Arrival], placed: list[Disposition]) -> list[Span]:
    """Each arrival's units, first come first placed, line by line."""
    ends: dict[int, list[list[object]]] = defaultdict(list)
    for each in placed:
        if each.after_id is None:
            ends[each.line_id].append([each.decided_at, each.quantity])
    spans = []
    for arrival in arrivals:
        left, mine = arrival.quantity, []
        for end in ends[arrival.line_id]:
            units = min(left, int(str(end[1])))
            if units:
                mine.append((end[0], units))
                end[1] = int(str(end[1])) - units
                left -= units
        spans.append(Span(arrival.occurred_at, arrival.quantity, tuple(mine)))  # type: ignore[arg-type]
    return spans


def _to_sale(placed: list[Disposition]) -> list[Span]:
    """Units that are to be sold again, from their first disposition until they were restocked or left that way."""
    spans = []
    for each in placed:
        if each.kind == disposing.RESTOCK and each.after_id is None:
            spans.append(Span(each.decided_at, each.quantity, ((each.decided_at, each.quantity),)))
        elif each.due_at is not None:
            after = tuple((next_.decided_at, next_.quantity) for next_ in placed if next_.after_id == each.pk)
            spans.append(Span(each.decided_at, each.quantity, after))
    return spans


def _to_refund(seen: list[Inspection]) -> list[Span]:
    """What is exchanged, or was refunded before it came, waits for no refund."""
    causes = {
        f"inspection:{each.pk}": each
        for each in seen
        if each.verdict == Acceptance.ACCEPTED and each.decided_at
        and each.line.request.refund_plan == RefundPlan.ON_RECEIPT and each.line.request.refund_to != RefundTo.EXCHANGE
    }  # fmt: skip
    rows = RefundDecision.objects.filter(cause__in=causes, status=RefundStatus.POSTED)
    paid = dict(rows.values_list("cause", "posted_at"))
    spans = []
    for cause, each in causes.items():
        at = paid.get(cause)
        began = each.decided_at or each.inspected_at
        spans.append(Span(began, each.quantity, ((at, each.quantity),) if at else ()))
    return spans
