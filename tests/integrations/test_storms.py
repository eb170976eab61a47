"""Whatever a network does to a vendor's calls: nothing is lost and nothing is done twice, for any vendor that is called.

The fault proxy stands before each vendor's local server; what it says comes twice and in any order. `--long` makes at
least two thousand faulted calls for each, with every kind of fault.
"""

from __future__ import annotations

import pytest

from config.devstack.fault_proxy import FAULTS, FaultProxy
from integrations.carriers import registry as carriers
from integrations.channels import registry as channels
from integrations.erp import registry as erps
from integrations.payments import registry as payments
from integrations.suppliers import registry as suppliers
from tests.integrations.storms import carriers as of_carriers
from tests.integrations.storms import channels as of_channels
from tests.integrations.storms import erps as of_erps
from tests.integrations.storms import payments as of_payments
from tests.integrations.storms import suppliers as of_suppliers
from tests.integrations.storms.storm import Open

pytestmark = pytest.mark.django_db

STORMS: dict[str, Open] = {
    **of_channels.STORMS,
    **of_erps.STORMS,
    **of_carriers.STORMS,
    **of_payments.STORMS,
    **of_suppliers.STORMS,
}
NOT_CALLED = {"edi"}  # its documents leave as files and by drop-offs


def endure(name: str, *, orders: int, faulted: int, seed: int, mild: float = 1.0) -> FaultProxy:
    with STORMS[name](orders) as storm, FaultProxy(storm.url, seed=seed, share=storm.share * mild) as proxy:
        storm.behind(proxy.url)
        rounds = 0
        while sum(proxy.faulted.values()) < faulted:
            storm.round(rounds)
            rounds += 1
        proxy.end()
        storm.check(rounds)
        return proxy


@pytest.mark.parametrize("name", STORMS)
def test_nothing_is_lost_or_doubled_behind_a_network_that_fails(name: str):
    assert sum(endure(name, orders=1, faulted=6, seed=3, mild=0.6).faulted.values()) >= 6


# Committed, for in one long transaction every change of a connection's few rows is a version that each later one reads past.
@pytest.mark.long
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", STORMS)
def test_nothing_is_lost_or_doubled_in_two_thousand_faulted_calls(name: str):
    proxy = endure(name, orders=50, faulted=2_000, seed=11)

    print(f"{name}: {proxy.calls} calls, {sum(proxy.faulted.values())} faulted: {dict(proxy.faulted)}")
    assert set(proxy.faulted) == set(FAULTS)


@pytest.mark.parametrize(
    "vendors",
    [
        [name for name in channels.known() if (it := channels.get(name)).fetch or it.feeds or it.set_levels],
        [*carriers.VENDORS, *carriers.PLACES],
        list(erps.VENDORS),
        list(payments.VENDORS),
        list(suppliers.VENDORS),
    ],
)
def test_every_vendor_that_is_called_stands_a_storm(vendors: list[str]):
    assert vendors
    unheard = [name for name in vendors if not any(storm.startswith(name) for storm in STORMS)]
    assert set(unheard) <= NOT_CALLED
