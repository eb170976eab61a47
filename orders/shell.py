"""What the shell shows of this app: navigation, the home panel of work to pick, and orders found by any reference."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.urls import reverse
from django.utils import timezone

from core import screens
from core.screens import Count, Found
from orders import filters
from orders.models import Account, FulfilmentOrder, Hold, Order

CAP = 1000


def register() -> None:
    screens.register_nav("Work", "Orders", "shopping-bag", "orders:list", "orders.view_order", order=20)
    screens.register_nav(
        "Work", "Holds", "pause", "orders:holds", "orders.view_hold", count=held, order=22, topic="orders"
    )
    screens.register_nav("Run", "Hold rules", "list-checks", "orders:hold_rules", "orders.view_holdrule", order=42)
    screens.register_nav(
        "Sites", "Picking", "store", "orders:sites", "orders.view_fulfilmentorder", count=waiting, order=10,
        topic="fulfilments",
    )  # fmt: skip
    screens.register_nav("Work", "Back-orders", "hourglass", "orders:backorders", "orders.view_order", order=24)
    screens.register_nav("Work", "Partners", "send", "orders:partners", "orders.view_fulfilmentorder", order=26)
    screens.register_nav(
        "Run", "Message templates", "mail", "orders:templates", "orders.view_messagetemplate", order=60
    )
    screens.register_nav("Run", "Sourcing", "split", "orders:policies", "orders.view_sourcingpolicy", order=30)
    screens.register_nav("Finance", "Accounts", "users", "orders:accounts", "orders.view_account", order=15)
    screens.register_nav(
        "Finance", "Store credit", "banknote", "orders:store_credits", "orders.view_storecredit", order=17
    )
    screens.register_search("orders", find, order=10)


def held(user: Any) -> Count:
    """Holds to decide; those past their time if there are any."""
    rows = Hold.objects.for_user(user).standing().order_by()
    late = rows.filter(due_at__lt=timezone.now())[:CAP].count()
    return Count(late, late=True, capped=late >= CAP) if late else _capped(rows[:CAP].count())


def waiting(user: Any) -> Count:
    """Fulfilment orders to work on at the person's sites; overdue ones if there are any."""
    rows = FulfilmentOrder.objects.for_user(user).active().order_by()
    late = rows.filter(due_at__lt=timezone.now())[:CAP].count()
    return Count(late, late=True, capped=late >= CAP) if late else _capped(rows[:CAP].count())


def _capped(count: int) -> Count:
    return Count(count, capped=count >= CAP)


def find(user: Any, text: str, limit: int) -> Iterable[Found]:
    """Orders by number, channel number or ref, e-mail, SKU or tracking; fulfilment orders by number."""
    if user.has_perm("orders.view_order"):
        rows = (
            Order.objects.for_user(user).filter(pk__in=filters.matching(text)).select_related("channel").order_by("-id")
        )
        for row in rows[:limit]:
            yield Found(
                row.number,
                reverse("orders:detail", args=[row.number]),
                f"{row.channel.name} {row.channel_number}, {row.get_status_display().lower()}",
                kind="Order",
                icon="shopping-bag",
                exact=text.upper() in {row.number, row.channel_number.upper(), row.channel_ref.upper()},
            )
    if user.has_perm("orders.view_account"):
        for account in Account.objects.for_user(user).filter(code=text)[:1]:
            yield Found(
                account.name,
                reverse("orders:account", args=[account.code]),
                account.code,
                kind="Account",
                icon="users",
                exact=True,
            )
    if "-" in text and user.has_perm("orders.view_fulfilmentorder"):
        works = FulfilmentOrder.objects.for_user(user).filter(number=text.upper(), location__site__isnull=False)
        for work in works.select_related("location__site")[:limit]:
            yield Found(
                work.number,
                reverse("orders:pick", args=[work.location.site.code, work.number]),
                work.location.name,
                kind="Pick",
                icon="store",
                exact=True,
            )
