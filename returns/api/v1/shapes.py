"""A return as the API answers it."""

from __future__ import annotations

from typing import Any

from returns.models import ReturnLabel, ReturnLine, ReturnRequest
from returns.services import requests
from returns.services.asking import Judged
from returns.services.labels import Option


def head(rma: ReturnRequest) -> dict[str, Any]:
    """Reads order, channel and location, which a list selects with it."""
    return {
        "number": rma.number,
        "uid": rma.uid,
        "kind": rma.kind,
        "proof": rma.proof,
        "status": rma.status,
        "version": rma.version,
        "order": rma.order.number if rma.order else None,
        "channel": rma.channel.code if rma.channel else None,
        "ref": rma.channel_ref,
        "location": rma.location.code if rma.location else None,
        "verdict": rma.verdict,
        "rule": rma.rule,
        "refund_plan": rma.refund_plan,
        "refund_to": rma.refund_to,
        "currency": rma.currency,
        "created_at": rma.created_at,
        "approved_at": rma.approved_at,
        "expires_at": rma.expires_at,
        "ended_at": rma.ended_at,
        "ended_reason": rma.ended_reason,
    }


def detail(rma: ReturnRequest) -> dict[str, Any]:
    said = rma.explained
    return {
        **head(rma),
        "fee": str(rma.fee),
        "refunds_shipping": rma.refunds_shipping,
        "standing": rma.standing,
        "decision": said.get("rule") or {"code": rma.rule, "name": rma.rule, "why": ""},
        "policy": said.get("policy") or {"code": "", "name": "", "version": 0},
        "route": said.get("route") or {},
        "lines": [_line(line) for line in rma.lines.select_related("order_line").order_by("position")],
        "labels": [label(each) for each in rma.labels.defer("content").order_by("-id")],
        "note": rma.note,
    }


def _line(line: ReturnLine) -> dict[str, Any]:
    same = (
        "sku", "title", "quantity", "awaited", "received", "kept", "gone", "accepted", "rejected", "reason",
        "reason_text", "condition", "serials", "reception", "acceptance", "verdict", "rule", "why", "return_by",
        "unexpected",
    )  # fmt: skip
    return {
        "id": line.pk,
        "line": line.order_line.ref if line.order_line else None,
        **{name: getattr(line, name) for name in same},
        "unit_value": str(line.unit_value),
        "restocking_percent": str(line.restocking_percent),
    }


def label(each: ReturnLabel) -> dict[str, Any]:
    same = ("status", "carrier", "tracking_number", "tracking_url", "currency", "failure")
    return {
        "id": each.pk,
        **{name: getattr(each, name) for name in same},
        "cost": None if each.cost is None else str(each.cost),
    }


def option(each: Option) -> dict[str, Any]:
    return {
        "service": each.service, "carrier": each.carrier, "name": each.name, "cost": str(each.cost),
        "currency": each.currency, "arrives_by": each.arrives_by,
    }  # fmt: skip


def judged(found: Judged) -> dict[str, Any]:
    said = requests.explained(found)
    return {
        "verdict": found.whole.verdict,
        "decision": said["rule"],
        "policy": said["policy"],
        "refund_plan": found.plan,
        "refund_to": found.agreed.to,
        "fee": str(found.agreed.fee),
        "refunds_shipping": found.agreed.refunds_shipping,
        "currency": found.currency,
        "value": str(found.worth),
        "standing": found.stands.standing,
        "location": found.route.chosen.node.code if found.route.chosen else None,
        "keep_it": found.route.keep_it,
        "lines": [
            {**line, "return_by": answer.return_by, "unit_value": str(goods.unit_value)}
            for line, answer, goods in zip(said["lines"], found.answers, found.goods, strict=True)
        ],
        "route": said["route"],
    }
