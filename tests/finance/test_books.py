"""The books behind an order: its charges from intake on, documents for what left and came back, approvals, closes."""

from __future__ import annotations

import io
import itertools
import zipfile
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils import timezone

from config import roles
from core import actors, audit
from core.actors import Actor
from core.errors import Invalid, Refusal
from core.models import User
from core.sheets import xlsx
from core.sheets.writing import Book
from exceptions.models import Case
from finance import tasks
from finance.models import (
    ApprovalLimit,
    Charge,
    Entity,
    Kind,
    OrderMoney,
    Period,
    Posting,
    Status,
    ThreeWay,
)
from finance.services import (
    charges,
    charting,
    closes,
    deciding,
    entering,
    entities,
    evidence,
    fees,
    following,
    postings,
    threeway,
)
from orders.models import FulfilmentLine, FulfilmentOrder, Payment, Refund
from tests.factories.inventory import LocationFactory
from tests.finance import making, settling

pytestmark = pytest.mark.django_db
D = Decimal
_people = itertools.count(1)


def broken():
    return [finding.invariant.name for finding in audit.audit("finance.") if finding.broken]


def pay(order, kind, amount, ref="", gateway="card", **more):
    Payment.objects.create(
        order=order, provider_ref=ref or f"{kind}-{amount}", kind=kind, amount=D(amount), currency=order.currency,
        at=timezone.now(), gateway=gateway, **more,
    )  # fmt: skip


def refund(order, ref, *lines, amount=None, shipping=None):
    Refund.objects.create(
        order=order, ref=ref, at=timezone.now(), currency=order.currency, amount=amount and D(amount),
        shipping_amount=shipping and D(shipping),
        lines=[
            {"line_ref": line, "quantity": units, "restock": how, "amount": worth, "tax": tax}
            for line, units, how, worth, tax in lines
        ],
    )  # fmt: skip


def confirm(posting, number=None, total=None):
    held = postings.claim(posting.pk, connection_uid="c", connection_name="ERP", seconds=30)
    postings.confirmed(
        held, number=number or f"N{posting.pk}", erp_id=str(posting.pk), total=total if total is not None else posting.total,
        answer={}, actor=actors.SYSTEM,
    )  # fmt: skip


def person(*groups):
    roles.sync()
    made = User.objects.create_user(f"p{next(_people)}@example.com", name="Somebody of finance")
    made.groups.add(*Group.objects.filter(name__in=groups))
    return made


def as_person(user):
    return actors.person(user)


def test_fees_a_payout_told_of_before_the_ledger_knew_the_order_count_too():
    order = making.order(currency="EUR")
    settling.paid("8816098341845641", "100.00", order=order)
    (payout,) = settling.settled("adyen", settling.adyen(settling.ADYEN_ROWS[0]))

    fees.keep_all(payout.pk, last=payout.lines_count, at=timezone.now())
    charges.keep(order.pk)

    assert OrderMoney.objects.get(order=order).fees == D("1.20")
    assert "finance.money_is_the_charges" not in broken()


def test_an_orders_money_follows_whatever_happens_to_it_and_always_adds_up():
    order = making.order({"ordered": 3, "price": "19.90", "tax": "5.97"}, shipping="4.90")
    order.figures = {"discounts": [], "marketplace_tax": {"1": "2.00"}}
    order.save()
    pay(order, "captured", "70.57")

    following.follow(order.pk)
    before = Charge.objects.count()
    following.follow(order.pk)
    assert Charge.objects.count() == before
    assert {(c.kind, c.collected_by): c.amount for c in Charge.objects.all()} == {
        ("sale", ""): D("59.70"), ("shipping", ""): D("4.90"), ("tax", "merchant"): D("3.97"),
        ("tax", "marketplace"): D("2.00"),
    }  # fmt: skip

    postings.prepare(order.pk)
    refund(order, "R1", ("1", 1, "return", "19.90", "1.99"), amount="21.89")
    pay(order, "refunded", "21.89")
    following.follow(order.pk)
    money = OrderMoney.objects.get()
    assert (money.total, money.current, money.paid, money.outstanding) == (D("70.57"), D("48.68"), D("48.68"), 0)
    memo = Posting.objects.get(kind=Kind.RETURN_MEMO)
    assert (memo.total, memo.reference) == (D("-21.89"), f"{order.number}-R1")
    assert memo.document["lines"][0]["quantity"] == -1
    assert {line.account: line.debit - line.credit for line in memo.lines.all()} == {
        "receivable": D("-21.89"), "returns": D("19.90"), "tax_collected": D("1.32"), "tax_marketplace": D("0.67"),
    }  # fmt: skip

    pay(order, "chargeback", "48.68")
    following.follow(order.pk)
    money.refresh_from_db()
    assert (money.current, money.paid, money.disputed) == (0, 0, D("48.68"))
    assert Posting.objects.get(kind=Kind.CHARGEBACK).total == D("-48.68")
    assert broken() == []


