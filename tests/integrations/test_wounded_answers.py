"""Answers that make no sense: whatever a vendor's server says, a call ends in what it was made for or in a named failure.

A proxy before each vendor's local server wounds some of the answers. `--long` wounds many more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from config.devstack import adyen, easypost, stripe
from core.errors import Permanent, Refusal, TryLater
from integrations import tokens
from integrations.carriers import port as carriers
from integrations.carriers import registry as accounts
from integrations.channels import registry as channels
from integrations.erp import calls as erp_calls
from integrations.erp import port as erps
from integrations.erp import registry as erp_registry
from integrations.failures import Unreadable
from integrations.models import Breaker, Connection
from integrations.payments import port as payments
from integrations.payments import registry as providers
from inventory.services.figures import Level
from tests.integrations.storms.carriers import HOME, KEY, Memory, account, parcel
from tests.integrations.storms.erps import ErpStorm
from tests.integrations.storms.sites import SITES
from tests.integrations.storms.storm import Storm
from tests.integrations.test_erps import ERPS, post, sale, serving
from tests.integrations.test_erps import Memory as ErpMemory
from tests.integrations.test_erps_adjusted import adjust, adjustment
from tests.integrations.test_erps_journals import journal
from tests.integrations.test_erps_journals import post as book
from tests.integrations.wounds import WoundingProxy

pytestmark = pytest.mark.django_db
NAMED = (
    TryLater, Permanent, Refusal, Unreadable, carriers.Rejected, erps.Rejected, erp_calls.Refused, payments.Rejected,
)  # fmt: skip
Act = Callable[[int], Any]
LENGTHS = pytest.mark.parametrize("rounds", [2, pytest.param(150, marks=pytest.mark.long)])


def endure(acts: dict[str, Act], rounds: int) -> int:
    """Do each of these so often, more often where they are few; returns how many came to a good end."""
    good = 0
    for n in range(rounds * max(1, 4 // len(acts))):
        for name, act in acts.items():
            try:
                act(n)
                good += 1
            except NAMED as failure:
                assert str(failure), name  # noqa: PT017  (which of them it is doesn't matter)
            Breaker.objects.all().delete()
    return good


def of_site(name: str) -> Iterator[tuple[Storm, dict[str, Act]]]:
    with SITES[name](["9001", "9002"]) as site:
        vendor = channels.get(site.connection.vendor)
        acts: dict[str, Act] = {
            f"feed {feed.name}": lambda n, feed=feed: feed.fetch(site.connection, "")
            for feed in vendor.feeds
            if feed.offered(site.connection)
        }
        if site.news and vendor.tell_shipment:
            acts["shipment"] = lambda n: vendor.tell_shipment(site.connection, site.news("9001"))  # type: ignore[misc]
        if vendor.set_levels and site.skus:
            levels = [Level(n, (sku,), "", {"": 3}) for n, sku in enumerate(site.skus)]
            acts["stock"] = lambda n: vendor.set_levels(site.connection, levels, f"k{n}")  # type: ignore[misc]
        if vendor.fetch:
            acts["fetch"] = lambda n: vendor.fetch(site.connection, "order", "9001")  # type: ignore[misc]
        yield Storm(site.connection, site.url), acts


def of_erp(name: str) -> Iterator[tuple[Storm, dict[str, Act]]]:
    tokens._kept.clear()
    with serving(name) as erp:
        vendor = channels.get(erp.connection.vendor)
        yield (
            ErpStorm(erp, journals=False, share=0),
            {
                "sale": lambda n: post(erp, sale(f"SO-{n}"), ErpMemory()),
                "standing": lambda n: erp_registry.port(erp.connection).standing(sale(f"SO-{n}")),
                "adjustment": lambda n: adjust(erp, adjustment(n, "found", CAP=1)),
                "ping": lambda n: erp_registry.port(erp.connection).ping(),
                **({"journal": lambda n: book(erp, journal(f"P-{n}"))} if name != "sap" else {}),
                **{f"feed {feed.name}": lambda n, feed=feed: feed.fetch(erp.connection, "") for feed in vendor.feeds},
            },
        )


def of_easypost() -> Iterator[tuple[Storm, dict[str, Act]]]:
    with easypost.Server(KEY) as server:
        made = account("easypost", "key", KEY, url=f"{server.url}/v2")
        since = datetime.now(UTC) + timedelta(hours=2)
        till = since + timedelta(hours=4)
        bought: list[str] = ["none"]

        def label(n: int) -> None:
            memory = Memory()
            accounts.port(made).label(parcel(n), memory)
            bought.append(memory.ref)

        yield (
            Storm(made, server.url),
            {
                "rates": lambda n: accounts.port(made).rates(parcel(n)),
                "label": label,
                "collect": lambda n: accounts.port(made).collect([bought[-1]], HOME, Memory(), since=since, until=till),
                "void": lambda n: accounts.port(made).void(bought[-1]),
                "track": lambda n: accounts.port(made).track("EZ1000000001", "RoyalMail"),
                "ping": lambda n: accounts.port(made).ping(),
            },
        )


def of_provider(name: str) -> Iterator[tuple[Storm, dict[str, Act]]]:
    server = stripe.Server("sk_1") if name == "stripe" else adyen.Server("sk_1", "Harrowvale")
    with server as running:
        where = running.url if name == "stripe" else f"{running.url}/v71"
        made = Connection.objects.create(
            code=name, name=name, kind="PAYMENT", vendor=name,
            settings={"url": where, "private_address_allowed": True, "merchant_account": "Harrowvale"},
        )  # fmt: skip
        made.keep_secret("key", "sk_1")
        paid = running.account.pay(10_000, "GBP", **({} if name == "stripe" else {"reference": "1001"}))

        def wanted(n: int, kind: Any) -> payments.Wanted:
            return payments.Wanted(f"u{n}{kind}", f"k{n}{kind}", kind, Decimal("1.00"), "GBP", "1001", tender=paid)

        yield (
            Storm(made, running.url),
            {
                "ping": lambda n: providers.port(made).ping(),
                **{
                    kind: lambda n, kind=kind: providers.port(made).carry(wanted(n, kind))
                    for kind in ("CAPTURE", "REFUND", "VOID")
                },
                "find": lambda n: providers.port(made).find(wanted(n, "REFUND"), "re_1"),
                **{f"feed {feed.name}": lambda n, feed=feed: feed.fetch(made, "") for feed in channels.get(name).feeds},
            },
        )


OPENED: dict[str, Callable[[], Iterator[tuple[Storm, dict[str, Act]]]]] = {
    **{name: lambda name=name: of_site(name) for name in SITES},
    **{name: lambda name=name: of_erp(name) for name in ERPS},
    "easypost": of_easypost,
    **{name: lambda name=name: of_provider(name) for name in ("stripe", "adyen")},
}


@pytest.mark.parametrize("name", OPENED)
@LENGTHS
def test_no_answer_whatever_it_holds_ends_a_call_without_a_name(name: str, rounds: int):
    with contextmanager(OPENED[name])() as (storm, acts), WoundingProxy(storm.url, seed=rounds) as proxy:
        storm.behind(proxy.url)
        good = endure(acts, rounds)
        wounds = proxy.wounds

    assert wounds
    assert good or rounds < 10
