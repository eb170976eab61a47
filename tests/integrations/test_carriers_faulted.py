"""Whatever a network does to a carrier account's calls: a label is paid for once, given back once, fetched once.

The fault proxy stands before the account's local server. `--long` makes at least two thousand faulted calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from config.devstack.easypost import Server
from config.devstack.fault_proxy import FAULTS, FaultProxy
from integrations.carriers import registry
from integrations.carriers.port import Parcel
from integrations.models import Connection
from tests.integrations.test_erps_faulted import until_it_is_done

pytestmark = pytest.mark.django_db
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


def twice(act: Callable[[], Any]) -> Any:
    first, again = until_it_is_done(act), until_it_is_done(act)
    assert first == again
    return first


def storm(faulted: int, seed: int) -> FaultProxy:
    with Server(KEY) as server, FaultProxy(server.url, seed=seed, share=0.3) as proxy:
        connection = Connection.objects.create(
            code="easypost", name="EasyPost", kind=Connection.Kind.CARRIER, vendor="easypost", rate_per_minute=600_000,
            settings={"url": f"{proxy.url}/v2", "private_address_allowed": True},
        )  # fmt: skip
        connection.keep_secret("key", KEY)
        port, account = registry.port(connection), server.account
        since = datetime.now(UTC) + timedelta(hours=2)
        vans, n = 0, 0
        while sum(proxy.faulted.values()) < faulted:
            n += 1
            wanted, back, van = Memory(), Memory(), Memory()
            kept = twice(lambda n=n, m=wanted: port.label(parcel(n), m))
            twice(lambda n=n, m=back: port.label(parcel(-n), m))
            assert kept.tracking_number == account.shipments[wanted.ref]["tracking_code"]
            assert kept.content.rstrip().endswith(b"%%EOF")
            assert until_it_is_done(lambda m=back: port.void(m.ref)).taken_back
            assert until_it_is_done(lambda m=back: port.void(m.ref)).taken_back
            fetched = twice(
                lambda m=van, ref=wanted.ref: port.collect(
                    [ref], HOME, m, since=since, until=since + timedelta(hours=4)
                )
            )
            vans += bool(fetched.confirmation)
            assert until_it_is_done(lambda k=kept: port.track(k.tracking_number, "RoyalMail"))
        paid = [each for each in account.shipments.values() if each["postage_label"]]
        booked = [each for each in account.pickups.values() if each["status"] == "scheduled"]
        assert len(paid) == 2 * n
        assert len({each["reference"] for each in paid}) == 2 * n
        assert sum(each["refund_status"] is not None for each in paid) == n
        assert len(booked) == vans == n
        return proxy


def test_a_label_is_paid_for_once_behind_a_network_that_fails():
    assert sum(storm(6, seed=3).faulted.values()) >= 6


@pytest.mark.long
def test_a_label_is_paid_for_once_in_two_thousand_faulted_calls():
    proxy = storm(2_000, seed=11)

    print(f"easypost: {proxy.calls} calls, {sum(proxy.faulted.values())} faulted: {dict(proxy.faulted)}")
    assert set(proxy.faulted) == set(FAULTS)
