"""What a channel said of an order against what is stored of it: every figure of both, side by side. Pure but for the
rows it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from integrations import redaction
from orders.canonical import IncomingOrder
from orders.models import Order

_LINE = ("sku", "title", "unit_price", "discount_total", "tax_total", "requires_shipping", "gift_card")
_PLAIN = (
    "channel_ref", "placed_at", "currency", "total", "subtotal", "discount_total", "shipping_total", "tax_total",
    "other_total", "tax_included", "payment_state", "method", "note", "test", "po_number", "payment_terms",
    "requested_ship_on", "card_ref", "language",
)  # fmt: skip
# What the source need not say: Backroom works it out or has its own default then.
_UNSAID: tuple[Any, ...] = (None, "", (), [], "unknown")


@dataclass(frozen=True, slots=True)
class Figure:
    """One place of the order. `came` and `stored` are texts for people, masked where they speak of a person."""

    path: str
    came: str
    stored: str
    same: bool


def of(incoming: IncomingOrder, order: Order) -> list[Figure]:
    """Every figure the source stated, and every line or payment only one side knows. `order` brings lines, payments."""
    came, stored = _came(incoming), _stored(order)
    figures = []
    for path in sorted({*came, *stored}, key=_position):
        if path not in came and not path.startswith(("lines[", "payments[")):
            continue  # the source said nothing of it
        left, right = _text(came.get(path)), _text(stored.get(path))
        hidden = redaction.is_personal(path)
        same = left == right
        figures.append(Figure(path, _shown(left, hidden), _shown(right, hidden), same))
    return figures


def _came(incoming: IncomingOrder) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(incoming, name) for name in _PLAIN}
    found |= {
        "number": incoming.number, "pickup_location_code": incoming.pickup_location_code, "account": incoming.account,
        "cancelled": incoming.status == "cancelled" or None, "tags": sorted(incoming.tags) or None,
    }  # fmt: skip
    for name in ("buyer", "ship_to", "bill_to"):
        part = getattr(incoming, name)
        found |= {f"{name}.{key}": value for key, value in (asdict(part) if is_dataclass(part) else {}).items()}  # type: ignore[arg-type]
    found = {path: value for path, value in found.items() if value not in _UNSAID}
    for line in incoming.lines:
        place = f"lines[{line.ref}]"
        found[f"{place}.ordered"] = line.quantity
        found |= {f"{place}.{name}": getattr(line, name) for name in _LINE if getattr(line, name) not in _UNSAID}
    for payment in incoming.payments:
        found[f"payments[{payment.ref}].{payment.kind}"] = f"{_text(payment.amount)} {payment.currency}"
    return found


def _stored(order: Order) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(order, name) for name in _PLAIN}
    found |= {
        "number": order.channel_number, "pickup_location_code": order.pickup_location_code,
        "account": order.account_code, "cancelled": order.source_cancelled, "tags": sorted(order.tags),
        "buyer.ref": order.buyer_ref, "buyer.name": order.buyer_name, "buyer.email": order.buyer_email,
        "buyer.phone": order.buyer_phone,
    }  # fmt: skip
    for name in ("ship_to", "bill_to"):
        found |= {f"{name}.{key}": value for key, value in (getattr(order, name) or {}).items()}
    for line in order.lines.all():
        if not line.ordered:
            continue  # taken off since: its units are the cancelled ones of the source
        place = f"lines[{line.ref}]"
        found[f"{place}.ordered"] = line.ordered
        found |= {f"{place}.{name}": getattr(line, name) for name in _LINE}
    for payment in order.payments.all():
        found[f"payments[{payment.provider_ref}].{payment.kind}"] = f"{_text(payment.amount)} {payment.currency}"
    return _without_silence(found)


def _without_silence(found: Mapping[str, Any]) -> dict[str, Any]:
    """A part of a line that the source may leave open says nothing by being empty here."""
    return {path: value for path, value in found.items() if value not in (None, "") or not path.startswith("lines[")}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        plain = f"{value.normalize():f}"
        whole, _, cents = plain.partition(".")
        return f"{whole}.{cents:0<2}"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC").replace(".000000", "")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return str(value)


def _shown(text: str, hidden: bool) -> str:
    return redaction.mask(text) if hidden and text else text[:300]


def _position(path: str) -> tuple[int, str]:
    group = 2 if path.startswith("payments[") else 1 if path.startswith("lines[") else 0
    return group, path
