"""The books as the API answers them: money as decimal strings, days as days, keys as they stand on screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from finance.models import Charge, OrderMoney, Period, Posting, Settlement, SettlementFile, SettlementLine
from finance.services.closes import Line
from orders.models import Payment

FIGURES = ("total", "credited", "current", "captured", "refunded", "disputed", "paid", "outstanding", "fees")
PAYOUT = ("payout", "carried", "matched", "fees", "other", "written_off", "residual", "banked")


def figures(money: OrderMoney) -> dict[str, Any]:
    return {
        "currency": money.currency, **{name: str(getattr(money, name)) for name in FIGURES},
        "presentment_currency": money.presentment_currency, "presentment_current": str(money.presentment_current),
        "updated_at": money.updated_at,
    }  # fmt: skip


def charge(row: Charge) -> dict[str, Any]:
    same = (
        "id", "kind", "side", "currency", "presentment_currency", "tax_included", "collected_by", "funded_by",
        "provider_ref", "refund_ref", "shipment_ref", "label", "occurred_at", "booked_on", "late_from", "note",
    )  # fmt: skip
    return {
        **{name: getattr(row, name) for name in same},
        "line": row.line.ref if row.line else None,
        "amount": str(row.amount),
        "presentment_amount": str(row.presentment_amount),
        "rate": None if row.rate is None else str(row.rate),
    }


def payment(row: Payment) -> dict[str, Any]:
    return {
        "ref": row.provider_ref, "kind": row.kind, "amount": str(row.amount), "currency": row.currency,
        "gateway": row.gateway, "at": row.at,
    }  # fmt: skip


def posting(row: Posting) -> dict[str, Any]:
    """Reads order and entity, which a list selects with it."""
    same = (
        "id", "reference", "kind", "status", "version", "currency", "booked_on", "late_from", "note", "cause_kind",
        "cause_uid", "needs", "waiting_for", "last_error", "erp_number", "prepared_at", "posted_at",
    )  # fmt: skip
    return {
        **{name: getattr(row, name) for name in same},
        "order": row.order.number if row.order else None,
        "entity": row.entity.code,
        "total": str(row.total),
        "erp_total": None if row.erp_total is None else str(row.erp_total),
        "linked": row.linked_id,
        "reverses": row.reverses_id,
    }


def posted(row: Posting) -> dict[str, Any]:
    same = ("position", "account", "ledger", "note")
    lines = [
        {**{name: getattr(each, name) for name in same}, "debit": str(each.debit), "credit": str(each.credit)}
        for each in row.lines.order_by("position")
    ]
    return {**posting(row), "lines": lines, "document": row.document}


def settlement(row: Settlement) -> dict[str, Any]:
    same = (
        "id", "provider", "account", "ref", "currency", "state", "starts_at", "ends_at", "paid_on", "lines_count",
        "imported_at", "matched_at", "balanced_at", "proven",
    )  # fmt: skip
    return {
        **{name: getattr(row, name) for name in same},
        **{name: str(getattr(row, name)) for name in PAYOUT},
        "file": str(row.file_id),
    }


def settled(row: Settlement) -> dict[str, Any]:
    return {**settlement(row), "controls": row.controls, "faults": row.faults, "label_version": row.label_version}


def settlement_line(row: SettlementLine) -> dict[str, Any]:
    same = (
        "position", "row", "label", "kind", "ref", "payment_ref", "refund_ref", "order_ref", "shipment_ref", "sku",
        "method", "note", "at", "presentment_currency",
    )  # fmt: skip
    seen = row.presentment_amount
    return {
        **{name: getattr(row, name) for name in same},
        **{name: str(getattr(row, name)) for name in ("gross", "fee", "net", "matched", "written_off")},
        "presentment_amount": None if seen is None else str(seen),
    }


def file(row: SettlementFile, settlements: Iterable[int]) -> dict[str, Any]:
    return {
        "file": str(row.pk), "provider": row.provider, "name": row.name, "sha256": row.sha256, "status": row.status,
        "faults": row.faults, "settlements": list(settlements),
    }  # fmt: skip


def period(row: Period) -> dict[str, Any]:
    same = ("id", "code", "starts_on", "ends_on", "status", "version", "prepared_at", "locked_at", "note")
    return {**{name: getattr(row, name) for name in same}, "entity": row.entity.code}


def check(line: Line) -> dict[str, Any]:
    task = line.task
    return {
        "check": line.check.code, "title": line.check.title, "count": line.count, "capped": line.capped,
        "blocks": bool(line.blocking), "owner": task.owner.get_username() if task and task.owner else None,
        "excused": line.excused, "note": task.note if task else "",
    }  # fmt: skip
