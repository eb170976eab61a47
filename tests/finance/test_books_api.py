"""The books as programs read them."""

from __future__ import annotations

import base64
import json
from datetime import date
from decimal import Decimal

import pytest

from core.actors import SYSTEM
from finance.models import SettlementFile
from finance.services import charges, closes, entering, entities
from integrations.models import ApiClient
from orders.models import Channel
from tests.factories.orders import incoming_line, place
from tests.orders.conftest import Api
from tests.orders.test_instructions import told

pytestmark = pytest.mark.django_db
D = Decimal
STRIPE = "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,automatic_payout_id\n"
ROWS = ("txn_1,2026-03-01 10:00:00,gbp,100.00,3.20,96.80,charge,ch_1,po_1\n", "txn_2,2026-03-01 11:00:00,gbp,-20.00,0.00,-20.00,refund,re_1,po_1\n")  # fmt: skip


@pytest.fixture
def books(client) -> Api:
    return Api(client, ApiClient.issue("Books", scopes=["finance:read", "finance:write"])[1])


def bound(client) -> Api:
    key = ApiClient.issue("Shop", scopes=["finance:read", "finance:write"])
    key[0].channels.add(Channel.objects.get_or_create(code="other", defaults={"name": "Other", "currency": "GBP"})[0])
    return Api(client, key[1])


def test_an_orders_money_is_its_figures_and_every_row_behind_them(books, client, query_count):
    order = place(incoming_line(quantity=2, price="50.00"), payments=(told("captured", "100.00", "c1"),))
    charges.keep(order.pk)

    with query_count("api-order-money", lambda: books.get(f"/api/v1/orders/{order.number}/money")):
        pass
    said = books.get(f"/api/v1/orders/{order.number}/money").json()

    assert (said["order"], said["figures"]["current"], said["figures"]["outstanding"]) == (
        order.number, "100.0000", "0.0000",
    )  # fmt: skip
    of_buyer = [D(row["amount"]) for row in said["charges"] if row["side"] == "buyer"]
    assert sum(of_buyer) == D(said["figures"]["current"])
    assert [(row["kind"], row["ref"]) for row in said["payments"]] == [("captured", "c1")]
    assert bound(client).get(f"/api/v1/orders/{order.number}/money").status_code == 404


def test_a_settlement_is_handed_in_once_and_read_line_by_line(books, client, query_count):
    content = base64.b64encode((STRIPE + "".join(ROWS)).encode()).decode()
    asked = {"provider": "stripe", "name": "payout.csv", "content": content, "account": "acct_1"}

    made = books.post("/api/v1/settlements", asked)
    again = books.post("/api/v1/settlements", asked)

    assert (made.status_code, again.status_code, made.json()["status"]) == (201, 200, "IMPORTED")
    assert made.json()["settlements"] == again.json()["settlements"]
    assert SettlementFile.objects.count() == 1
    whole = books.get(made.headers["Location"]).json()
    assert (whole["ref"], whole["payout"], whole["lines_count"]) == ("po_1", "76.8000", 2)
    lines = books.get(f"{made.headers['Location']}/lines", {"page_size": 1}).json()
    assert (lines["items"][0]["payment_ref"], lines["items"][0]["fee"], bool(lines["next"])) == ("ch_1", "3.2000", True)
    following = books.get(f"{made.headers['Location']}/lines", {"after": lines["next"]}).json()
    assert [row["refund_ref"] for row in following["items"]] == ["re_1"]
    with query_count("api-settlements", lambda: books.get("/api/v1/settlements")):
        second = (STRIPE + "".join(ROWS)).replace("po_1", "po_2").replace("txn_", "txn_9").encode()
        books.post("/api/v1/settlements", asked | {"content": base64.b64encode(second).decode()})
    assert books.get("/api/v1/settlements", {"q": "po_1"}).json()["items"][0]["id"] == whole["id"]
    other = bound(client)
    assert other.get("/api/v1/settlements").json()["items"] == []
    assert other.post("/api/v1/settlements", asked).status_code == 403


def test_a_file_nobody_can_read_for_certain_is_kept_and_says_why(books):
    wrong = base64.b64encode(b"a,b\n1,2\n").decode()

    refused = books.post("/api/v1/settlements", {"provider": "stripe", "name": "x.csv", "content": wrong})
    unknown = books.post("/api/v1/settlements", {"provider": "nobody", "name": "x.csv", "content": wrong})
    garbled = books.post("/api/v1/settlements", {"provider": "stripe", "name": "x.csv", "content": "?"})

    assert (refused.status_code, refused.json()["status"], bool(refused.json()["faults"])) == (200, "REFUSED", True)
    assert (unknown.status_code, unknown.json()["errors"][0]["path"]) == (422, "provider")
    assert (garbled.status_code, garbled.json()["errors"][0]["path"]) == (400, "content")
    assert SettlementFile.objects.count() == 1


def test_postings_and_periods_are_read_with_what_stands_behind_them(books, client, query_count):
    entity = entities.main()
    made = entering.write_off(entity, D("1.50"), entity.currency, why="A rounding of theirs", actor=SYSTEM)
    period = closes.ensure(entity, date(2026, 3, 2))

    with query_count("api-postings", lambda: books.get("/api/v1/postings")):
        entering.write_off(entity, D("2.50"), entity.currency, why="Another", actor=SYSTEM)
    one = books.get(f"/api/v1/postings/{made.pk}").json()

    assert (one["kind"], one["reference"]) == ("WRITE_OFF", made.reference)
    assert sum(D(line["debit"]) - D(line["credit"]) for line in one["lines"]) == 0
    with query_count("api-periods", lambda: books.get("/api/v1/periods")):
        closes.ensure(entity, date(2026, 4, 2))
    shown = books.get(f"/api/v1/periods/{period.pk}").json()
    assert (shown["code"], shown["entity"], len(shown["checklist"]) > 5) == (period.code, entity.code, True)
    assert books.get("/api/v1/postings", {"kin": "WRITE_OFF"}).status_code == 400
    assert json.loads(bound(client).get("/api/v1/periods").content)["items"] == []
