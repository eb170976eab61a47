"""Transfers over HTTP: at the desk and at both ends."""

from __future__ import annotations

from uuid import uuid4

import pytest

from core import screens
from inventory.models import Stock, Transfer, TransferDiscrepancy, TransferLine, TransferStatus
from inventory.services import transfers
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.inventory.test_count_screens import HTMX, person, send
from tests.inventory.test_counts import ask
from tests.inventory.test_transfers import AMIRA, asked, coat, sent, shop, stock

__all__ = ["coat", "shop"]
pytestmark = pytest.mark.django_db
WORKER = ("view_transfer", "work_transfer")
DESK = (*WORKER, "request_transfer", "approve_transfer", "settle_transfer")


def test_a_transfer_goes_from_one_handheld_to_the_other(client, coat, shop):
    transfer = asked(coat, shop)
    transfers.approve(transfer, actor=AMIRA)
    client.force_login(person(*WORKER, sites=[coat.location.site]))
    assert f"TR-{transfer}" in client.get("/s/DC/transfers/").content.decode()
    here = f"/s/DC/transfers/{transfer}"
    for _ in range(4):
        assert send(client, f"{here}/scan", "2000000010014").status_code == 200
    assert "Pack it for Leeds" in client.get(here).content.decode()
    client.post(f"{here}/ship", {"carrier": "Own van", "tracking": "V-7"}, headers=HTMX)

    client.force_login(person(*WORKER, sites=[shop.site]))
    there = f"/s/LEEDS/transfers/{transfer}"
    assert "V-7" in client.get("/s/LEEDS/transfers/").content.decode()
    key = uuid4().hex
    for _ in range(2):
        send(client, f"{there}/scan", "COAT", key)
    client.post(f"{there}/enter", {"line": TransferLine.objects.get().pk, "found": "4", "damaged": "1"}, headers=HTMX)
    done = client.post(f"{there}/receive", headers=HTMX)

    assert done.status_code == 200
    assert Transfer.objects.get().status == TransferStatus.RECEIVED
    row = Stock.objects.get(location=shop)
    assert (row.sellable, row.damaged, row.in_transit_in) == (3, 1, 0)


def test_a_lost_answer_does_not_unpack_a_unit_twice(client, coat, shop):
    transfer = sent(coat, shop)
    client.force_login(person(*WORKER))
    key = uuid4().hex

    for _ in range(3):
        send(client, f"/s/LEEDS/transfers/{transfer}/scan", "COAT", key)

    assert TransferLine.objects.get().found == 1


def test_a_foreign_item_is_offered_as_unexpected_and_differences_need_a_word(client, coat, shop):
    ItemFactory(sku="HAT")
    transfer = sent(coat, shop)
    client.force_login(person(*DESK))
    there = f"/s/LEEDS/transfers/{transfer}"

    refused = send(client, f"{there}/scan", "HAT")
    client.post(f"{there}/unexpected", {"code": "HAT"}, headers=HTMX)
    too_soon = client.post(f"{there}/receive", headers=HTMX)
    client.post(f"{there}/receive", {"differs": "1"}, headers=HTMX)

    assert (refused.status_code, too_soon.status_code) == (409, 422)
    assert "It did come in this box" in refused.content.decode()
    kinds = sorted(TransferDiscrepancy.objects.values_list("kind", flat=True))
    assert kinds == ["MISSHIPPED", "SHORT"]

    short = TransferDiscrepancy.objects.get(kind="SHORT")
    page = f"/stock/transfers/{transfer}"
    answer = client.post(f"{page}/settle", {"discrepancy": short.pk, "resolution": "NEVER_LEFT"}, headers=HTMX)
    nonsense = client.post(f"{page}/settle", {"discrepancy": short.pk + 999, "resolution": "LOST"}, headers=HTMX)
    assert (answer.status_code, nonsense.status_code) == (200, 404)
    assert stock(coat)[0] == 10


def test_what_cannot_be_found_is_sent_without_and_counted(client, coat, shop):
    transfer = asked(coat, shop)
    transfers.approve(transfer, actor=AMIRA)
    client.force_login(person(*WORKER))
    send(client, f"/s/DC/transfers/{transfer}/scan", "COAT")

    answer = client.post(f"/s/DC/transfers/{transfer}/picked", headers=HTMX)

    assert answer.status_code == 200
    assert (Transfer.objects.get().status, stock(coat)) == (TransferStatus.PICKED, (10, 1, 0))


