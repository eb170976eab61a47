"""Whatever a network does to an ERP's calls: one sale, one delivery, one invoice, one credit memo, one
journal entry and one adjustment each, to the cent.

The fault proxy stands before each ERP's local server. `--long` makes at least two thousand faulted calls for each.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from config.devstack.fault_proxy import FAULTS, FaultProxy
from core.errors import TryLater
from finance.documents import Amount, Amounts
from integrations import tokens
from integrations.models import Breaker, Connection
from tests.integrations.test_erps import ERPS, Memory, document, post, sale, serving
from tests.integrations.test_erps_adjusted import adjust, adjustment
from tests.integrations.test_erps_journals import SIDES, journal
from tests.integrations.test_erps_journals import post as book

pytestmark = pytest.mark.django_db
TRIES = 400
SHARE = 0.12  # a document takes some thirty calls in a row, of which one that fails ends the try
D = Decimal


def until_it_is_done(act: Callable[[], Any]) -> Any:
    for _ in range(TRIES):
        try:
            return act()
        except TryLater as later:
            last = later
            Breaker.objects.update(state="CLOSED", hold_until=None, failures=0, calls=0)
    raise AssertionError(f"it never got through: {last}")


def memo(reference: str) -> Any:
    return document(reference, Amounts("USD", False, (Amount("1", "CAP", "Cap", -1, D("-5.05"), D("0"), D("-1.01")),)))


def storm(name: str, faulted: int, seed: int) -> FaultProxy:
    tokens._kept.clear()
    with serving(name) as erp, FaultProxy(erp.url, seed=seed, share=SHARE) as proxy:
        settings = json.loads(json.dumps(erp.connection.settings).replace(erp.url, proxy.url))
        Connection.objects.filter(pk=erp.connection.pk).update(settings=settings)
        erp.connection.refresh_from_db()
        erp.front = proxy.url
        references: list[str] = []
        while sum(proxy.faulted.values()) < faulted:
            reference = f"SO-{len(references)}"
            references.append(reference)
            for wanted in (sale(reference), memo(f"{reference}-2")):
                memory = Memory()
                first = until_it_is_done(lambda w=wanted, m=memory: post(erp, w, m))
                again = until_it_is_done(lambda w=wanted: post(erp, w))
                assert first.number == again.number
            if name != "sap":
                entry = journal(f"{reference}-P")
                first = until_it_is_done(lambda w=entry: book(erp, w))
                again = until_it_is_done(lambda w=entry: book(erp, w))
                assert first.number == again.number
            moved = adjustment(len(references), "found", TEE_NVY_M=2, CAP=1)
            until_it_is_done(lambda w=moved: adjust(erp, w))
        assert erp.adjusted() == {"TEE-NVY-M": 2 * len(references), "CAP": len(references)}
        for reference in references:
            (booked,), (credited,) = erp.booked(reference), erp.booked(f"{reference}-2")
            assert (booked["total"], booked["deliveries"], booked["invoices"]) == (D("46.74"), 1, 1)
            assert credited["total"] == D("-6.06")
            assert [each["sides"] for each in erp.journals(f"{reference}-P")] == [SIDES] * (name != "sap")
        return proxy


@pytest.mark.parametrize("name", ERPS)
def test_one_of_everything_behind_a_network_that_fails(name: str):
    assert sum(storm(name, 3, seed=5).faulted.values()) >= 3


@pytest.mark.long
@pytest.mark.parametrize("name", ERPS)
def test_one_of_everything_in_two_thousand_faulted_calls(name: str):
    proxy = storm(name, 2_000, seed=11)

    print(f"{name}: {proxy.calls} calls, {sum(proxy.faulted.values())} faulted: {dict(proxy.faulted)}")
    assert set(proxy.faulted) == set(FAULTS)
