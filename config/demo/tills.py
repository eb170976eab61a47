"""The demo's Square tills: a sale that went through, two that wait for a place to be named, and a file of orders."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from core import actors
from core.models import User
from integrations import aliases, inbox
from integrations.files.orders import drops
from integrations.models import Connection, FileDrop
from inventory.models import Location, Stock
from orders.models import Channel

KNOWN, NAMELESS = "LH7KQ2BRIGGATE", "LQ91VSHAMBLES"
FILE = """Order;Date;SKU;Qty;Unit price;Recipient;Street;Town;Postcode;Country
HOTEL-118;{day} 09:30;{sku};12;14,90;Halden House;4 Kiln Lane;Leeds;LS1 4BR;GB
HOTEL-119;{day} 10:05;{sku};six;14,90;Quay Rooms;1 Dock Street;Hull;HU1 2DX;GB
"""


def make(say: Callable[[str], None]) -> None:
    """Safe to repeat."""
    person = User.objects.filter(groups__name="Integration").first()
    stock = (
        Stock.objects.filter(sellable__gt=5, item__tracking="NONE", location__kind="STORE")
        .select_related("item", "location")
        .order_by("pk")
        .first()
    )
    if person is None or stock is None or Channel.objects.filter(code="square").exists():
        return
    who = actors.person(person)
    tills = _connection("square", "Square tills", "square", "POS")
    aliases.say(tills.pk, "LOCATION", KNOWN, stock.location.code, actor=who)
    aliases.say(tills.pk, "ITEM", "variation:2TZFAOHWGG7PAK2QEXWYPZSP", stock.item.sku, actor=who)
    for n, place in enumerate((KNOWN, NAMELESS, NAMELESS)):
        sale = _sale(n, place, stock.item.name, timezone.now() - timedelta(hours=3 - n))
        body = json.dumps({"order": sale}).encode()
        message_id, _ = inbox.accept(
            tills, external_id=f"event:demo-{n}", headers={}, body=body, topic="order", verdict=inbox.Verdict.NONE
        )
        inbox.process(message_id)
    inbox.process(_catalogue(tills, stock.item.sku))
    files = _connection("order-files", "Files of the hotels", "orderfile", "WHOLESALE")
    if not FileDrop.objects.exists() and Location.objects.exists():
        content = FILE.format(day=f"{timezone.now():%d.%m.%Y}", sku=stock.item.sku).encode()
        dropped = drops.keep(files, "hotels.csv", content, user=person, label=str(person))
        drops.arrange(dropped.pk, {**dropped.draft, "decimal": ",", "dates": "D.M.Y", "currency": "GBP"})
    say("Square tills of which one place and two articles have no name yet, a file of orders that waits")


def _catalogue(tills: Connection, sku: str) -> int:
    """A page of what the tills sell: one article of ours, one with a SKU nobody knows, one with none at all."""
    said = (("7KD2JVONQTXBKB5EWA3VZYHG", sku, "As in the range"), ("M3QUBTPWYFBMZQ7MWPQX4K2R", "GIFT-WRAP", "Gift wrapping"),
            ("W62UWFY35CWMYGVWK6TWJDNI", "", "Alterations, per seam"))  # fmt: skip
    objects = [
        {"type": "ITEM_VARIATION", "id": ref, "version": 4, "present_at_all_locations": True,
         "item_variation_data": {"sku": named, "name": title}}
        for ref, named, title in said
    ]  # fmt: skip
    body = json.dumps({"objects": objects}).encode()
    message_id, _ = inbox.accept(
        tills, external_id="demo-catalogue", headers={}, body=body, topic="catalogue", verdict=inbox.Verdict.NONE
    )
    return message_id


def _connection(code: str, name: str, vendor: str, kind: str) -> Connection:
    channel, _ = Channel.objects.get_or_create(
        code=code, defaults={"name": name, "kind": kind, "currency": "GBP", "time_zone": "Europe/London"}
    )
    found, _ = Connection.objects.get_or_create(
        code=code, defaults={"name": name, "kind": Connection.Kind.CHANNEL, "vendor": vendor, "channel": channel}
    )
    return found


def _sale(n: int, place: str, title: str, at: datetime) -> dict[str, Any]:
    def money(pence: int) -> dict[str, Any]:
        return {"amount": pence, "currency": "GBP"}

    rung_up = at.isoformat()
    line = {
        "uid": "line-1", "name": title, "catalog_object_id": "2TZFAOHWGG7PAK2QEXWYPZSP", "item_type": "ITEM",
        "quantity": "1", "base_price_money": money(1490), "gross_sales_money": money(1490),
        "total_discount_money": money(0), "total_tax_money": money(248), "total_money": money(1490),
    }  # fmt: skip
    tender = {"id": f"demo-pay-{n}", "type": "CASH", "amount_money": money(1490), "created_at": rung_up}
    return {
        "id": f"demo-sale-{n}", "location_id": place, "state": "COMPLETED", "version": 3, "created_at": rung_up,
        "updated_at": rung_up, "closed_at": rung_up, "line_items": [line], "tenders": [tender],
        "total_money": money(1490), "total_tax_money": money(248), "total_discount_money": money(0),
    }  # fmt: skip
