"""What the shell shows of this app: items found by SKU, GTIN or another system's code."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from core import screens
from core.screens import Count, Found
from inventory import models as stock
from inventory import skus
from inventory.models import Item, ItemAlias

CAP = 1000


def register() -> None:
    screens.register_nav("Work", "Stock", "boxes", "inventory:stock", "inventory.view_item", order=30)
    register_promises()
    screens.register_search("items", find, order=20)
    screens.register_search("counts and transfers", find_work, order=30)
    screens.register_nav(
        "Sites", "Counts", "list-checks", "inventory:counts", "inventory.view_count", count=to_count, order=40,
        topic="stock",
    )  # fmt: skip
    screens.register_nav(
        "Sites", "Transfers", "truck", "inventory:transfers", "inventory.view_transfer", count=on_the_move, order=50,
        topic="stock",
    )  # fmt: skip
    screens.register_nav(
        "Sites", "Reconciliation", "scale", "inventory:reconciliation", "inventory.view_stockdifference",
        count=differing, order=60, topic="exceptions",
    )  # fmt: skip


def differing(user: Any) -> Count:
    """Places where a system disagrees beyond its tolerance."""
    open_ = stock.StockDifference.objects.for_user(user).open().filter(beyond=True).order_by()[:CAP].count()
    return Count(open_, capped=open_ >= CAP)


def register_promises() -> None:
    screens.register_nav(
        "Run", "Buffers", "sliders-horizontal", "inventory:buffers", "inventory.view_bufferrule", order=60
    )
    screens.register_nav(
        "Run", "Stock publishing", "send", "inventory:publishing", "inventory.view_channelfeed", count=unreachable,
        order=15,
    )  # fmt: skip


def unreachable(user: Any) -> Count | None:
    """Channels that can't be told at the moment."""
    failing = stock.ChannelFeed.objects.for_user(user).filter(active=True, failures__gt=0).count()
    return Count(failing, late=True) if failing else None


def to_count(user: Any) -> Count:
    """Counts to make or to approve at the person's sites; those past their time if there are any."""
    rows = stock.Count.objects.for_user(user).order_by()
    late = rows.to_do().filter(due_at__lt=timezone.now())[:CAP].count()
    if late:
        return Count(late, late=True, capped=late >= CAP)
    open_ = rows.filter(status__in=stock.COUNT_OPEN)[:CAP].count()
    return Count(open_, capped=open_ >= CAP)


def on_the_move(user: Any) -> Count:
    """Transfers not finished yet; those past their time if there are any."""
    rows = stock.Transfer.objects.for_user(user).order_by()
    late = rows.filter(status="IN_TRANSIT", due_at__lt=timezone.now())[:CAP].count()
    if late:
        return Count(late, late=True, capped=late >= CAP)
    open_ = rows.filter(status__in=stock.TRANSFER_OPEN)[:CAP].count()
    return Count(open_, capped=open_ >= CAP)


def find(user: Any, text: str, limit: int) -> Iterable[Found]:
    """The item itself for its whole SKU, GTIN or alias, and those whose SKU begins with the text."""
    if not user.has_perm("inventory.view_item"):
        return
    code = skus.normalise(text)
    if not code or len(code) > skus.MAX_LENGTH:
        return
    exact = {code, code.upper()}
    own = Item.objects.for_user(user).filter(
        Q(sku__startswith=code) | Q(sku__startswith=code.upper()) | (Q(gtin=code) if code.isdigit() else Q())
    )
    named = ItemAlias.objects.filter(code__in=exact).values("item_id")
    ids = own.order_by().values("id").union(named)[: limit * 2]
    for item in Item.objects.for_user(user).filter(pk__in=[row["id"] for row in ids])[:limit]:
        yield Found(
            item.sku,
            reverse("inventory:item", args=[item.sku]),
            item.name,
            kind="Item",
            icon="barcode",
            exact=item.sku in exact or not item.sku.startswith((code, code.upper())),  # else by GTIN or alias: whole
        )


NUMBER = re.compile(r"(ct|tr)-([0-9]{1,18})", re.IGNORECASE)


def find_work(user: Any, text: str, limit: int) -> Iterable[Found]:
    """A count (CT-7) or a transfer (TR-7) by its number."""
    number = NUMBER.fullmatch(text.strip())
    if number is None:
        return
    kind, pk = number.group(1).lower(), int(number.group(2))
    if kind == "ct" and user.has_perm("inventory.view_count"):
        for count in stock.Count.objects.for_user(user).filter(pk=pk).select_related("location"):
            url = reverse("inventory:count", args=[pk])
            words = f"{count.location.name}, {count.get_status_display().lower()}"
            yield Found(count.number, url, words, kind="Count", icon="list-checks", exact=True)
    if kind == "tr" and user.has_perm("inventory.view_transfer"):
        for transfer in stock.Transfer.objects.for_user(user).filter(pk=pk).select_related("origin", "destination"):
            url = reverse("inventory:transfer", args=[pk])
            words = f"{transfer.origin.name} to {transfer.destination.name}"
            yield Found(transfer.number, url, words, kind="Transfer", icon="truck", exact=True)