def test_what_is_paid_before_it_left_is_deferred_and_a_card_pays_the_channels_debt():
    Entity.objects.create(code="main", name="Main", currency="USD", defers=True)
    order = making.order({"ordered": 1, "price": "50"}, {"ordered": 1, "price": "30"})
    order.lines.update(fulfilled=0, shipped_here=0, allocated=1)
    pay(order, "captured", "60")
    pay(order, "captured", "20", gateway="gift_card")

    following.follow(order.pk)
    assert Posting.objects.get(kind=Kind.DEFERRED).total == D("80")
    card = Posting.objects.get(kind=Kind.GIFT_CARD)
    assert {line.account: line.debit - line.credit for line in card.lines.all()} == {
        "gift_cards": D("20"), "receivable": D("-20"),
    }  # fmt: skip

    order.lines.update(fulfilled=1, shipped_here=1, allocated=0)
    postings.prepare(order.pk)

    assert sum(each.total for each in Posting.objects.filter(kind=Kind.DEFERRED)) == 0
    assert [entry["role"] for entry in card.document["entries"]] == ["gift_cards", "receivable"]
    assert broken() == []


def test_a_gift_card_pays_the_channels_debt_in_books_that_defer_nothing_once_there_is_a_debt():
    order = making.order({"ordered": 1, "price": "50"})
    pay(order, "captured", "20", gateway="gift_card")
    pay(order, "captured", "30")
    following.follow(order.pk)
    assert not Posting.objects.exists()

    postings.prepare(order.pk)
    postings.prepare(order.pk)

    (card,) = Posting.objects.filter(kind=Kind.GIFT_CARD)
    assert (card.total, Posting.objects.filter(kind=Kind.DEFERRED).count()) == (D("20"), 0)
    assert broken() == []


def test_a_chart_sends_a_promotion_to_its_own_account_and_is_launched_by_somebody_else():
    order = making.order({"ordered": 1, "price": "50", "discount": "10"})
    order.figures = {
        "discounts": [{"line": "1", "amount": "10", "code": "SUMMER10", "title": "", "funded_by": "supplier"}]
    }
    order.save()
    entity = entities.main()
    one, two = person("Finance"), person("Finance")
    rules = [{"role": "discounts", "account": "4711", "when": {"code": ["summer*"], "funded_by": "supplier"}}]
    accounts = {"sales": "4000", "receivable": "1200", "discounts": "4700"}
    with pytest.raises(Invalid) as no:
        charting.draft(entity.pk, accounts={"nonsense": "1"}, rules=[{"role": "sales"}], actor=as_person(one))
    assert {problem.path for problem in no.value.problems} == {
        "accounts.nonsense", "rules[0].account", "rules[0].when",
    }  # fmt: skip
    draft = charting.draft(entity.pk, accounts=accounts, rules=rules, actor=as_person(one))
    with pytest.raises(Refusal, match="Somebody else"):
        charting.launch(draft.pk, version=draft.version, actor=as_person(one))
    charting.launch(draft.pk, version=draft.version, actor=as_person(two))
    with pytest.raises(IntegrityError, match="stays as it is"), transaction.atomic():
        type(draft).objects.filter(pk=draft.pk).update(accounts={})

    posting = Posting.objects.get(pk=postings.prepare(order.pk))

    assert {line.account: line.ledger for line in posting.lines.all()} == {
        "receivable": "1200", "sales": "4000", "discounts": "4711",
    }  # fmt: skip
    using = charting.chart.read({"sales": "4001", "receivable": "1200"}, [])
    looked, moved = charting.preview(entity, using)
    assert looked == 1
    assert {(each.line.account, each.before, each.after) for each in moved} == {
        ("sales", "4000", "4001"), ("discounts", "4711", ""),
    }  # fmt: skip


