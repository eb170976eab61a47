"""What an action changes of an order: where its units are held, what is paid, when it is promised."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from core.formats import money
from exceptions import effects
from exceptions.effects import MONEY, OTHER, PROMISE, STOCK, Change
from exceptions.models import ActionRun
from exceptions.services import rulebooks
from orders.models import (
    FulfilmentLine,
    FulfilmentOrder,
    Hold,
    LabelStatus,
    Order,
    OrderChange,
    ParcelLabel,
    Payment,
    PaymentDisagreement,
    Told,
)

TITLES = {"authorised": "Authorised", "captured": "Paid", "refunded": "Paid back", "voided": "Voided"}


def _order_id(kind: str, uid: str) -> int | None:
    if not uid.isdigit():
        return None
    if kind == "order":
        return int(uid)
    if kind == "fulfilment":
        return FulfilmentOrder.objects.filter(pk=int(uid)).values_list("order_id", flat=True).first()
    return None


class Orders:
    def before(self, kind: str, uid: str) -> dict[str, Any]:
        order_id = _order_id(kind, uid)
        return _look(order_id) if order_id else {}

    def changes(self, kind: str, uid: str, seen: Any) -> Iterable[Change]:
        if not seen:
            return
        now = _look(seen["order"])
        for key in sorted(seen["held"].keys() | now["held"].keys()):
            was, is_ = seen["held"].get(key, 0), now["held"].get(key, 0)
            if was != is_:
                yield Change(
                    STOCK, f"{key[0]}, held for the order", key[1], str(was), str(is_), f"{is_ - was:+}",
                    ref=tuple(f"line:{pk}" for pk in now["lines"].get(key, ()) if pk not in seen["promised"]),
                )  # fmt: skip
        currency = now["currency"]
        for name in sorted(seen["money"].keys() | now["money"].keys()):
            a, b = seen["money"].get(name, Decimal()), now["money"].get(name, Decimal())
            if a != b:
                yield Change(
                    MONEY, TITLES.get(name, name), "", money(a, currency), money(b, currency), money(b - a, currency),
                    b - a, currency,
                )  # fmt: skip
        if seen["promise"] != now["promise"]:
            yield Change(PROMISE, "Promised by", "", seen["promise"], now["promise"])
        for name in ("status", "holds"):
            if seen[name] != now[name]:
                yield Change(OTHER, f"Order's {name}", "", seen[name], now[name])


class Marks:
    """What people tick off about an order or its parcels. The ids of its rows are what an undo needs."""

    def before(self, kind: str, uid: str) -> dict[str, dict[int, str]]:
        if kind == "order" and uid.isdigit():
            judged = PaymentDisagreement.objects.filter(order_id=uid, settled_at__isnull=True)
            untold = OrderChange.objects.filter(order_id=uid, channel_told=Told.CANNOT)
            return {
                "Amount to be judged": dict(judged.values_list("pk", "ref")),
                "Change the channel doesn't know of": dict(untold.values_list("pk", "summary")),
            }
        if kind == "fulfilment" and uid.isdigit():
            failed = ParcelLabel.objects.filter(package__fulfilment=int(uid), status=LabelStatus.FAILED)
            rows = failed.values_list("pk", "package__sequence")
            return {"Label that failed": {pk: f"parcel {sequence}" for pk, sequence in rows}}
        return {}

    def changes(self, kind: str, uid: str, seen: dict[str, dict[int, str]]) -> Iterable[Change]:
        now = self.before(kind, uid)
        for what, rows in seen.items():
            for pk in sorted(rows.keys() - now[what].keys()):
                yield Change(OTHER, what, rows[pk], "stands", "settled", ref=(f"mark:{pk}",))


def named(run: ActionRun, kind: str) -> list[int]:
    """The ids of that kind a run's rows name: `line` for units it had promised, `mark` for what it ticked off."""
    found = [ref.partition(":") for row in run.delta for ref in row["ref"]]
    return sorted({int(pk) for name, _, pk in found if name == kind})


def _look(order_id: int) -> dict[str, Any]:
    order = Order.objects.get(pk=order_id)
    held: dict[tuple[str, str], int] = {}
    ids: dict[tuple[str, str], list[int]] = {}
    promised = set()
    lines = FulfilmentLine.objects.filter(order_line__order=order_id, shipped=False)
    for pk, sku, place, units in lines.values_list("pk", "item__sku", "location__name", "quantity"):
        held[sku, place] = held.get((sku, place), 0) + units
        ids.setdefault((sku, place), []).append(pk)
        promised.add(pk)
    paid = Payment.objects.filter(order=order_id, kind__in=TITLES).values_list("kind").annotate(Sum("amount"))
    sums: dict[str, Decimal] = dict(paid.order_by())
    sums["Order total"] = order.total or Decimal()
    return {
        "order": order_id,
        "held": {key: units for key, units in held.items() if units},
        "lines": ids,
        "promised": promised,
        "money": sums,
        "currency": order.currency,
        "promise": f"{order.promise_by:%d %b %H:%M} UTC" if order.promise_by else "",
        "status": str(order.get_status_display()),
        "holds": ", ".join(sorted(Hold.objects.standing().filter(order=order_id).values_list("type", flat=True))),
    }


def _fields(kind: str, uid: str) -> dict[str, Any]:
    """What a playbook's conditions may ask about an order beyond its case."""
    row = Order.objects.filter(pk=_order_id(kind, uid) or 0).values_list("channel__code", "account_code").first()
    return {"channel": row[0], "customer": "business" if row[1] else "consumer"} if row else {}


def register() -> None:
    effects.register(Orders())
    effects.register(Marks())
    for kind in ("order", "fulfilment"):
        rulebooks.register_fields(kind, _fields)
