"""Every ERP against a local server of its protocol: lost answers, faults, refusals; one document each, whatever."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from core.errors import TryLater
from finance import documents
from finance.documents import Amount, Amounts, Heading
from integrations.erp import registry
from integrations.erp.port import Rejected
from integrations.failures import FailureClass
from integrations.http import FailedForGood
from integrations.models import Breaker, Connection
from tests.integrations.servers.businesscentral import BusinessCentralServer
from tests.integrations.servers.erp import Told
from tests.integrations.servers.erpnext import ErpNextServer
from tests.integrations.servers.netsuite import NetSuiteServer
from tests.integrations.servers.odoo import OdooServer
from tests.integrations.servers.sap import SapServer

pytestmark = pytest.mark.django_db
D = Decimal
ERPS = {
    "businesscentral": (BusinessCentralServer, "businesscentral", {}),
    "erpnext": (ErpNextServer, "erpnext", {}),
    "netsuite": (NetSuiteServer, "netsuite", {}),
    "odoo": (OdooServer, "odoo", {}),
    "sap": (SapServer, "sap", {}),
    "odoo-18": (OdooServer, "odoo", {"api": "jsonrpc"}),
}


@dataclass
class Memory:
    erp_id: str = ""

    def keep(self, erp_id):
        self.erp_id = erp_id

    def still_ours(self):
        pass


@contextmanager
def serving(name):
    """The ERP of that name, with a connection to it."""
    server, vendor, settings = ERPS[name]
    with server() as running:
        connection = Connection.objects.create(
            code="erp",
            name="The ERP",
            kind=Connection.Kind.ERP,
            rate_per_minute=100_000,
            vendor=vendor,
            settings={"url": running.url, "private_address_allowed": True, **running.settings(), **settings},
        )
        for secret, value in getattr(running, "secrets", {"key": running.key}).items():
            connection.keep_secret(secret, value)
        running.connection = connection
        yield running


@pytest.fixture(params=ERPS)
def erp(request):
    with serving(request.param) as running:
        yield running


def sale(reference="SO-1", **more):
    lines = (
        Amount("1", "TEE-NVY-M", "Tee", 3, D("30.00"), D("0"), D("6.00")),
        Amount("2", "CAP", "Cap", 1, D("5.05"), D("1.00"), D("0.81")),
    )
    amounts = Amounts("USD", False, lines, shipping=D("4.90"), shipping_tax=D("0.98"))
    return document(reference, replace(amounts, **more))


def document(reference, amounts):
    heading = Heading(
        reference=reference,
        key=f"sale:{reference}",
        order=reference,
        channel="web",
        channel_ref="#1001",
        placed_at="2026-03-01T10:00:00+00:00",
        shipped_at="2026-03-02T10:00:00+00:00",
        booked_on="2026-03-02",
        location="MAIN",
        buyer={"name": "Ada Buyer", "email": "ada@example.com", "ref": ""},
    )
    return documents.document(heading, amounts)


def post(erp, wanted, memory=None):
    return registry.port(erp.connection).post_sale(wanted, memory or Memory())


def calm(erp):
    """The faults are over, and so is what they did to the breaker."""
    Breaker.objects.all().delete()


def test_a_document_becomes_one_confirmed_sale_with_delivery_and_invoice(erp):
    wanted, memory = sale(), Memory()

    first = post(erp, wanted, memory)
    again = post(erp, wanted)

    (booked,) = erp.booked("SO-1")
    assert first == again
    assert (first.number, first.total) == (booked["number"], booked["total"])
    assert booked["total"] == D(wanted["total"]) == D("46.74")
    assert (booked["deliveries"], booked["invoices"]) == (1, 1)
    assert first.answer["deliveries"]
    assert first.answer["invoices"]
    assert memory.erp_id == first.erp_id
    (standing,) = registry.port(erp.connection).standing(wanted)
    assert (standing.number, standing.total) == (first.number, first.total)
    assert standing.ours
    assert standing.confirmed


@pytest.mark.parametrize("every", [pytest.param(4, id="some"), pytest.param(1, id="all", marks=pytest.mark.long)])
def test_whichever_answer_is_lost_there_is_one_of_everything(erp, every):
    post(erp, sale("FIRST"))
    writes = erp.writes

    for n in range(1, writes + 1, every):
        reference = f"SO-{n}"
        erp.lose_write = n
        with pytest.raises(TryLater):
            post(erp, sale(reference))
        calm(erp)

        posted = post(erp, sale(reference))

        (booked,) = erp.booked(reference)
        assert (booked["number"], booked["total"]) == (posted.number, D("46.74"))
        assert (booked["deliveries"], booked["invoices"]) == (1, 1)


def test_a_storm_of_errors_and_pauses_ends_with_one_sale(erp):
    for fault in (Told(500, {"message": "Server Error"}), Told(503), Told(429, None, {"Retry-After": "0.05"})):
        erp.faults.append(fault)

        with pytest.raises(TryLater):
            post(erp, sale())

        time.sleep(0.06)
        calm(erp)
    post(erp, sale())

    assert len(erp.booked("SO-1")) == 1


def test_an_unknown_product_is_rejected_by_name_and_goes_through_once_it_is_known(erp):
    strange = document("SO-1", Amounts("USD", False, (Amount("1", "NEW-ONE", "New", 1, D("5"), D("0"), D("0")),)))

    with pytest.raises(Rejected) as no:
        post(erp, strange)

    assert no.value.failure_class == FailureClass.MISSING_REFERENCE
    assert "NEW-ONE" in no.value.reason
    assert no.value.answer["skus"] == ["NEW-ONE"]
    assert erp.booked("SO-1") == []


def test_somebody_elses_document_under_our_reference_is_not_taken_for_ours(erp):
    erp.by_hand("SO-1")

    with pytest.raises(Rejected) as no:
        post(erp, sale())

    assert no.value.failure_class == FailureClass.DUPLICATE


def test_what_is_owed_becomes_a_credit_memo_once(erp):
    back = Amounts("USD", False, (Amount("1", "CAP", "Cap", -1, D("-5.05"), D("0"), D("-1.01")),))
    wanted = document("SO-1-2", back)

    first, again = post(erp, wanted), post(erp, wanted)

    (booked,) = erp.booked("SO-1-2")
    assert first.number == again.number == booked["number"]
    assert booked["total"] == D("-6.06") == first.total


def test_a_wrong_key_troubles_the_connection_and_rejects_nothing(erp):
    for name in getattr(erp, "secrets", {"key": ""}):
        erp.connection.keep_secret(name, "wrong", retire_others=True)

    with pytest.raises(FailedForGood) as no:
        post(erp, sale())

    assert no.value.failure_class == FailureClass.AUTHENTICATION


@pytest.mark.parametrize("erp", ["businesscentral", "netsuite", "sap"], indirect=True)
def test_a_token_that_ended_early_is_renewed_in_the_middle_of_it(erp):
    post(erp, sale("FIRST"))
    erp.end_tokens()

    posted = post(erp, sale("SECOND"))

    (booked,) = erp.booked("SECOND")
    assert posted.number == booked["number"]
