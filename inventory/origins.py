"""Where cases about stock come from."""

from __future__ import annotations

from exceptions import origins, reasons
from inventory.models import StockDifference, Transfer, TransferStatus
from inventory.services import unresolved
from inventory.services.selling import BEYOND
from inventory.stock_cases import stock_of


def _words_nobody_knows(code: str) -> origins.Finder:
    """A source that disagrees while it uses words nobody has explained: what it said was compared in part."""

    def find(uid: str) -> str | None:
        stock = stock_of(uid)
        if stock is None:
            return None
        rows = StockDifference.objects.open().filter(item=stock.item_id, location=stock.location_id, beyond=True)
        for source_id in rows.order_by("-gross").values_list("source_id", flat=True)[:5]:
            if unresolved.stands(code, source_id):
                return str(source_id)
        return None

    return find


def _late_transfer(uid: str) -> str | None:
    """A transfer of the article to this place that should have arrived: its goods may be on the shelf, unbooked."""
    stock = stock_of(uid)
    if stock is None:
        return None
    rows = Transfer.objects.filter(
        status=TransferStatus.IN_TRANSIT, destination=stock.location_id, lines__item=stock.item_id
    )
    found = rows.order_by("due_at", "pk").values_list("pk", flat=True).first()
    return str(found) if found else None


def _place(uid: str) -> str | None:
    stock = stock_of(uid)
    return str(stock.location_id) if stock else None


def register() -> None:
    for code in ("inventory.snapshot_unmapped_status", "inventory.snapshot_unknown_item"):
        origins.register("inventory.snapshot_differs", code, _words_nobody_knows(code))
    for symptom in (BEYOND, "inventory.snapshot_differs"):
        origins.register(_real(symptom), "inventory.transfer_late", _late_transfer)
    origins.register("inventory.returned_goods_wait", "inventory.place_closed", _place)


def _real(code: str) -> str:
    """A code that is registered: a slip of the pen here must not pass unseen."""
    return reasons.get(code).code