def test_a_transfer_is_asked_for_and_approved_by_two_people(client, coat, shop):
    StockFactory(item=ItemFactory(sku="RED HAT"), location=coat.location)
    client.force_login(person(*DESK))
    wrong = {"origin": "DC", "destination": "DC", "lines": "COAT 2"}
    unknown = {"origin": "DC", "destination": "LEEDS", "lines": "NOBODY 2"}

    for form in (wrong, unknown, {**unknown, "lines": ""}, {**unknown, "origin": "MARS"}):
        assert client.post("/stock/transfers/new", form, headers=HTMX).status_code == 422
    made = client.post("/stock/transfers/new", {**unknown, "lines": "coat 4\nRED HAT 2\n2000000010014"})
    transfer = Transfer.objects.get()
    own = client.post(f"/stock/transfers/{transfer.pk}/approve", {"v": transfer.version}, headers=HTMX)

    assert (made.status_code, own.status_code) == (303, 403)
    assert dict(TransferLine.objects.values_list("item__sku", "wanted")) == {"COAT": 5, "RED HAT": 2}
    client.force_login(person(*DESK))
    line = TransferLine.objects.get(item=coat.item)
    client.post(f"/stock/transfers/{transfer.pk}/approve", {f"line_{line.pk}": "3"}, headers=HTMX)
    assert stock(coat) == (10, 3, 0)


def test_steps_need_their_permission_and_their_end(client, coat, shop):
    transfer = sent(coat, shop)
    client.force_login(person("view_transfer"))
    for verb in ("approve", "cancel", "settle", "submit"):
        assert client.post(f"/stock/transfers/{transfer}/{verb}", headers=HTMX).status_code == 403
    assert send(client, f"/s/LEEDS/transfers/{transfer}/scan", "COAT").status_code == 403
    assert client.get("/stock/transfers/new").status_code == 403

    client.force_login(person(*WORKER))
    assert client.post(f"/s/DC/transfers/{transfer}/receive", {"differs": "1"}, headers=HTMX).status_code == 404
    assert client.post(f"/s/LEEDS/transfers/{transfer}/ship", headers=HTMX).status_code == 404
    assert Transfer.objects.get().status == TransferStatus.IN_TRANSIT


def test_a_transfer_between_others_is_not_there(client, coat, shop):
    york = LocationFactory(code="YORK")
    transfer = sent(coat, shop)
    client.force_login(person(*DESK, sites=[york.site]))

    assert f"TR-{transfer}" not in client.get("/stock/transfers/").content.decode()
    for path in (f"/stock/transfers/{transfer}", f"/s/LEEDS/transfers/{transfer}", f"/s/YORK/transfers/{transfer}"):
        assert client.get(path).status_code == 404
    assert client.post(f"/stock/transfers/{transfer}/cancel", headers=HTMX).status_code == 404
    form = {"origin": "DC", "destination": "LEEDS", "lines": "COAT 2"}
    assert client.post("/stock/transfers/new", form, headers=HTMX).status_code == 422


def test_a_case_leads_to_its_transfer(client, coat, shop):
    transfer = sent(coat, shop)
    transfers.receive(transfer, accept_differences=True, actor=AMIRA)
    client.force_login(person(*DESK))

    answer = client.get(f"/stock/transfers/discrepancies/{TransferDiscrepancy.objects.get().pk}")

    assert answer.headers["Location"] == f"/stock/transfers/{transfer}"


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", True), ("?q=TR-{id}", True), ("?q=coat", True), ("?q=HAT", False), ("?needs=receiving", True),
        ("?needs=approval", False), ("?status=IN_TRANSIT", True), ("?origin=DC", True), ("?destination=DC", False),
    ],
)  # fmt: skip
def test_the_list_is_narrowed_by_its_address(client, coat, shop, query, shown):
    transfer = sent(coat, shop)
    client.force_login(person(*DESK))

    page = client.get(f"/stock/transfers/{query.format(id=transfer)}")

    assert page.status_code == 200
    assert (f'id="transfer-{transfer}"' in page.content.decode()) is shown


def test_screens_of_transfers_take_a_fixed_number_of_queries(client, coat, shop, query_count):
    client.force_login(person(*DESK))
    transfer = sent(coat, shop, 1)

    with query_count("transfers-list", lambda: client.get("/stock/transfers/")):
        for _ in range(4):
            sent(coat, shop, 1)
    with query_count("transfer-detail", lambda: client.get(f"/stock/transfers/{transfer}")):
        pass
    with query_count("site-transfers", lambda: client.get("/s/LEEDS/transfers/")):
        pass
    with query_count("transfer-walk", lambda: client.get(f"/s/LEEDS/transfers/{transfer}")):
        pass


def test_counts_and_transfers_are_found_by_number_where_they_may_be_seen(coat, shop):
    transfer = sent(coat, shop)
    count = ask(coat)
    stranger = person(*DESK, "view_count", sites=[LocationFactory(code="YORK").site])

    for number in (f"TR-{transfer}", f"ct-{count}"):
        assert [hit.exact for hit in screens.search(person(*DESK, "view_count"), number)] == [True]
        assert screens.search(stranger, number) == []
        assert screens.search(person(), number) == []
