"""Workers die at random while they post, answers get lost, the ERP refuses now and then: nothing is lost or doubled."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import pytest
from django.db import connection as database
from django.utils import timezone

from config.devstack import tryton
from core import audit
from core.models import Delivery
from finance.models import Posting, Status
from integrations.erp import drift
from integrations.models import Breaker
from tests.broker import Broker
from tests.finance import making
from tests.finance.erp import connection

pytestmark = pytest.mark.django_db(transaction=True)

SKUS = ("TEE-NVY-M", "CAP", "SCARF")
ORDERS = pytest.mark.parametrize(
    "orders", [pytest.param(8, id="8 orders"), pytest.param(200, id="200 orders", marks=pytest.mark.long)]
)


class Crew:
    """A few workers, one of which is killed every now and then and replaced."""

    def __init__(self, *, naive: bool = False, broker: str = ""):
        url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database.settings_dict['NAME']}").geturl()
        self.nursery = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.finance.workers",
                *(["--naive"] if naive else []),
                *(["--hinting"] if broker else []),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ
            | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
            | ({"REDIS_URL": broker} if broker else {}),
        )
        assert self.nursery.stdout is not None
        assert self.nursery.stdout.readline() == "ready\n"
        self.pids: list[int] = []
        self.killed = 0

    def hire(self) -> None:
        assert self.nursery.stdin is not None
        assert self.nursery.stdout is not None
        self.nursery.stdin.write("start\n")
        self.nursery.stdin.flush()
        self.pids.append(int(self.nursery.stdout.readline()))

    def kill(self) -> None:
        os.kill(self.pids.pop(random.randrange(len(self.pids))), signal.SIGKILL)
        self.killed += 1

    def dismiss(self) -> None:
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.nursery.kill()
        self.nursery.communicate()


@contextmanager
def crew(size: int = 3, *, naive: bool = False, broker: str = ""):
    made = Crew(naive=naive, broker=broker)
    try:
        for _ in range(size):
            made.hire()
        yield made
    finally:
        made.dismiss()


def left() -> int:
    return Delivery.objects.filter(status="PENDING").count()


def hurry() -> None:
    """Nobody waits out how long to leave the ERP alone: that is tested elsewhere."""
    Delivery.objects.filter(status="PENDING", lease_token=None, next_at__gt=timezone.now()).update(
        next_at=timezone.now()
    )


def run_to_the_end(made: Crew, *, kills: int, patience: float) -> None:
    """Kill so often while there is work, then let what lives finish."""
    end = time.monotonic() + patience
    while left() and time.monotonic() < end:
        time.sleep(random.uniform(0.05, 0.5))
        if made.killed < kills:
            made.kill()
            made.hire()
        hurry()
    assert not left(), f"{left()} deliveries are still waiting after {patience} s"


@ORDERS
def test_killed_workers_lose_nothing_and_post_nothing_twice(erp, orders):
    erp.add_products(*SKUS)
    erp.control(seconds=0.03, lose=0.05, unavailable=0.05)
    erp.connect(lease_seconds=2)
    made = [making.order({"sku": SKUS[n % 3], "price": f"{n + 1}.10", "tax": "0"}) for n in range(orders)]
    for order in made:
        making.complete(order)

    with crew() as workers:
        run_to_the_end(workers, kills=max(8, orders // 3), patience=60 + orders * 2)

    sales = {sale["reference"]: sale for sale in erp.sales()}
    counted = Counter(sale["reference"] for sale in erp.sales())
    assert counted == Counter({order.number: 1 for order in made})
    assert {sale["state"] for sale in sales.values()} == {"processing"}
    for posting in Posting.objects.all():
        sale = sales[posting.reference]
        assert (posting.status, posting.erp_number) == (Status.POSTED, sale["number"])
        assert posting.erp_total == posting.total
    assert Posting.objects.count() == orders
    assert Posting.objects.filter(attempts__gt=1).exists(), "nothing died in the middle of anything: no proof"
    assert [finding.invariant.name for finding in audit.audit("finance.") if finding.broken] == []


def test_workers_that_do_not_look_first_are_caught_by_the_same_count(erp):
    erp.add_products(*SKUS)
    erp.control(lose_next={"create": 4})
    erp.connect(lease_seconds=2)
    for _ in range(8):
        making.complete(making.order())

    with crew(naive=True) as workers:
        run_to_the_end(workers, kills=0, patience=120)

    counted = Counter(sale["reference"] for sale in erp.sales())
    assert max(counted.values()) > 1


@ORDERS
def test_an_erp_that_goes_down_and_comes_back_gets_every_sale_once(erp, orders):
    erp.add_products(*SKUS)
    erp.control(seconds=0.01)
    erp.connect(lease_seconds=2)
    made = [making.order() for _ in range(orders)]
    for order in made:
        making.complete(order)

    with crew(size=2) as workers:
        for _ in range(2):
            time.sleep(0.4)
            erp.stop()
            time.sleep(0.4)
            erp.start()
        run_to_the_end(workers, kills=0, patience=90 + orders * 2)

    confirmed = [sale["reference"] for sale in erp.sales() if sale["state"] == "processing"]
    assert sorted(confirmed) == sorted(order.number for order in made)
    assert len(erp.sales()) == orders


class Chaos:
    """Whatever a relay stands on dies now and then: a worker, the ERP, the broker whose hints it hears."""

    def __init__(self, workers: Crew, erp: tryton.Running, broker: Broker):
        self.workers, self.erp, self.broker = workers, erp, broker
        self.deaths: Counter[str] = Counter()

    def strike(self) -> None:
        what = random.choice(("worker", "worker", "worker", "erp", "broker"))
        self.deaths[what] += 1
        if what == "worker":
            self.workers.kill()
            self.workers.hire()
        elif what == "erp":
            self.erp.kill()
            time.sleep(random.uniform(0, 2))
            self.erp.start()
        else:
            self.broker.client.flushall()
            self.broker.kill()
            time.sleep(random.uniform(0, 1))
            self.broker.start()


@pytest.mark.live
@pytest.mark.parametrize(
    "orders",
    [
        pytest.param(8, id="8 orders"),
        pytest.param(200, id="200 orders", marks=pytest.mark.long),
        pytest.param(500, id="500 orders", marks=pytest.mark.long),
    ],
)
def test_each_order_is_one_sale_delivery_and_invoice_in_a_real_tryton_whatever_dies(
    live_tryton, broker, capsys, orders
):
    live_tryton.add_products([{"sku": sku, "name": sku, "price": "10"} for sku in SKUS])
    connection(live_tryton.url, live_tryton.database, live_tryton.books.key, lease_seconds=4)
    made = [making.order({"sku": SKUS[n % 3], "price": f"{n + 1}.10"}) for n in range(orders)]
    for order in made:
        making.complete(order)

    strikes, end = max(6, orders // 5), time.monotonic() + 180 + orders * 6
    with crew(broker=broker.url) as workers:
        chaos = Chaos(workers, live_tryton, broker)
        while left() and time.monotonic() < end:
            time.sleep(random.uniform(0.2, 4 if orders < 100 else 12))
            # Of three workers one is in the middle of something: on, until that one was hit.
            if sum(chaos.deaths.values()) < strikes or not Posting.objects.filter(attempts__gt=1).exists():
                chaos.strike()
            Breaker.objects.all().delete()  # how long an ERP that was away is left alone is tested elsewhere
            hurry()
    assert not left(), f"{left()} deliveries are still waiting"

    compared = list(drift.compare(list(Posting.objects.all())))
    with capsys.disabled():
        print(f"{orders} orders, deaths {dict(chaos.deaths)}, attempts {attempts()}")
    assert [each.differences or each.unknown for each in compared if each.differences or each.unknown] == []
    assert {posting.status for posting in Posting.objects.all()} == {Status.POSTED}
    assert len(compared) == orders
    assert Posting.objects.filter(attempts__gt=1).exists(), "nothing died in the middle of anything: no proof"


def attempts() -> dict[int, int]:
    return dict(Counter(Posting.objects.values_list("attempts", flat=True)))