def test_nobody_approves_what_they_entered_nor_above_their_limit():
    order = making.order({"price": "50"})
    postings.prepare(order.pk)
    one, two = person("Finance"), person("Finance")
    ApprovalLimit.objects.create(group=Group.objects.get(name="Finance"), amount=D("20"))
    ApprovalLimit.objects.create(user=two, kind=Kind.WRITE_OFF, amount=D("5"))
    with pytest.raises(Invalid):
        entering.write_off(None, D("0.001"), "USD", why="coins", order=order, actor=as_person(one))

    made = entering.write_off(None, D("12"), "USD", why="Not worth asking", order=order, actor=as_person(one))
    assert made.status == Status.QUEUED

    for who, code in ((one, "own_posting"), (two, "above_your_limit"), (person("Service"), "may_not_approve")):
        with pytest.raises(Refusal) as no:
            deciding.approve(made.pk, actor=as_person(who))
        assert no.value.code == code
    made.refresh_from_db()
    assert made.status == Status.QUEUED
    with pytest.raises(IntegrityError), transaction.atomic():
        Posting.objects.filter(pk=made.pk).update(decided_by=one)

    deciding.approve(made.pk, version=made.version, actor=as_person(person("Finance")))
    made.refresh_from_db()
    assert made.status == Status.PENDING
    with pytest.raises(Refusal, match="doesn't wait"):
        deciding.decline(made.pk, note="too late", actor=as_person(person("Finance")))


def test_a_posted_document_is_taken_back_by_one_of_its_own():
    order = making.order({"price": "50"})
    posting = Posting.objects.get(pk=postings.prepare(order.pk))
    one, two = person("Finance"), person("Finance")
    with pytest.raises(Refusal):
        deciding.reverse(posting.pk, why="wrong", actor=as_person(one))
    confirm(posting)

    made = deciding.reverse(posting.pk, why="Booked on the wrong day", actor=as_person(one))
    with pytest.raises(Refusal, match="being reversed"):
        deciding.reverse(posting.pk, why="again", actor=as_person(two))
    deciding.approve(made.pk, actor=as_person(two))
    made.refresh_from_db()
    assert (made.total, made.document["lines"][0]["quantity"]) == (D("-50"), -1)
    confirm(made)

    posting.refresh_from_db()
    assert posting.status == Status.REVERSED
    assert sum(line.debit - line.credit for line in made.lines.filter(account="receivable")) == D("-50")


@pytest.fixture
def shipped_in_two():
    """An order of two lines that left in two parcels, a day apart, with 4.90 of shipping."""
    order = making.order({"price": "20"}, {"sku": "CAP", "price": "40"}, shipping="4.90")
    place = LocationFactory()
    jobs = []
    for n, line in enumerate(order.lines.order_by("position"), start=1):
        at = timezone.now() - timedelta(days=3 - n)
        job = FulfilmentOrder.objects.create(
            number=f"{order.number}-F{n}", order=order, sequence=n, location=place, status="SHIPPED", due_at=at,
            accepted_at=at, picked_at=at, packed_at=at, shipped_at=at,
        )  # fmt: skip
        FulfilmentLine.objects.create(
            order_line=line, fulfilment=job, location=place, item=line.item, reservation_id=line.pk, quantity=1,
            promised=1, picked=1, shipped=True,
        )  # fmt: skip
        jobs.append(job)
    return order, *jobs


def last_month():
    return timezone.now().replace(day=1) - timedelta(days=3)


