"""What the shell shows of this app: items found by SKU, GTIN or another system's code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.urls import reverse

from core import screens
from core.screens import Found
from inventory import skus
from inventory.models import Item, ItemAlias


def register() -> None:
    screens.register_search("items", find, order=20)


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
