"""Several sets of books: whose a payout is, which ERP hears of it, and journals that go by the chart of their entity."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core import actors
from finance.models import (
    ChartMapping,
    Entity,
    EntityAccount,
    EntityChannel,
    Kind,
    Posting,
    PostingLine,
    Settlement,
    Status,
)
from finance.services import deciding, entering, entities, payouts, postings
from integrations.erp import registry
from integrations.models import Connection
from tests.finance import making
from tests.finance.settling import adyen, adyen_orders, settled
from tests.finance.test_books import as_person, confirm, person

pytestmark = pytest.mark.django_db
D = Decimal


def live_chart(entity, **accounts):
    ChartMapping.objects.filter(entity=entity).update(status="RETIRED")
    number = ChartMapping.objects.filter(entity=entity).count() + 1
    return ChartMapping.objects.create(entity=entity, number=number, status="LIVE", accounts=accounts)


def sums():
    """What each entity has at the bank."""
    found: dict[str, Decimal] = {}
    rows = PostingLine.objects.filter(posting__kind=Kind.FEES, account="bank")
    for code, debit, credit in rows.values_list("posting__entity__code", "debit", "credit"):
        found[code] = found.get(code, D(0)) + debit - credit
    return found


def test_a_payout_is_in_the_books_of_whose_orders_it_pays_for_until_its_account_is_stated():
    main, other = entities.main(), Entity.objects.create(code="de", name="Shop GmbH", currency="EUR")
    for order in adyen_orders():
        EntityChannel.objects.get_or_create(channel=order.channel, defaults={"entity": other})

    (payout,) = settled("adyen", adyen())
    payouts.book(payout.pk)
    payouts.book(payout.pk)

    payout.refresh_from_db()
    assert payout.entity == other
    assert sums() == {"de": payout.payout}

    EntityAccount.objects.create(provider="adyen", account=payout.account, entity=main)
    payouts.book(payout.pk)
    payouts.book(payout.pk)

    assert sums() == {"de": D(0), "main": payout.payout}
    assert Settlement.objects.get().entity == main
    assert {each.document["entity"] for each in Posting.objects.filter(kind=Kind.FEES)} == {"de", "main"}


def test_what_has_no_channel_goes_through_the_erp_of_its_entity():
    def erp(code, **settings):
        return Connection.objects.create(code=code, name=code, kind="ERP", vendor="odoo", settings=settings)

    general, german, shop = erp("general"), erp("german", entities=["de"]), erp("shop", channels=["web"])

    assert registry.connection_of({"channel": "stripe", "entity": "de"}) == german
    assert registry.connection_of({"channel": "", "entity": "main"}) == general
    assert registry.connection_of({"channel": "web", "entity": "de"}) == shop
    assert registry.connection_of({"channel": "market"}) == general


def test_a_journal_sent_again_takes_the_accounts_named_by_then_and_is_taken_back_from_where_it_was_booked():
    one, two = person("Finance"), person("Finance")
    entity = entities.main()
    order = making.order({"price": "50"})
    made = entering.write_off(None, D("5"), "USD", why="Not worth asking", order=order, actor=as_person(one))
    deciding.approve(made.pk, actor=as_person(two))
    held = postings.claim(made.pk, connection_uid="c", connection_name="ERP", seconds=30)
    postings.rejected(held, reason="No account", failure_class="missing_reference", actor=actors.SYSTEM)
    live_chart(entity, write_offs="6900", receivable="1200")

    again = postings.retry(made.pk, actor=actors.SYSTEM)

    again.refresh_from_db()
    assert [(e["role"], e["account"]) for e in again.document["entries"]] == [
        ("write_offs", "6900"), ("receivable", "1200"),
    ]  # fmt: skip
    assert [line.ledger for line in again.lines.all()] == ["6900", "1200"]

    confirm(again)
    live_chart(entity, write_offs="7777", receivable="8888")
    back = deciding.reverse(again.pk, why="It was paid after all", actor=as_person(one))

    again.refresh_from_db()
    assert again.status == Status.POSTED
    assert [(e["account"], e["debit"], e["credit"]) for e in back.document["entries"]] == [
        ("6900", "0", "5"), ("1200", "5", "0"),
    ]  # fmt: skip
    assert back.document["reverses"]["through"] == "c"
