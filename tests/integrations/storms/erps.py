"""ERPs: one sale, one delivery, one invoice, one credit memo, one journal entry and one adjustment each, to the cent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from finance.documents import Amount, Amounts
from integrations import tokens
from integrations.erp.tryton.client import Rest
from tests.finance.erp import LocalErp
from tests.integrations.storms.storm import Open, Storm
from tests.integrations.test_erps import ERPS, D, Memory, document, post, sale, serving
from tests.integrations.test_erps_adjusted import adjust, adjustment
from tests.integrations.test_erps_journals import SIDES, journal
from tests.integrations.test_erps_journals import post as book

# A document takes some thirty calls, of which one that fails ends the try; what is looked up before the first of them
# that leaves something behind is looked up anew.
SHARE, SHARES = 0.25, {"businesscentral": 0.2, "odoo": 0.2, "odoo-18": 0.15}


def memo(reference: str) -> Any:
    return document(reference, Amounts("USD", False, (Amount("1", "CAP", "Cap", -1, D("-5.05"), D("0"), D("-1.01")),)))


class ErpStorm(Storm):
    def __init__(self, erp: Any, *, journals: bool, share: float):
        super().__init__(erp.connection, erp.url)
        self.erp, self.journals, self.share = erp, journals, share

    def behind(self, url: str) -> None:
        super().behind(url)
        self.erp.front = url

    def round(self, n: int) -> None:
        for wanted in (sale(f"SO-{n}"), memo(f"SO-{n}-2")):
            memory = Memory()
            first = self.done(lambda w=wanted, m=memory: post(self.erp, w, m))  # type: ignore[misc]
            again = self.done(lambda w=wanted: post(self.erp, w))  # type: ignore[misc]
            assert first.number == again.number
        if self.journals:
            entry = journal(f"SO-{n}-P")
            booked, again = (self.done(lambda: book(self.erp, entry)) for _ in range(2))
            assert booked.number == again.number
        self.twice(lambda: adjust(self.erp, adjustment(n, "found", TEE_NVY_M=2, CAP=1)))

    def check(self, rounds: int) -> None:
        assert self.done(self.erp.adjusted) == {"TEE-NVY-M": 2 * rounds, "CAP": rounds}
        for n in range(rounds):
            (booked,), (credited,) = self.erp.booked(f"SO-{n}"), self.erp.booked(f"SO-{n}-2")
            assert (booked["total"], booked["deliveries"], booked["invoices"]) == (D("46.74"), 1, 1)
            assert credited["total"] == D("-6.06")
            assert [each["sides"] for each in self.erp.journals(f"SO-{n}-P")] == [SIDES] * self.journals


class Tryton:
    """The local one of the REST interface, looked at through it. It keeps no ledger, so it takes no journal entries."""

    front = ""

    def __init__(self, local: LocalErp):
        local.add_products("TEE-NVY-M", "CAP")
        self.local, self.url = local, local.url
        self.connection = local.connect()
        self.told: dict[str, list[dict[str, Any]]] = {}

    def booked(self, reference: str) -> list[dict[str, Any]]:
        if not self.told:
            for each in self.local.control():
                if each["state"] != "cancelled":
                    self.told.setdefault(each["reference"], []).append(each)
        return [
            {"total": D(each["total_amount"]), "deliveries": len(each["shipments"]), "invoices": len(each["invoices"])}
            for each in self.told.get(reference, ())
        ]

    def journals(self, reference: str) -> list[dict[str, Any]]:
        return []

    def adjusted(self) -> dict[str, int]:
        """By the moves of what is done: nothing else is left there."""
        rest = Rest(self.connection)
        known = {row["id"]: row["code"] for row in rest.find("product.product", [], ["id", "code"])}
        fields = ["state", "moves"]
        found: Counter[str] = Counter()
        for each in rest.find("stock.shipment.internal", [["state", "!=", "cancelled"]], fields, limit=100_000):
            assert each["state"] == "done"
            for move in each["moves"][0][1]:
                found[known[move["product"]]] += move["quantity"]
        return dict(found)


@contextmanager
def of_tryton(orders: int) -> Iterator[ErpStorm]:
    with TemporaryDirectory() as folder:
        local = LocalErp(Path(folder))
        local.start()
        try:
            yield ErpStorm(Tryton(local), journals=False, share=SHARE)
        finally:
            local.stop()


def of_erp(name: str) -> Open:
    @contextmanager
    def opened(orders: int) -> Iterator[ErpStorm]:
        tokens._kept.clear()
        with serving(name) as erp:
            yield ErpStorm(erp, journals=name != "sap", share=SHARES.get(name, SHARE))

    return opened


STORMS = {"tryton": of_tryton, **{name: of_erp(name) for name in ERPS}}