def test_a_period_is_locked_by_a_second_person_once_nothing_blocks_it_and_takes_nothing_more():
    entity = entities.main()
    period = closes.ensure(entity, last_month().date())
    order = making.order({"price": "50"})
    posting = Posting.objects.get(pk=postings.prepare(order.pk))
    Posting.objects.filter(pk=posting.pk).update(booked_on=period.ends_on)
    one, two = person("Finance"), person("Finance")

    with pytest.raises(Refusal) as no:
        closes.prepare(period.pk, actor=as_person(one))
    assert no.value.facts["checks"] == ["unsent", "deliveries"] or no.value.facts["checks"] == ["unsent"]
    closes.assign(period.pk, "unsent", owner_id=one.pk, actor=as_person(one))
    with pytest.raises(Refusal, match="Somebody else"):
        closes.excuse(period.pk, "unsent", note="known", expected=1, actor=as_person(one))
    with pytest.raises(Refusal, match="other rows"):
        closes.excuse(period.pk, "unsent", note="known", expected=7, actor=as_person(two))
    confirm(posting)
    closes.prepare(period.pk, actor=as_person(one))
    with pytest.raises(Refusal) as no:
        closes.lock(period.pk, actor=as_person(one))
    assert no.value.code == "own_period"
    closes.lock(period.pk, actor=as_person(two))

    with pytest.raises(IntegrityError, match="is locked"), transaction.atomic():
        Posting.objects.filter(pk=posting.pk).update(total=1)
    late = making.order({"price": "7"})
    late.placed_at = last_month()
    late.save()
    postings.prepare(late.pk)
    charge = Charge.objects.get(order=late)
    assert (charge.booked_on, charge.late_from) == (period.ends_on + timedelta(days=1), last_month().date())
    assert "locked" in charge.note
    with pytest.raises(IntegrityError, match="is locked"), transaction.atomic():
        Charge.objects.create(
            order=late, entity=entity, kind="fee", amount=1, currency="USD", presentment_amount=1,
            presentment_currency="USD", booked_on=period.ends_on, key="x#0",
        )  # fmt: skip
    assert broken() == []
    closes.reopen(period.pk, note="A late invoice", actor=as_person(one))
    assert Period.objects.get(pk=period.pk).locked_by is None


def test_the_evidence_pack_holds_the_rows_behind_each_figure_and_no_formula():
    entity = entities.main()
    order = making.order({"price": "50", "title": "=HYPERLINK(1)"}, shipping="3")
    posting = Posting.objects.get(pk=postings.prepare(order.pk))
    Posting.objects.filter(pk=posting.pk).update(status="REJECTED", last_error="=cmd()", failure_class="bad_value")
    period = closes.ensure(entity, posting.booked_on)

    pack = evidence.ask(period.pk, actor=as_person(person("Finance")))
    tasks.make_evidence(pack.job_id)

    pack.refresh_from_db()
    content = bytes(pack.content)
    names = zipfile.ZipFile(io.BytesIO(content)).read("xl/workbook.xml").decode()
    assert all(f'name="{title}"' in names for title in ("Checklist", "Figures", "Postings", "Postings the ERP refused"))
    sheets = [zipfile.ZipFile(io.BytesIO(content)).read(f"xl/worksheets/sheet{n}.xml").decode() for n in range(1, 7)]
    assert "<f>" not in "".join(sheets)
    assert "'=cmd()" in "".join(sheets)
    assert pack.rows >= 5
    figures = {row["role"]: row["net"] for row in closes.figures(period) if row["of"] == "posting"}
    assert figures == {"receivable": D("53"), "sales": D("-50"), "shipping": D("-3")}


def test_a_workbook_is_read_back_as_it_was_written():
    book = Book()
    book.sheet("A/B", ("Text", "Number", "Day"), [("=1+1", D("12.50"), date(2026, 11, 1)), ("plain", None, "long")])
    book.sheet("a b", ("One",), [])

    table = xlsx.read(book.close()[:])

    assert table.rows[1][:2] == ("'=1+1", "12.5")  # a workbook keeps a number, not how it was written
    assert table.rows[2] == ("plain", "", "long")


