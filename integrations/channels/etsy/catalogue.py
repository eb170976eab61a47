"""Etsy's listings with the products they are sold as: receipts name these by their SKU and their id."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from integrations import tokens
from integrations.channels import catalogue
from integrations.channels.catalogue import Part
from integrations.channels.etsy.client import call
from integrations.channels.meaning import Listed
from integrations.channels.walking import Walk
from integrations.models import Connection
from integrations.reading import Node

AT_ONCE = 100
STATES = ("active", "sold_out")


def page(connection: Connection, walk: Walk) -> Part:
    """All that is for sale or sold out: Etsy can't be asked what changed. A page is named by its state and offset."""
    state, _, offset = walk.token.partition(":") if walk.token else (STATES[0], "", "0")
    asked: dict[str, Any] = {"state": state, "includes": "Inventory", "limit": AT_ONCE, "offset": int(offset),
                             "sort_on": "created", "sort_order": "asc"}  # fmt: skip
    path = f"shops/{connection.settings['shop_id']}/listings"
    found = tokens.listed(call(connection, "GET", path, purpose="read catalogue", **asked), "results")
    if len(found) >= AT_ONCE:
        return Part(found, more=True, token=f"{state}:{int(offset) + AT_ONCE}")
    after = STATES[STATES.index(state) + 1 :]
    return Part(found, more=bool(after), token=f"{after[0]}:0" if after else "")


def listed(entry: Node) -> Iterator[Listed]:
    title, inventory = entry.line("title", 150), entry.object("inventory")
    for each in inventory.items("products") if inventory else ():
        if each.raw("is_deleted") is not True:
            chosen = ", ".join(
                str(value) for choice in each.items("property_values") for value in choice.raw("values") or ()
            )
            named = f"{title}, {chosen}" if chosen else title
            yield Listed(f"product:{each.number_id('product_id', needed=True)}", each.line("sku", 100), named[:200])


FEED = catalogue.feed(page, listed, tells_changes=False)
