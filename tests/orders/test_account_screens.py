"""The screens of business accounts, notes and approvals: what is shown to whom, and refusals that change nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from core.models import User
from orders.models import Account, Approval, Hold, Order, OrderNote
from tests.factories.accounts import AccountFactory
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place
from tests.orders.test_screens import person

pytestmark = pytest.mark.django_db
FORM = {"name": "Halden Ltd", "currency": "gbp", "payment_terms": "net30", "credit_limit": "100", "approval_above": ""}


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss@harrow.example", "correct horse battery"))
    return client


@pytest.fixture
def halden() -> Account:
    StockFactory(item=ItemFactory(sku="SKU-1"), sellable=1_000, location=LocationFactory(code="LEEDS"))
    return AccountFactory(code="HALDEN", name="Halden Ltd", credit_limit=Decimal(100))


def bought(units: int, ref: str = "1", **fields: Any) -> Order:
    fields = {"account": "HALDEN", "payment_state": "pending"} | fields
    return place(incoming_line(quantity=units), channel_ref=ref, **fields)


def text(answer: Any) -> str:
    return answer.content.decode()


def test_the_list_takes_a_fixed_number_of_queries(boss: Client, halden: Account, query_count: Any) -> None:
    bought(3)

    with query_count("accounts-list", lambda: boss.get("/accounts/")):
        AccountFactory.create_batch(5)


def test_accounts_are_found_by_name_code_and_what_they_need(boss: Client, halden: Account) -> None:
    AccountFactory(code="OTHER", name="Other", on_stop=True)
    bought(20)

    assert "Halden Ltd" in text(boss.get("/accounts/?q=alden"))
    assert "Halden Ltd" not in text(boss.get("/accounts/?q=OTHER"))
    assert "Halden Ltd" in text(boss.get("/accounts/?needs=credit"))
    assert "Halden Ltd" not in text(boss.get("/accounts/?needs=stop"))
    assert "Nothing waits" in text(boss.get("/accounts/?needs=approval"))
    assert "No accounts match" in text(boss.get("/accounts/?q=nobody"))
    assert boss.get("/accounts/?needs=what").status_code == 400


def test_an_empty_list_says_how_accounts_arrive(boss: Client) -> None:
    assert "No accounts yet" in text(boss.get("/accounts/"))


def test_an_account_is_made_shown_and_changed(boss: Client) -> None:
    made = boss.post("/accounts/new", FORM | {"code": "HALDEN"})
    again = boss.post("/accounts/new", FORM | {"code": "HALDEN"})
    changed = boss.post("/accounts/HALDEN/edit", FORM | {"credit_limit": "250.50", "v": "1"})
    stale = boss.post("/accounts/HALDEN/edit", FORM | {"credit_limit": "1", "v": "1"})

    assert made.headers["Location"] == "/accounts/HALDEN"
    assert again.status_code == 422
    assert changed.status_code == 303
    assert stale.status_code == 409
    account = Account.objects.get()
    assert (account.credit_limit, account.currency, account.version) == (Decimal("250.50"), "GBP", 2)
    assert "Account changed" in text(boss.get("/accounts/HALDEN"))


def test_a_form_names_every_field_that_is_wrong_and_keeps_what_was_typed(boss: Client) -> None:
    answer = boss.post("/accounts/new", FORM | {"code": "a/b", "currency": "XXX", "name": "Kept"})
    unread = boss.post("/accounts/new", FORM | {"code": "A", "credit_limit": "1e9"})

    assert (answer.status_code, unread.status_code) == (422, 422)
    assert 'value="Kept"' in text(answer)
    assert 'id="e-code"' in text(answer)
    assert 'id="e-currency"' in text(answer)
    assert 'id="e-credit_limit"' in text(unread)
    assert not Account.objects.exists()


def test_a_preview_says_which_waiting_orders_would_go_on_and_changes_nothing(boss: Client, halden: Account) -> None:
    first, second = bought(12, "1"), bought(11, "2")

    seen = text(boss.post("/accounts/HALDEN/preview", FORM | {"credit_limit": "150"}))

    assert seen.index(first.number) < seen.index("Goes on") < seen.index(second.number) < seen.index("Waits")
    assert "£110.00 on top of £120.00 owed" in seen
    halden.refresh_from_db()
    assert halden.credit_limit == 100
    assert Hold.objects.standing().count() == 2


def test_a_person_approves_with_the_right_to_and_only_what_they_saw(client: Client, halden: Account) -> None:
    order = bought(12)
    client.force_login(person("orders.view_order", "orders.approve_order"))
    assert "Let it through" not in text(client.get(f"/orders/{order.number}/account"))
    assert client.post(f"/orders/{order.number}/approve", {"kind": "CREDIT"}).status_code == 403

    client.force_login(person("orders.view_order", "orders.grant_credit", email="f@harrow.example"))
    panel = text(client.get(f"/orders/{order.number}/account"))
    stale = client.post(f"/orders/{order.number}/approve", {"kind": "CREDIT", "v": "99"})
    said = client.post(f"/orders/{order.number}/approve", {"kind": "CREDIT", "v": order.version, "note": "Rang"})

    assert "Let it through up to £120.00" in panel
    assert stale.status_code == 409
    assert said.status_code == 303
    assert Approval.objects.get().note == "Rang"
    assert not Hold.objects.standing().exists()
    assert "by Amira Khan" in text(client.get(f"/orders/{order.number}/account"))


def test_notes_are_written_on_the_orders_page_and_a_refused_one_keeps_its_text(boss: Client, halden: Account) -> None:
    number = bought(1).number

    boss.post(f"/orders/{number}/notes", {"text": "<b>Rang</b> twice"}, headers={"HX-Request": "true"})
    refused = boss.post(f"/orders/{number}/notes", {"text": "x" * 4_001}, headers={"HX-Request": "true"})

    assert "&lt;b&gt;Rang&lt;/b&gt; twice" in text(boss.get(f"/orders/{number}/notes"))
    assert refused.status_code == 422
    assert "x" * 4_001 in text(refused)
    assert OrderNote.objects.count() == 1


def test_another_sites_order_and_a_missing_permission_open_nothing(client: Client, halden: Account) -> None:
    elsewhere = LocationFactory(code="YORK").site
    number = bought(1).number
    client.force_login(person("orders.view_order", sites=[elsewhere]))

    assert client.get(f"/orders/{number}/notes").status_code == 404
    assert client.post(f"/orders/{number}/notes", {"text": "x"}).status_code == 404
    assert client.get(f"/orders/{number}/account").status_code == 404
    assert client.get("/accounts/").status_code == 403
    assert client.post("/accounts/new", FORM | {"code": "A"}).status_code == 403
    assert not OrderNote.objects.exists()
