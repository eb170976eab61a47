"""What stands behind a sale in Tryton: its shipments done and its invoices posted, each step from where it is found.

Tryton makes them itself when it processes the sale. A button of Tryton's leaves alone what is past it, so a step whose
answer was lost is pressed again without harm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from core.errors import TryLater
from integrations.erp.port import Behind, Memory
from integrations.erp.tryton.client import Rest

STATES = ("number", "state")
FIELDS = (
    *(f"{name}.{field}" for name in ("shipments", "shipment_returns") for field in STATES),
    *(f"invoices.{field}" for field in (*STATES, "total_amount")),
)
# From each state the button that leads on. The goods have left: what Tryton counts as scarce is assigned all the same.
DELIVERY = {"draft": "wait", "waiting": "assign_force", "assigned": "pick", "picked": "pack", "packed": "do"}
RETURN = {"draft": "receive", "received": "do"}
INVOICE = {"draft": "post", "validated": "post"}
OVER = {"done", "posted", "paid", "cancelled"}


def follow(rest: Rest, memory: Memory, sale: Mapping[str, Any], wanted: list[str]) -> dict[str, Any]:
    """Bring them to their end; numbers of what is there, and of invoices what they come to. Safe to repeat."""
    if sale["state"] == "confirmed":
        sale = _press(rest, memory, "sale.sale", sale, "process", ("state", *FIELDS))
    if "delivery" in wanted and _open(sale, "shipments", "shipment_returns"):
        for shipment in sale["shipments"]:
            finish(rest, memory, "stock.shipment.out", shipment, DELIVERY)
        for shipment in sale["shipment_returns"]:
            finish(rest, memory, "stock.shipment.out.return", shipment, RETURN)
        sale = _again(rest, sale)  # an invoice may wait for what was delivered
    if "invoice" in wanted and _open(sale, "invoices"):
        for invoice in sale["invoices"]:
            finish(rest, memory, "account.invoice", invoice, INVOICE)
        sale = _again(rest, sale)
    invoices = _standing(sale["invoices"])
    return {
        "state": sale["state"],
        "deliveries": [each["number"] or "" for each in (*sale["shipments"], *sale["shipment_returns"])],
        "invoices": [each["number"] or "" for each in invoices],
        "invoiced": str(sum(each["total_amount"] for each in invoices)),
    }


def counted(sale: Mapping[str, Any]) -> Behind:
    invoices = _standing(sale["invoices"])
    deliveries = _standing([*sale["shipments"], *sale["shipment_returns"]])
    return Behind(len(deliveries), len(invoices), sum((each["total_amount"] for each in invoices), Decimal(0)))


def _standing(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [each for each in records if each["state"] != "cancelled"]


def _open(sale: Mapping[str, Any], *names: str) -> bool:
    return any(each["state"] not in OVER for name in names for each in sale[name])


def _again(rest: Rest, sale: Mapping[str, Any]) -> Mapping[str, Any]:
    found = rest.read("sale.sale", int(sale["id"]), ("state", *FIELDS))
    if found is None:
        raise TryLater("Tryton's sale is gone.")
    return found


def finish(
    rest: Rest, memory: Memory | None, model: str, record: Mapping[str, Any], steps: Mapping[str, str]
) -> dict[str, Any]:
    """Press on from wherever it is to where no button leads further; the record as it is then."""
    while button := steps.get(record["state"]):
        before = record["state"]
        record = _press(rest, memory, model, record, button, STATES)
        if record["state"] == before:
            raise TryLater(f"Tryton leaves {record['number'] or model} in the state {before}.")
    return dict(record)


def _press(
    rest: Rest, memory: Memory | None, model: str, record: Mapping[str, Any], button: str, fields: tuple[str, ...]
) -> Mapping[str, Any]:
    if memory is not None:
        memory.still_ours()
    # The figures were agreed before: that taxes aren't the product's usual ones, for one, is no question any more.
    return rest.press(model, int(record["id"]), button, fields, unwarned=True)