def test_three_figures_that_differ_are_a_case_until_they_agree():
    order = making.order({"price": "50"})
    pay(order, "captured", "50")
    posting = Posting.objects.get(pk=postings.prepare(order.pk))
    following.follow(order.pk)
    confirm(posting, total=D("49"))

    assert threeway.compare(quiet=timedelta(0)) == (1, 1, 0)
    threeway.tell()

    row = ThreeWay.objects.get()
    assert (row.ordered, row.provided, row.posted) == (D("50"), D("50"), D("49"))
    case = Case.objects.get(reason="finance.three_way_differs")
    assert case.is_open
    assert "$49.00" in case.summary
    Posting.objects.filter(pk=posting.pk).update(erp_total=D("50"))
    assert threeway.compare(quiet=timedelta(0)) == (1, 0, 1)
    threeway.tell()
    case.refresh_from_db()
    assert not case.is_open


def test_each_shipment_has_its_invoice_in_whatever_order_one_hears_of_them(shipped_in_two):
    order, first, second = shipped_in_two

    postings.invoice(second.pk)
    postings.invoice(first.pk)
    postings.prepare(order.pk)

    made = list(Posting.objects.order_by("sequence").values_list("reference", "total", "cause_uid"))
    assert made == [
        (order.number, D("24.90"), str(first.pk)), (f"{order.number}-2", D("40"), str(second.pk)),
    ]  # fmt: skip
    assert broken() == []


def test_the_screens_of_the_books_open_and_the_close_is_worked_through_on_them(client):
    order = making.order({"price": "50"})
    posting = Posting.objects.get(pk=postings.prepare(order.pk))
    entity = entities.main()
    period = closes.ensure(entity, last_month().date())
    one, two = person("Finance"), person("Finance")
    client.force_login(one)
    where = f"/finance/close/{period.code}"
    for path in (
        "/finance/close/", where, f"{where}/rows/unsent", f"{where}/rows/role:sales", "/finance/chart/",
        "/finance/postings/enter", f"/finance/postings/{posting.pk}", f"/finance/orders/{order.number}/money",
    ):  # fmt: skip
        assert client.get(path).status_code == 200, path
    assert "$50.00" in client.get(f"/finance/orders/{order.number}/money").content.decode()

    client.post(f"{where}/prepare", {"v": period.version})
    period.refresh_from_db()
    assert period.prepared_by == one
    assert client.post(f"{where}/lock", {"v": period.version}).status_code == 403
    client.force_login(two)
    client.post(f"{where}/lock", {"v": period.version})

    period.refresh_from_db()
    assert (period.status, period.locked_by) == ("LOCKED", two)


def test_an_invoice_waits_for_nobody_because_a_person_shipped_it():
    order = making.order({"price": "50"})

    made = Posting.objects.get(pk=postings.prepare(order.pk, actor=as_person(person("Warehouse"))))
    at_a_till = Posting.objects.get(pk=postings.prepare(making.order().pk, actor=Actor("PERSON", "till-1", "Till 1")))

    assert {(each.status, each.needs, each.entered_by) for each in (made, at_a_till)} == {(Status.PENDING, "", None)}


def test_no_screen_of_the_books_asks_more_of_them_as_they_grow(client, query_count):
    order = making.order({"price": "50"})
    postings.prepare(order.pk)
    period = closes.ensure(entities.main(), timezone.now().date())
    client.force_login(person("Finance"))
    where = f"/finance/close/{period.code}"

    with (
        query_count("periods-list", lambda: client.get("/finance/close/")),
        query_count("close", lambda: client.get(where)),
        query_count("close-rows", lambda: client.get(f"{where}/rows/role:sales")),
        query_count("chart", lambda: client.get("/finance/chart/")),
        query_count("order-money", lambda: client.get(f"/finance/orders/{order.number}/money")),
    ):
        for _ in range(4):
            postings.prepare(making.order({"price": "50"}).pk)
        for months in (40, 80, 120):
            closes.ensure(entities.main(), (timezone.now() - timedelta(days=months)).date())
