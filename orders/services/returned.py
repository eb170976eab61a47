"""What came back of an order: the units of its lines that are ours again."""

from __future__ import annotations

from collections.abc import Mapping

from core.actors import Actor
from core.errors import Refusal
from core.subjects import Subject
from orders import events as facts
from orders.models import OrderLine
from orders.services import lifecycle
from orders.services.desk import open_desk


def note(
    order_id: int, units: Mapping[int, int], *, actor: Actor, source: Subject | None = None, why: str = ""
) -> None:
    """So many units of these lines came back and stay with us; less than nothing: they went to the customer again.

    Must run inside the transaction that moves the goods, so that it is said once. Locks the order, before any lock of
    a return or of stock. Refusal("more_than_left") where more would have come back than ever left; nothing then.
    """
    wanted = {line: n for line, n in units.items() if n}
    if not wanted:
        return
    desk = open_desk(order_id, actor=actor, source=source)
    told = []
    for line_id, n in sorted(wanted.items()):
        line = desk.line(line_id)
        if not 0 <= line.returned + n <= line.fulfilled:
            raise Refusal(
                "more_than_left",
                f"{line.returned + n} units of {line.sku or line.title} can't have come back: {line.fulfilled} left.",
                line=line_id, fulfilled=line.fulfilled, returned=line.returned, sent=n,
            )  # fmt: skip
        line.returned += n
        OrderLine.objects.filter(pk=line_id).update(returned=line.returned)
        told.append({"line": line_id, "sku": line.sku, "quantity": n, "returned": line.returned})
    desk.note(facts.RETURNED, {"lines": told, "why": why})
    lifecycle.save(desk)
