"""The demo retailer before its first order: calendars, places, people, range, opening stock, channels, connections.

Everything is made through the models and services a real retailer's set-up would use, and is safe to make again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from random import Random

from django.contrib.auth.models import Group

from config import roles
from config.demo import units
from config.demo.catalogue import PLACES, Place, Product, products
from core import actors
from core.models import Calendar, Site, User
from core.subjects import Subject
from integrations.models import Connection
from inventory.models import Bin, Item, Location, State
from inventory.services import movements
from inventory.services.movements import Move
from orders.models import Channel

PASSWORD = "backroom-demo"  # loopback only; printed at start
WEEKDAYS = [["09:00", "19:00"]]
CALENDARS = (
    ("stores-gb", "Stores, Britain", "GB", [WEEKDAYS] * 5 + [[["09:00", "19:00"]], [["11:00", "17:00"]]]),
    ("stores-ie", "Stores, Ireland", "IE", [WEEKDAYS] * 5 + [[["09:30", "18:30"]], [["12:00", "18:00"]]]),
    ("stores-nl", "Stores, Low Countries", "NL", [WEEKDAYS] * 5 + [[["10:00", "18:00"]], [["12:00", "17:00"]]]),
    ("warehouses-gb", "Warehouses, Britain", "GB", [[["06:00", "22:00"]]] * 5 + [[["08:00", "16:00"]], []]),
    ("warehouses-nl", "Warehouses, Netherlands", "NL", [[["06:00", "22:00"]]] * 5 + [[["08:00", "16:00"]], []]),
    ("office", "Head office", "GB", [[["08:30", "12:30"], ["13:15", "18:00"]]] * 5 + [[], []]),
)
CHANNELS = (
    ("web-uk", "Web UK", "WEBSTORE", "GBP", "Europe/London"),
    ("web-eu", "Web EU", "WEBSTORE", "EUR", "Europe/Amsterdam"),
    ("wholesale", "Wholesale", "WHOLESALE", "GBP", "Europe/London"),
)


@dataclass(frozen=True, slots=True)
class Account:
    email: str
    name: str
    role: str
    site: str = ""
    staff: bool = False


ACCOUNTS = (
    Account("service@harrowvale.example", "Sana Qureshi", "Service"),
    Account("store@harrowvale.example", "Jonah Pike", "Store", "ST-LEEDS-BRIGGATE"),
    Account("finance@harrowvale.example", "Helen Reid", "Finance"),
    Account("admin@harrowvale.example", "Priya Shah", "Integration", staff=True),
)
COLLEAGUES = (
    Account("amira@harrowvale.example", "Amira Khan", "Service"),
    Account("chen@harrowvale.example", "Chen Liu", "Warehouse", "DC-WAKEFIELD"),
    Account("joost@harrowvale.example", "Joost Visser", "Store", "ST-UTRECHT"),
)


def build(at: datetime, say: Callable[[str], None]) -> None:
    """Make the world as it stood at `at`. Safe to repeat."""
    roles.sync()
    _places()
    say(f"{len(PLACES)} places with calendars")
    _people()
    say(f"{len(ACCOUNTS) + len(COLLEAGUES)} people in {len(roles.ROLES)} roles")
    _range()
    _opening_stock(at)
    say(f"{Item.objects.count():,} items with opening stock")
    units.make(at, say)
    _channels()


def _channels() -> None:
    for code, name, kind, currency, zone in CHANNELS:
        Channel.objects.get_or_create(
            code=code,
            defaults={"name": name, "kind": kind, "currency": currency, "time_zone": zone, "prices_include_tax": True},
        )


def channel_of(connection: Connection) -> Channel:
    """A channel connection's channel; the database sees to it that it has one."""
    assert connection.channel is not None  # noqa: S101
    return connection.channel


def connections() -> dict[str, Connection]:
    """The demo's accounts at its web stores, by channel code; made once, each with a webhook secret of its own."""
    made = {}
    for code in ("web-uk", "web-eu"):
        channel = Channel.objects.get(code=code)
        connection, new = Connection.objects.get_or_create(
            code=f"shopify-{code}",
            defaults={"name": f"Shopify, {channel.name}", "kind": "CHANNEL", "vendor": "shopify", "channel": channel},
        )
        if new:
            connection.keep_secret("webhook", secrets.token_hex(32))
        made[code] = connection
    return made


