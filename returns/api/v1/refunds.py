"""/api/v1/orders/<number>/refunds: what went back of an order, and giving more, previewed where asked."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from pydantic import Field

from core.api import ApiView, idempotent, parse, reply
from core.api.openapi import JSON, KEY, problems, schema_of
from core.errors import Invalid, Problem
from orders.api.v1 import finding
from orders.api.v1.words import WRITES
from orders.canonical import MAX_LINES, Count, Flag, Key, Money, Short, closed
from orders.models import Order
from orders.services import instructions
from returns.models import RefundDecision
from returns.services import refunds
from returns.services.refunds import Line, Preview


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundedLine:
    """Units of the order's line `ref`; an `amount` instead of what they are worth, where part of it was agreed."""

    __pydantic_config__ = closed

    ref: Key
    quantity: Count = 0
    amount: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRefund:
    """What goes back. `shipping` is of the carriage, `fee` is kept back; `preview` shows it and moves nothing."""

    __pydantic_config__ = closed

    lines: Annotated[tuple[RefundedLine, ...], Field(max_length=MAX_LINES)] = ()
    shipping: Money | None = None
    fee: Money | None = None
    to: Literal["ORIGINAL", "STORE_CREDIT"] = "ORIGINAL"
    why: Short = ""
    preview: Flag = False


ZERO = Decimal(0)
_TEXT = {"type": "string"}
_LINE = {"type": "object", "properties": {"ref": _TEXT, "quantity": {"type": "integer"}, "amount": _TEXT, "tax": _TEXT}}
_WAY = {"type": "object", "properties": {"gateway": _TEXT, "ref": _TEXT, "via": _TEXT, "amount": _TEXT}}
_REFUND = {
    "type": "object",
    "required": ["number", "status", "amount", "currency"],
    "properties": {
        **dict.fromkeys(
            ("number", "status", "amount", "currency", "goods", "shipping", "fees", "tax", "to", "why", "approval"),
            _TEXT,
        ),
        "return": {"type": ["string", "null"]},
        "lines": {"type": "array", "items": _LINE},
        "tenders": {"type": "array", "items": _WAY},
    },
}  # fmt: skip
_LIST = {"type": "object", "properties": {"left": _TEXT, "items": {"type": "array", "items": _REFUND}}}


class Refunds(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "orders:read", "POST": "refunds:write"}

    @extend_schema(
        operation_id="order_refunds_list", summary="What went back of an order, and what may still",
        responses={200: _LIST, **problems(401, 403, 404, 429)},
    )  # fmt: skip
    def get(self, request: Any, number: str) -> HttpResponse:
        """Newest first; `left` is what may still go back."""
        order = finding.order(request, number)
        rows = RefundDecision.objects.filter(order=order).select_related("request").order_by("-pk")[:100]
        left = instructions.refundable(order.pk, order.currency)
        return reply({"left": str(left), "items": [shape(row) for row in rows]})

    @extend_schema(
        operation_id="order_refunds_create", summary="Give money back",
        description="Paid at once up to the limit; above it 202: somebody else has to agree. With `preview` 200, and "
        "nothing moves.",
        parameters=[KEY], request={JSON: schema_of(NewRefund)},
        responses={**dict.fromkeys((200, 201, 202), _REFUND), **problems(*WRITES)},
    )  # fmt: skip
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """409 more_than_captured where less is left; 422 names each line that asks for more than there is."""
        asked = parse(request, NewRefund)
        order = finding.order(request, number)
        given: dict[str, Any] = {
            "lines": _lines(order, asked), "shipping": asked.shipping or ZERO, "fee": asked.fee or ZERO, "to": asked.to,
        }  # fmt: skip
        if asked.preview:
            return reply(_seen(order, refunds.preview_for_order(order.pk, **given)))
        actor = request.auth.actor
        cause = f"api:{actor.uid}:{request.headers['Idempotency-Key']}"
        made = refunds.decide_for_order(order.pk, cause=cause, why=asked.why, actor=actor, **given)
        return reply(shape(made), status=202 if made.status == "WAITING" else 201)


def _lines(order: Order, asked: NewRefund) -> list[Line]:
    known = dict(order.lines.values_list("ref", "pk"))
    unknown = [
        Problem(f"lines[{n}].ref", "unknown", "The order has no such line.")
        for n, line in enumerate(asked.lines)
        if line.ref not in known
    ]
    if unknown:
        raise Invalid(unknown, status=422)
    return [Line(known[line.ref], line.quantity, line.amount) for line in asked.lines]


def shape(row: RefundDecision) -> dict[str, Any]:
    sums = {name: str(getattr(row, name)) for name in ("amount", "goods", "shipping", "fees", "tax")}
    return {
        "number": row.number, "status": row.status, "currency": row.currency, **sums, "to": row.to, "why": row.why,
        "return": row.request.number if row.request else None, "approval": "",
        "lines": [_line(part["ref"], part) for part in row.lines], "tenders": [_way(way) for way in row.tenders],
    }  # fmt: skip


def _seen(order: Order, seen: Preview) -> dict[str, Any]:
    refs = dict(order.lines.values_list("pk", "ref"))
    refund = seen.refund
    sums = {name: str(getattr(refund, name)) for name in ("amount", "goods", "shipping", "fees", "tax")}
    parts = [
        {"quantity": p.quantity, "amount": str(p.amount), "tax": str(p.tax), "ref": refs[p.id]} for p in refund.parts
    ]
    return {
        "number": "", "status": "PREVIEW", "currency": refund.currency, **sums, "to": seen.to, "why": "",
        "return": None, "approval": seen.approval, "lines": parts, "tenders": [_way(way) for way in seen.tenders],
    }  # fmt: skip


def _line(ref: str, part: dict[str, Any]) -> dict[str, Any]:
    return {"ref": ref, "quantity": part["quantity"], "amount": part["amount"], "tax": part["tax"]}


def _way(way: dict[str, Any]) -> dict[str, Any]:
    return {name: way[name] for name in ("gateway", "ref", "via", "amount")}
