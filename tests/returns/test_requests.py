"""A return asked for, judged, approved, declined, called off, given up: the rows, the facts, the cases."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from core import audit
from core.actors import SYSTEM, person
from core.errors import Invalid, Refusal
from core.models import Event, User
from exceptions.models import Case
from orders.canonical import Buyer, IncomingPayment
from orders.models import OrderLine
from returns.models import RefundDecision, ReturnLine, ReturnPolicyVersion, ReturnRequest
from returns.rules import STANDARD
from returns.services import asking, labels, policies, refunding, requests, signals, standing
from returns.services.asking import Asked, AskedLine
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import PLACED_AT, ChannelFactory
from tests.factories.returns import CLERK, asked, returned, sold

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def stocked():
    item = ItemFactory(sku="SKU-1", weight_grams=400)
    centre = LocationFactory(code="centre", name="Returns centre", kind="RETURNS_CENTRE", returns=True)
    StockFactory(item=item, location=centre, sellable=5)
    return centre


def told(rma, *types):
    return list(Event.objects.filter(subject_kind="return", subject_uid=str(rma.pk), type__in=types).order_by("id"))


def books_balance():
    assert [f.invariant.name for f in audit.audit("returns.") if f.broken] == []


def test_what_the_policy_allows_is_approved_at_once_and_says_why(stocked):
    order = sold()

    rma = returned(order, 2)

    assert (rma.status, rma.verdict, rma.rule) == ("OPEN", "ELIGIBLE", "standard")
    assert rma.approved_at
    assert rma.location == stocked
    assert rma.expires_at > timezone.now()
    line = rma.lines.get()
    assert (line.unit_value, line.awaited, line.return_by is not None) == (Decimal(10), 2, True)
    assert rma.explained["policy"]["name"] == "Built-in rules"
    assert rma.explained["route"]["places"]
    assert [e.type for e in told(rma, "return.requested", "return.approved")] == ["return.requested", "return.approved"]
    books_balance()


def test_nothing_comes_back_twice_and_the_refusal_stays_as_a_row():
    order = sold(units=3)
    returned(order, 2)

    twice = returned(order, 2)
    rest = returned(order, 1)

    assert (twice.status, twice.rule) == ("DECLINED", "already-returned")
    assert "1 can still come back" in twice.ended_reason
    assert rest.verdict == "ELIGIBLE"
    # Two lines of one order line count together.
    both = requests.request(
        Asked(lines=(AskedLine(quantity=1, line=order.lines.get().ref),) * 2, order_id=sold(ref="1002", units=1).pk),
        actor=CLERK,
    )
    assert both.verdict == "DENIED"
    with pytest.raises(Refusal) as still:
        requests.approve(twice.pk, override="They are good customers", actor=CLERK)
    assert still.value.code == "already_returned"
    books_balance()


def test_what_needs_a_person_waits_as_a_case_that_clears_with_their_word():
    order = sold()
    rma = returned(order, line={"condition": "USED"})
    assert rma.waits_for_approval
    assert rma.rule == "worn"
    case = Case.objects.get(reason="returns.awaiting_approval")
    assert case.subject_label == rma.number
    assert case.value == 10

    approved = requests.approve(rma.pk, version=rma.version, actor=CLERK)

    case.refresh_from_db()
    assert approved.approved_at
    assert case.status == "RESOLVED"
    with pytest.raises(Refusal):
        requests.decline(rma.pk, reason="No", actor=CLERK)
    other = returned(order, line={"condition": "USED"})
    requests.decline(other.pk, reason="Worn out", actor=CLERK)
    other.refresh_from_db()
    assert (other.status, other.ended_reason) == ("DECLINED", "Worn out")
    assert not Case.objects.still_open().filter(reason="returns.awaiting_approval").exists()


def test_what_is_denied_is_approved_only_with_a_reason():
    rma = returned(sold(placed_at=PLACED_AT - timedelta(days=200)))
    assert (rma.status, rma.rule) == ("DECLINED", "standard")
    with pytest.raises(Refusal):
        requests.approve(rma.pk, actor=CLERK)

    given = requests.approve(rma.pk, override="Was in hospital", actor=CLERK)

    assert given.status == "OPEN"
    assert given.explained["override"] == "Was in hospital"
    books_balance()


def test_what_is_called_off_or_never_sent_can_come_back_another_day():
    order = sold(units=1)
    rma = returned(order)
    requests.cancel(rma.pk, reason="Keeps it", actor=CLERK)
    again = requests.cancel(rma.pk, reason="Keeps it", actor=CLERK)
    assert (again.status, again.lines.get().reception) == ("CANCELLED", "CANCELLED")

    later = returned(order)
    assert requests.expire(later.pk, actor=CLERK).status == "OPEN"
    expired = requests.expire(later.pk, actor=CLERK, now=timezone.now() + timedelta(days=22))
    requests.expire(later.pk, actor=CLERK, now=timezone.now() + timedelta(days=22))

    assert (expired.status, expired.lines.get().reception) == ("CANCELLED", "EXPIRED")
    assert len(told(later, "return.expired")) == 1
    assert returned(order).verdict == "ELIGIBLE"
    books_balance()


def test_a_blind_return_is_worth_the_least_it_was_sold_for_and_gives_store_credit():
    sold(price="10.00")
    sold(price="8.00", ref="1002")
    shop = LocationFactory(code="shop", kind="STORE", returns=True)
    line = {"sku": "SKU-1", "line": ""}

    rma = returned(None, kind="COUNTER", proof="NONE", store_id=shop.pk, channel_id=ChannelFactory().pk, line=line)

    assert (rma.order, rma.lines.get().unit_value, rma.refund_to) == (None, Decimal(8), "STORE_CREDIT")
    assert rma.location == shop
    assert rma.verdict == "ELIGIBLE"
    dear = returned(None, 10, kind="COUNTER", proof="NONE", store_id=shop.pk, channel_id=ChannelFactory().pk, line=line)
    assert (dear.verdict, dear.rule) == ("REVIEW", "no-proof")


def test_what_cannot_be_understood_is_refused_by_its_path_and_leaves_nothing():
    order = sold()
    for wrong, path in (
        (asked(order, 0), "lines[0].quantity"),
        (asked(order, line={"line": "nowhere"}), "lines[0].line"),
        (asked(order, line={"reason": "BORED"}), "lines[0].reason"),
        (asked(order, line={"serials": ("A", "A")}), "lines[0].serials"),
        (asked(None, line={"sku": "SKU-1"}), "order"),
        (asked(None, proof="NONE", line={"sku": "NOBODY"}), "lines[0].sku"),
        (asked(None, proof="RECEIPT", line={"sku": "SKU-1"}), "receipt_ref"),
    ):
        with pytest.raises(Invalid) as refused:
            requests.request(wrong, actor=CLERK)
        assert path in [problem.path for problem in refused.value.problems]
    assert not ReturnRequest.objects.exists()


def test_a_channels_return_counts_once_and_its_word_stands():
    order = sold(placed_at=PLACED_AT - timedelta(days=200))
    ask = {"kind": "CHANNEL", "channel_ref": "R-9", "channel_id": order.channel_id, "agreed_by_channel": True}

    rma = returned(order, **ask)
    same = returned(order, **ask)

    assert same == rma
    assert ReturnRequest.objects.count() == 1
    assert (rma.verdict, rma.rule) == ("ELIGIBLE", "channel-agreed")


def test_a_policy_goes_live_by_version_and_a_return_keeps_the_one_that_decided():
    order = sold(placed_at=PLACED_AT - timedelta(days=20))
    strict = {**STANDARD, "windows": [{"code": "fortnight", "name": "14 days", "days": 14}]}
    draft = policies.create("company", "Company", channel=None, document=strict, actor=CLERK)
    assert asking.judge(asked(order)).whole.verdict == "ELIGIBLE"  # a draft decides nothing

    policies.go_live(draft.pk, version=draft.version, actor=CLERK)
    rma = returned(order)

    assert (rma.rule, rma.policy_version_id) == ("fortnight", draft.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        ReturnPolicyVersion.objects.filter(pk=draft.pk).update(rules=STANDARD)
    with pytest.raises(Invalid) as refused:
        policies.create(
            "other", "Other", channel=None, actor=CLERK,
            document={**STANDARD, "routing": {"places": [{"code": "x", "name": "X", "to_codes": ["nowhere"]}]}},
        )  # fmt: skip
    assert refused.value.problems[0].path == "routing.places[0].to_codes"
    second = policies.draft(draft.policy_id, actor=CLERK)
    policies.save(second.pk, document=STANDARD, note="", version=second.version, actor=CLERK)
    policies.go_live(second.pk, version=None, actor=CLERK)
    assert policies.in_force(order.channel_id).number == 2
    assert ReturnPolicyVersion.objects.get(pk=draft.pk).status == "RETIRED"


def test_the_database_holds_the_units_of_a_line():
    line = returned(sold()).lines.get()

    for wrong in ({"received": 2}, {"accepted": 1}, {"received": 1, "gone": 1}, {"quantity": 0}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ReturnLine.objects.filter(pk=line.pk).update(**wrong)


def test_a_label_made_here_has_its_number_at_once_and_is_given_back_once(stocked):
    from tests.factories.returns import service

    service()
    rma = returned(sold())

    assert [(o.service, o.cost) for o in labels.options(rma)] == [("post", Decimal("3.50"))]
    label = labels.want(rma.pk, actor=CLERK)
    again = labels.want(rma.pk, actor=CLERK)

    label.refresh_from_db()
    assert again == label
    assert label.status == "BOUGHT"
    assert len(label.tracking_number) == 18
    assert (label.grams, label.cost) == (400, Decimal("3.5"))
    labels.void(label.pk, actor=CLERK)
    labels.void(label.pk, actor=CLERK)
    assert len(told(rma, "return.label_ready")) == len(told(rma, "return.label_voided")) == 1
    waiting = returned(sold(ref="1003"), line={"condition": "USED"})
    with pytest.raises(Refusal) as early:
        labels.want(waiting.pk, actor=CLERK)
    assert early.value.code == "not_approved"


def test_an_orders_line_counts_what_came_back_and_never_more_than_left():
    from orders.services import returned as counted

    order = sold(units=2)
    line = order.lines.get()

    with transaction.atomic():
        counted.note(order.pk, {line.pk: 2}, actor=CLERK)
    with pytest.raises(Refusal), transaction.atomic():
        counted.note(order.pk, {line.pk: 1}, actor=CLERK)

    assert OrderLine.objects.get(pk=line.pk).returned == 2
    assert Event.objects.filter(type="order.returned").count() == 1
    assert returned(order).rule == "already-returned"


def test_a_refund_that_does_not_wait_is_decided_with_the_approval_and_once():
    clerk = person(User.objects.create_user("f@harrow.example", "correct horse battery", name="Femi Cole"))
    paid = IncomingPayment(ref="ch_1", kind="captured", amount=Decimal(30), currency="GBP", at=PLACED_AT)
    rma = returned(sold(payments=(paid,)), line={"condition": "USED"})

    requests.approve(rma.pk, refund_plan="INSTANT", actor=clerk)
    requests.approve(rma.pk, refund_plan="INSTANT", actor=clerk)

    assert [str(each.amount) for each in RefundDecision.objects.filter(request=rma)] == ["10.0000"]
    unpaid = returned(sold(ref="1009", payment_state="pending"), line={"condition": "USED"})
    requests.approve(unpaid.pk, refund_plan="INSTANT", actor=clerk)
    unpaid.refresh_from_db()
    assert (unpaid.refund_plan, unpaid.status) == ("ON_RECEIPT", "OPEN")


def test_what_the_customer_keeps_is_refunded_once_without_goods_and_counts_as_come_back():
    clerk = person(User.objects.create_user("femi@example.test"))
    kept = {"code": "cheap", "name": "Not worth the way back", "plan": "KEEP_IT", "up_to": "15"}
    document = {**STANDARD, "refunds": [kept, *STANDARD["refunds"]]}
    draft = policies.create("company", "Company", channel=None, document=document, actor=clerk)
    policies.go_live(draft.pk, version=draft.version, actor=clerk)
    paid = IncomingPayment(ref="ch", kind="captured", amount=Decimal(30), currency="GBP", at=PLACED_AT, gateway="card")
    order = sold(payments=(paid,), buyer=Buyer(email="Nadia@example.test"))

    dear, cheap = asking.judge(asked(order, 2)), requests.request(asked(order, 1), actor=clerk)

    assert dear.plan == "ON_RECEIPT"
    line = cheap.lines.get()
    assert (cheap.status, cheap.refund_plan, line.kept, line.accepted, line.received) == (
        "COMPLETED",
        "KEEP_IT",
        1,
        1,
        0,
    )
    (refund,) = RefundDecision.objects.all()
    assert (refund.amount, refund.keep_it, refund.request_id) == (Decimal(10), True, cheap.pk)
    (instruction,) = order.instructions.all()
    assert instruction.document["lines"][0]["restock"] == "none"
    refunding.at_once(cheap, actor=clerk)
    for verb in (lambda: requests.approve(cheap.pk, actor=clerk), lambda: labels.want(cheap.pk, actor=clerk),
                 lambda: requests.cancel(cheap.pk, reason="no", actor=clerk)):  # fmt: skip
        with pytest.raises(Refusal):
            verb()
    assert RefundDecision.objects.count() == 1
    assert OrderLine.objects.get(order=order).returned == 0
    assert asking.judge(asked(order, 3)).whole.rule == "already-returned"
    assert "1 of 3 units brought back" in standing.of("", "Nadia@example.test").why
    books_balance()


def test_a_customer_is_watched_while_a_case_about_their_returns_stands():
    sold(buyer=Buyer(email="bo@example.test"))
    raised = signals.Raised("bo@example.test", {"bought": 24, "returned": 24, "requests": 6}, 0.0001)
    (signal,) = signals.keep("RETURNER", "CUSTOMER", [raised], actor=SYSTEM)
    assert standing.of("", "Bo@example.test").standing == "WATCHED"
    order = sold(ref="1002", buyer=Buyer(email="bo@example.test"))

    rma = returned(order)

    assert (rma.waits_for_approval, rma.rule, rma.status) == (True, "watched", "OPEN")
    signals.keep("RETURNER", "CUSTOMER", [], actor=SYSTEM)
    assert standing.of("", "bo@example.test").standing != "WATCHED"
    assert signal.pk
