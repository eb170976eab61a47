"""Carrier accounts: a label is paid for once, given back once, fetched once; places are those that are there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from config.devstack import drop_offs, easypost
from integrations import tokens
from integrations.carriers import registry
from integrations.carriers.port import Parcel
from integrations.models import Connection
from tests.integrations.storms.storm import Storm

KEY = "EZTKtest"
HOME = {"name": "Depot", "line1": "1 Yard", "city": "Leeds", "postal_code": "LS1 1AA", "country": "GB"}
AWAY = {"name": "Ada", "line1": "2 Park Row", "city": "York", "postal_code": "YO1 1AA", "country": "GB"}


@dataclass
class Memory:
    ref: str = ""

    def keep(self, ref: str) -> str:
        self.ref = self.ref or ref
        return self.ref

    def still_wanted(self) -> None:
        pass


def parcel(n: int) -> Parcel:
    return Parcel(f"parcel-{n}", HOME, AWAY, 400, "RoyalMail", "Tracked48", order=f"SO-{n}")


def account(vendor: str, secret: str, value: str, **settings: Any) -> Connection:
    made = Connection.objects.create(
        code=vendor, name=vendor, kind=Connection.Kind.CARRIER, vendor=vendor,
        settings={"private_address_allowed": True, **settings},
    )  # fmt: skip
    made.keep_secret(secret, value)
    return made


class LabelStorm(Storm):
    share = 0.5

    def __init__(self, connection: Connection, server: easypost.Server):
        super().__init__(connection, server.url)
        self.account = server.account
        self.vans = 0

    def round(self, n: int) -> None:
        port = registry.port(self.connection)
        wanted, back, van = Memory(), Memory(), Memory()
        kept = self.twice(lambda: port.label(parcel(n + 1), wanted))
        self.twice(lambda: port.label(parcel(-n - 1), back))
        assert kept.tracking_number == self.account.shipments[wanted.ref]["tracking_code"]
        assert kept.content.rstrip().endswith(b"%%EOF")
        for _ in range(2):
            assert self.done(lambda: port.void(back.ref)).taken_back
        since = datetime.now(UTC) + timedelta(hours=2)
        until = since + timedelta(hours=4)
        fetched = self.twice(lambda: port.collect([wanted.ref], HOME, van, since=since, until=until))
        self.vans += bool(fetched.confirmation)
        assert self.done(lambda: port.track(kept.tracking_number, "RoyalMail"))

    def check(self, rounds: int) -> None:
        paid = [each for each in self.account.shipments.values() if each["postage_label"]]
        booked = [each for each in self.account.pickups.values() if each["status"] == "scheduled"]
        assert len(paid) == 2 * rounds
        assert len({each["reference"] for each in paid}) == 2 * rounds
        assert sum(each["refund_status"] is not None for each in paid) == rounds
        assert len(booked) == self.vans == rounds


class PlacesStorm(Storm):
    """Asked often enough, it names every place that is there, and each once."""

    def __init__(self, connection: Connection, url: str, finder: drop_offs.Finder):
        super().__init__(connection, url)
        self.finder = finder

    def calm(self) -> None:
        self.finder.end_tokens()

    def round(self, n: int) -> None:
        found = self.twice(lambda: registry.places(self.connection).places(HOME, limit=10))
        assert [place.metres for place in found] == [100, 300]

    def check(self, rounds: int) -> None:
        assert len(self.finder.asked_for) >= 2 * rounds


@contextmanager
def of_easypost(orders: int) -> Iterator[LabelStorm]:
    with easypost.Server(KEY) as server:
        yield LabelStorm(account("easypost", "key", KEY, url=f"{server.url}/v2"), server)


@contextmanager
def of_dhl(orders: int) -> Iterator[PlacesStorm]:
    with drop_offs.Server(shop := drop_offs.Dhl("dhl-key")) as server:
        shop.put("501", 300)
        shop.put("145", 100, "parcel:drop-off-unregistered")
        yield PlacesStorm(account("dhl", "key", "dhl-key", places_url=server.url), server.url, shop)


@contextmanager
def of_ups(orders: int) -> Iterator[PlacesStorm]:
    tokens._kept.clear()
    with drop_offs.Server(shop := drop_offs.Ups("hush")) as server:
        for ref, far in (("1", "0.3"), ("2", "0.1")):
            shop.put(ref, far, Distance={"Value": far, "UnitOfMeasurement": {"Code": "KM"}})
        settings = {"places_url": server.url, "client_id": "client"}
        yield PlacesStorm(account("ups", "client_secret", "hush", **settings), server.url, shop)


STORMS = {"easypost": of_easypost, "dhl": of_dhl, "ups": of_ups}