def _places() -> None:
    for code, name, country, weekly in CALENDARS:
        Calendar.objects.get_or_create(code=code, defaults={"name": name, "country": country, "weekly": weekly})
    calendars = {c.code: c for c in Calendar.objects.all()}
    Site.objects.get_or_create(
        code="HQ", defaults={"name": "Head office", "time_zone": "Europe/London", "calendar": calendars["office"]}
    )
    for place in PLACES:
        site, _ = Site.objects.get_or_create(
            code=place.code,
            defaults={"name": place.name, "time_zone": place.time_zone, "calendar": calendars[_calendar(place)]},
        )
        location, new = Location.objects.get_or_create(
            code=place.code,
            defaults={
                "name": place.name, "kind": place.kind, "site": site, "country": place.country, "lat": place.lat,
                "lon": place.lon, "time_zone": place.time_zone, "priority": place.priority,
                "ships": True, "pickup": place.kind == "STORE", "returns": place.kind != "THIRD_PARTY",
                "pick_capacity_hour": 20 if place.kind == "STORE" else 400,
                "address": {"line1": f"1 {place.city} Park", "city": place.city, "postal_code": place.postcode, "country": place.country},
            },
        )  # fmt: skip
        if new:
            Bin.objects.bulk_create(
                Bin(location=location, code=f"{aisle}-{bay:02}", walk_order=row * 100 + bay)
                for row, aisle in enumerate("ABCDEF")
                for bay in range(1, 13)
            )


def _calendar(place: Place) -> str:
    if place.kind != "STORE":
        return "warehouses-nl" if place.country == "NL" else "warehouses-gb"
    return {"GB": "stores-gb", "IE": "stores-ie"}.get(place.country, "stores-nl")


def _people() -> None:
    for account in (*ACCOUNTS, *COLLEAGUES):
        user = User.objects.filter(email=account.email).first()
        if user is None:
            user = User.objects.create_user(account.email, PASSWORD, name=account.name, is_staff=account.staff)
        user.groups.set([Group.objects.get(name=account.role)])
        if account.staff:
            user.is_superuser = True
            user.save(update_fields=["is_superuser"])
        if account.site:
            user.sites.set([Site.objects.get(code=account.site)])


def _range() -> None:
    known = set(Item.objects.values_list("sku", flat=True))
    Item.objects.bulk_create(
        [
            Item(
                sku=p.sku, gtin=p.gtin, name=p.name, weight_grams=p.weight_grams, country_of_origin="PT",
                attributes={"colour": p.colour, "size": p.size, "family": p.family},
                unit_cost=(p.price * Decimal("0.38")).quantize(Decimal("0.01")), cost_currency="GBP",
            )
            for p in products()
            if p.sku not in known
        ],
        batch_size=1000,
    )  # fmt: skip


def _stocked(place: Place, product: Product, random: Random) -> int:
    """Units of a product a place opens with: warehouses hold depth, stores a few of some."""
    if place.kind == "WAREHOUSE":
        return random.randint(30, 160)
    if place.kind == "THIRD_PARTY":
        return random.randint(10, 60) if random.random() < 0.5 else 0
    return random.randint(1, 9) if random.random() < 0.35 else 0


def _opening_stock(at: datetime) -> None:
    random = Random("opening stock")
    items = dict(Item.objects.values_list("sku", "id"))
    range_ = list(products())
    for location in Location.objects.filter(code__in=[p.code for p in PLACES]).order_by("id"):
        place = next(p for p in PLACES if p.code == location.code)
        moves = []
        for product in range_:
            units = _stocked(place, product, random)
            if units:
                moves.append(Move(items[product.sku], units, None, State.OPENING, location.pk, State.SELLABLE))
        for start in range(0, len(moves), 500):
            movements.post(
                moves[start : start + 500],
                key=f"opening:{location.code}:{start}",
                cause=Subject("location", str(location.pk), location.code),
                actor=actors.SYSTEM,
                occurred_at=at,
                note="Opening balance",
            )
