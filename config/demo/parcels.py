"""The demo's carriers and words: services with prices, templates that are live, and parcels at every stage."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from core.actors import SYSTEM
from integrations.models import Connection
from orders.models import CarrierService, FulfilmentStatus, MessageTemplate, Package
from orders.services import carriage, templates, tracking
from orders.tracking import Scan

_HIGHLANDS = ["AB", "BT", "IV", "KW", "PA", "PH", "ZE"]


def _zones(days: int, *prices: tuple[int, str], abroad: str = "") -> list[dict[str, Any]]:
    table = [list(each) for each in prices]
    zones: list[dict[str, Any]] = [
        {"name": "Highlands and islands", "countries": ["GB"], "origins": ["GB"], "postcodes": _HIGHLANDS,
         "days": days + 1, "prices": table},
        {"name": "Mainland", "countries": ["GB"], "origins": ["GB"], "days": days, "prices": table},
        {"name": "Low Countries", "countries": ["NL", "BE"], "origins": ["NL", "BE"], "days": days, "prices": table},
        {"name": "Ireland", "countries": ["IE"], "origins": ["IE"], "days": days, "prices": table},
    ]  # fmt: skip
    if abroad:
        zones.append(
            {"name": "Europe", "days": days + 3, "prices": [[2_000, abroad], [10_000, str(float(abroad) + 6)]]}
        )
    return zones


SERVICES: tuple[dict[str, Any], ...] = (
    {"code": "dispatch-48", "carrier": "Dispatch", "name": "48 hours", "rank": 20,
     "zones": _zones(2, (1_000, "3.10"), (5_000, "4.60"), (30_000, "9.80"), abroad="11.40")},
    {"code": "dispatch-24", "carrier": "Dispatch", "name": "Next day", "rank": 30, "cut_off": "17:00",
     "zones": _zones(1, (1_000, "4.90"), (5_000, "6.40"), (30_000, "12.60"))},
    {"code": "cycle-courier", "carrier": "Spoke", "name": "Same day by bicycle", "rank": 40, "cut_off": "15:00",
     "delivers_by": "21:00", "refuses": ["hazardous"],
     "zones": [{"name": "City", "within_km": 8, "days": 0, "prices": [[5_000, "7.50"]]}]},
    {"code": "ups-access-point", "carrier": "UPS", "name": "Access Point", "rank": 50,
     "zones": _zones(3, (1_000, "5.20"), (5_000, "6.80"), (20_000, "13.10"))},
    {"code": "dhl-parcel", "carrier": "DHL", "name": "Parcel", "rank": 60,
     "zones": _zones(3, (1_000, "5.60"), (5_000, "7.10"), (20_000, "13.90"))},
)  # fmt: skip
DEAR = "Dear {{ customer.name | default('customer', true) }},\n\n"
BESTE = "Beste {{ customer.name | default('klant', true) }},\n\n"
LINES = "{% for line in lines %}{{ line.quantity }} × {{ line.title }}\n{% endfor %}\n"
PARCELS = "{% for parcel in parcels %}{{ parcel.carrier }} {{ parcel.tracking }}\n{% endfor %}\n{{ channel }}"
LATER = (
    "we said {{ promise.before }} and now expect {{ promise.after }}: {{ promise.why }}. We are sorry.\n\n{{ channel }}"
)
WORDS = (
    ("fulfilment.shipped", "en", "Your order {{ order.ref }} is on its way", DEAR + LINES + PARCELS),
    ("fulfilment.shipped", "nl", "Je bestelling {{ order.ref }} is onderweg", BESTE + LINES + PARCELS),
    (
        "fulfilment.ready",
        "en",
        "{{ order.ref }} is ready to collect",
        DEAR + "it waits at {{ place.name }}, {{ place.address }}.",
    ),
    ("order.promise_changed", "en", "A new date for {{ order.ref }}", DEAR + LATER),
)


VARIABLE = "BACKROOM_DEMO_CARRIER"  # {"url": …, "key": …}, set by `dev.py demo`


def _account() -> None:
    """The carrier account the demo buys labels through, and the service it sells; none without its server."""
    if not os.environ.get(VARIABLE):
        return
    server = json.loads(os.environ[VARIABLE])
    account, _ = Connection.objects.get_or_create(
        code="easypost", defaults={"name": "EasyPost", "kind": Connection.Kind.CARRIER, "vendor": "easypost"}
    )
    account.settings = {"url": f"{server['url']}/v2", "private_address_allowed": True}
    account.save(update_fields=["settings", "updated_at"])
    account.keep_secret("key", server["key"], retire_others=True)
    if not account.secret("webhook"):
        account.keep_secret("webhook", secrets.token_hex(32))
    CarrierService.objects.get_or_create(
        code="royal-mail-48",
        defaults={
            "carrier": "Royal Mail", "name": "Tracked 48", "currency": "GBP", "rank": 10, "connection": account.code,
            "vendor_carrier": "RoyalMail", "vendor_service": "Tracked48", "fallbacks": ["dispatch-48"],
            "zones": _zones(2, (1_000, "2.99"), (5_000, "4.20"), (20_000, "8.90")),
        },
    )  # fmt: skip


def make(now: datetime, say: Callable[[str], None]) -> None:
    """Safe to repeat."""
    for fields in SERVICES:
        fallbacks = [] if fields["code"] == "dispatch-48" else ["dispatch-48"]
        CarrierService.objects.get_or_create(
            code=fields["code"], defaults={"currency": "GBP", "fallbacks": fallbacks, **fields}
        )
    _account()
    carriage.forget()
    if not MessageTemplate.objects.exists():
        for event, language, subject, body in WORDS:
            row = templates.draft(
                event, channel_id=None, language=language, medium="EMAIL", subject=subject, body=body, actor=SYSTEM
            )
            templates.publish(row.pk, version=None, actor=SYSTEM)
    followed = _follow(now)
    say(f"{len(SERVICES)} carriers' services, {len(WORDS)} templates, {followed} parcels followed")


def _follow(now: datetime) -> int:
    """The last parcels sent, each seen as far as a carrier would have by now; a few in trouble."""
    random = Random("parcels")
    rows = Package.objects.filter(
        fulfilment__status=FulfilmentStatus.SHIPPED, tracking_number__gt="", tracked_at=None
    ).select_related("fulfilment")
    numbers = {row.tracking_number: row.fulfilment.shipped_at for row in rows.order_by("-pk")[:60]}
    for number, left in numbers.items():
        scans = [scan for scan in _walk(random, left or now) if scan.at <= now]
        if scans:
            tracking.record(number, scans, actor=SYSTEM)
    return len(numbers)


def _walk(random: Random, left: datetime) -> list[Scan]:
    steps = [
        ("in_transit", 3, "Collected", "Wakefield"),
        ("in_transit", 14, "Arrived at the depot", "Leeds"),
        ("out_for_delivery", 26, "With the driver", "York"),
        ("delivered", 32, "Handed to the neighbour", "York"),
    ]
    fate = random.random()
    if fate < 0.05:
        steps[3] = ("delivery_failed", 32, "Nobody at home, third attempt", "York")
    elif fate < 0.08:
        steps[2:] = [("return_to_sender", 30, "Refused by the customer", "York")]
    elif fate < 0.14:
        steps = steps[:2]  # nobody has seen it since
    return [Scan(state, left + timedelta(hours=hours), words, place=place) for state, hours, words, place in steps]
