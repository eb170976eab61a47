"""One inbox for what waits for a second person: postings stand in it with their preview, and are answered one or many."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import Group

from core import actors
from exceptions.services import rulebooks
from finance.models import ApprovalLimit, ApprovalRule, Kind, Posting, Status
from finance.services import entering, postings
from orders.models import PaymentRoute
from returns.services import refund_approval, refunds
from returns.services.refunds import Line
from tests.factories.inventory import SiteFactory
from tests.factories.orders import ChannelFactory, incoming_line, place
from tests.finance import making
from tests.finance.test_books import as_person, person
from tests.orders.test_instructions import told

pytestmark = pytest.mark.django_db
D = Decimal
PANEL, DECIDE = "/finance/postings/waiting", "/finance/postings/decide"


def write_off(amount, who, order=None):
    order = order or making.order({"price": "50"})
    return entering.write_off(None, D(amount), "USD", why="Not worth asking", order=order, actor=as_person(who))


def ids(*rows):
    return [f"{row.pk}-{row.version}" for row in rows]


def states(*rows):
    return [Posting.objects.get(pk=row.pk).status for row in rows]


def test_postings_that_wait_are_answered_one_or_many_within_ones_limit_and_never_ones_own(client, query_count):
    asker, chief = person("Finance"), person("Finance")
    ApprovalLimit.objects.create(group=Group.objects.get(name="Finance"), amount=D("20"))
    ApprovalLimit.objects.create(user=chief, kind=Kind.ADJUSTMENT, amount=D("500"), currency="USD")
    ApprovalRule.objects.create(kind=Kind.WRITE_OFF, above=D("2"))
    small, other, large, own = (
        write_off("5", asker),
        write_off("6", asker),
        write_off("30", asker),
        write_off("7", chief),
    )
    client.force_login(chief)

    inbox, panel = client.get("/approvals/").content.decode(), client.get(PANEL).content.decode()

    assert f'hx-get="{PANEL}"' in inbox
    for words in (
        small.reference, "Debit Written off $5.00", "Above your limit of $20.00", "You entered it", "Any posting: up to 20.00",
        "Adjustment: up to $500.00", "Waits by rule: Write-off above 2.00.",
    ):  # fmt: skip
        assert words in panel, words
    assert panel.count('name="id"') == 2

    said = client.post(DECIDE, {"verb": "approve", "id": ids(small, large, own)}).content.decode()
    assert "Above" in said or "up to $20.00" in said
    assert "Somebody else has to approve" in said
    assert states(small, large, own) == [Status.PENDING, Status.QUEUED, Status.QUEUED]

    assert "must say why" in client.post(DECIDE, {"verb": "decline", "id": ids(other)}).content.decode()
    assert states(other) == [Status.QUEUED]
    client.post(DECIDE, {"verb": "decline", "id": ids(other, large), "note": "Ask the customer first"})
    assert states(other, large) == [Status.DECLINED, Status.DECLINED]
    assert "Ask the customer first" in client.get(f"{PANEL}?show=decided").content.decode()

    with query_count("postings-waiting", lambda: client.get(PANEL)):
        for _ in range(4):
            write_off("3", asker)


def test_a_posting_out_of_ones_sight_or_changed_since_is_not_decided(client):
    asker, chief, elsewhere = person("Finance"), person("Finance"), person("Finance")
    made, another = write_off("5", asker), write_off("6", asker)
    elsewhere.sites.add(SiteFactory())
    client.force_login(elsewhere)

    assert client.post(DECIDE, {"verb": "approve", "id": ids(made)}).status_code == 404
    assert made.reference not in client.get(PANEL).content.decode()

    client.force_login(chief)
    assert client.post(DECIDE, {"verb": "approve", "id": [*ids(made), "999999-1"]}).status_code == 404
    assert client.post(DECIDE, {"verb": "approve", "id": ["12;drop"]}).status_code == 400
    assert client.post(DECIDE, {"verb": "approve"}).status_code == 404
    stale = f"{made.pk}-{made.version + 1}"
    assert (
        "changed meanwhile" in client.post(DECIDE, {"verb": "approve", "id": [stale, *ids(another)]}).content.decode()
    )
    assert states(made, another) == [Status.QUEUED, Status.PENDING]
    client.force_login(person("Service"))
    assert client.post(DECIDE, {"verb": "approve", "id": ids(made)}).status_code == 403


def test_finance_agrees_to_a_refund_a_general_rule_holds_back_but_nobody_to_their_own(client):
    one, two, leader = person("Finance"), person("Finance"), person("Leader")
    service = person("Service")
    actor = as_person(one)
    book = rulebooks.open_book(rulebooks.APPROVALS, actor=actor)
    version = rulebooks.draft(book.pk, actor=actor)
    rulebooks.save(
        version.pk, document={"rules": [{"above": "20", "currency": "GBP"}]}, note="", version=None, actor=actor
    )
    rulebooks.go_live(version.pk, version=None, actor=actor)
    PaymentRoute.objects.create(channel=ChannelFactory(), gateway="card", via="PROVIDER", connection="stripe")
    order = place(incoming_line("SKU-1", 2, "50.00"), total=D("100.00"), payments=(told("captured", "100.00", "c1"),))
    line = order.lines.get()

    def wanted(cause, who):
        return refunds.decide_for_order(order.pk, [Line(line.pk, 1)], cause=cause, actor=as_person(who))

    first = wanted("a", one)
    assert (first.status, first.currency, str(first.amount)) == ("WAITING", "GBP", "50.00")
    asked = refund_approval.request_of(first)
    assert asked.permission == "exceptions.approve_action"
    client.force_login(one)
    assert client.post(f"/exceptions/approvals/{asked.pk}/approve", {}).status_code == 403
    client.force_login(service)  # may agree to actions, not to refunds
    client.post(f"/exceptions/approvals/{asked.pk}/approve", {})
    first.refresh_from_db()
    assert first.status == "WAITING"
    second = wanted("b", two)

    client.force_login(leader)
    assert "Approvals" in client.get("/approvals/").content.decode()
    client.post(f"/exceptions/approvals/{refund_approval.request_of(second).pk}/approve", {})

    second.refresh_from_db()
    assert second.status == "APPROVED"
    assert actors.person(two).uid == str(second.entered_by_id)


def test_the_postings_panel_is_there_for_whoever_may_see_postings_and_offers_them_nothing(client):
    write_off("5", person("Finance"))
    postings.prepare(making.order({"price": "50"}).pk)
    client.force_login(person("Service"))

    panel = client.get(PANEL).content.decode()

    assert "You may not approve postings" in panel
    assert 'name="id"' not in panel
