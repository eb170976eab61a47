"""Rules that hold orders: what they find, what they block, how they end, and what follows them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.errors import Invalid, Refusal
from inventory.models import Stock
from orders.canonical import Address, Buyer, Risk
from orders.models import FulfilmentOrder, Hold, HoldRule, Order, PriceListEntry
from orders.services import changes, changing, fulfilment, hold_rules, holds, refusing, risk
from orders.services.desk import open_desk
from tests.factories.inventory import ItemFactory, StockFactory
from tests.factories.orders import LEEDS, PLACED_AT, ChannelFactory, incoming_line, place

pytestmark = pytest.mark.django_db
ANNA = Actor("PERSON", "7", "Anna Berg")
ADA = Buyer(email="ada@example.com")


def rule(code="big", kind="FRAUD", trigger="INTAKE", tests=(), **fields):
    draft = {"name": code.title(), "kind": kind, "trigger": trigger, "tests": list(tests)} | fields
    return hold_rules.save(hold_rules.Draft(code=code, **draft), actor=ANNA)


def over(amount="100.00"):
    return {"test": "total_over", "amount": amount, "currency": "GBP"}


def standing(order):
    return {hold.type: hold for hold in Hold.objects.standing().filter(order=order)}


@pytest.fixture(autouse=True)
def stocked():
    return StockFactory(item=ItemFactory(sku="SKU-1"), sellable=50)


def test_a_rule_holds_what_it_describes_with_its_evidence_and_its_clock():
    rule(tests=[over(), {"test": "addresses_differ", "by": "country"}], minutes=30)
    abroad = replace(LEEDS, country="FR", postal_code="75001", city="Paris")

    cheap = place(channel_ref="1", bill_to=abroad)
    dear = place(incoming_line(quantity=11), channel_ref="2", bill_to=abroad)
    alike = place(incoming_line(quantity=11), channel_ref="3", bill_to=LEEDS)

    assert [bool(standing(order)) for order in (cheap, dear, alike)] == [False, True, False]
    hold = standing(dear)["FRAUD"]
    assert hold.blocks == "RELEASE"
    assert [entry["rule"] for entry in hold.evidence] == ["big", "big"]
    assert ["Total", "£110.00"] in hold.evidence[0]["rows"]
    assert timedelta(minutes=29) < hold.due_at - timezone.now() <= timedelta(minutes=30)
    assert fulfilment.create(dear.pk) == []


def test_what_a_person_judged_does_not_hold_the_order_again_until_it_is_worse():
    rule(tests=[over()])
    order = place(incoming_line(quantity=11))

    holds.release(order.pk, hold_type="FRAUD", actor=ANNA, note="Rang her")
    place(incoming_line(quantity=11), version=2, note="a newer version that says the same")
    assert standing(order) == {}
    assert fulfilment.create(order.pk) != []

    place(incoming_line(quantity=12), version=3)
    assert standing(order).keys() == {"FRAUD"}
    judged = Hold.objects.get(status="RESOLVED")
    assert (judged.by_person, judged.resolved_by, judged.note) == (True, "Anna Berg", "Rang her")


def test_a_hold_ends_by_itself_when_its_rule_is_no_longer_true():
    rule(tests=[over()])
    order = place(incoming_line(quantity=11))

    place(incoming_line(quantity=2), version=2)

    assert standing(order) == {}
    assert not Hold.objects.get().by_person


def test_many_orders_of_one_buyer_hold_the_later_one_and_only_within_the_hours():
    rule(tests=[{"test": "velocity", "same": "email", "orders": 3, "hours": 2}])
    rule("card", tests=[{"test": "velocity", "same": "card", "orders": 2, "hours": 2}], kind="MANUAL")
    moments = [
        PLACED_AT,
        PLACED_AT + timedelta(hours=1),
        PLACED_AT + timedelta(hours=1.5),
        PLACED_AT + timedelta(hours=9),
    ]

    made = [
        place(channel_ref=str(n), placed_at=at, buyer=ADA, card_ref="card-1" if n else "")
        for n, at in enumerate(moments)
    ]

    assert [sorted(standing(order)) for order in made] == [[], [], ["FRAUD", "MANUAL"], []]
    assert [name for name, _ in standing(made[2])["FRAUD"].evidence[0]["rows"]] == [made[1].number, made[0].number]


def test_the_same_goods_for_the_same_buyer_hold_the_second_until_the_first_is_cancelled():
    rule("twice", "DUPLICATE", tests=[{"test": "duplicate", "hours": 24}])
    first = place(channel_ref="1", buyer=ADA)
    other = place(incoming_line(quantity=2), channel_ref="2", buyer=ADA)
    second = place(channel_ref="3", placed_at=PLACED_AT + timedelta(minutes=5), buyer=Buyer(email="ADA@example.com"))

    assert [bool(standing(order)) for order in (first, other, second)] == [False, False, True]

    changing.cancel(first.pk, actor=SYSTEM)
    assert holds.look_again() == 1
    assert standing(second) == {}


def test_a_price_off_the_list_holds_unless_the_list_tolerates_it():
    rule("price-list", "PRICE", tests=[{"test": "price_off"}], blocks="ALLOCATE")
    channel = ChannelFactory()
    day = timedelta(days=1)
    listed = {"channel": channel, "currency": "GBP", "tolerance": 5}
    PriceListEntry.objects.create(
        **listed, sku="SKU-1", price=20, valid_from=PLACED_AT - 9 * day, valid_to=PLACED_AT - day
    )
    PriceListEntry.objects.create(**listed, sku="SKU-1", price=10, valid_from=PLACED_AT - day)

    near = place(incoming_line(price="10.50"), channel_ref="1")
    far = place(incoming_line(price="10.51"), channel_ref="2")

    assert standing(near) == {}
    assert "listed at £10.00" in standing(far)["PRICE"].evidence[0]["rows"][0][1]
    assert far.lines.get().open == 1
    assert Stock.objects.get().reserved == 1


def test_an_address_that_looks_like_none_of_its_country_is_doubted_and_a_person_may_wave_it_through():
    rule("shape", "ADDRESS", tests=[{"test": "address_shape"}])
    order = place(ship_to=replace(LEEDS, postal_code="12345"))
    lacking = place(channel_ref="2", ship_to=Address(name="N", country="GB"))

    holds.release(order.pk, hold_type="ADDRESS", actor=ANNA)
    with pytest.raises(Refusal, match="lacks") as refused:
        holds.release(lacking.pk, hold_type="ADDRESS", actor=ANNA)

    assert standing(order) == {}
    assert refused.value.code == "hold_stands"
    assert standing(lacking).keys() == {"ADDRESS"}


def test_a_verdict_of_the_source_or_of_a_provider_holds_until_a_better_one_comes():
    rule("verdict", tests=[{"test": "verdict", "at_least": "high"}])
    order = place(risk=Risk(level="high", reasons=("Card from abroad",)))
    calm = place(channel_ref="2")

    risk.judge(calm.pk, provider="shield", level="high", score=91, reasons=["Proxy"], actor=SYSTEM)
    assert "Proxy" in standing(calm)["FRAUD"].evidence[0]["rows"][0][1]
    risk.judge(calm.pk, provider="shield", level="low", score=3, reasons=[], actor=SYSTEM)
    place(version=2, risk=Risk(level="low"))

    assert standing(order) == standing(calm) == {}


def test_resolving_one_hold_raises_the_next_and_a_loop_is_refused_when_configured():
    rule("second-look", "APPROVAL", "RULE", blocks="SHIP")
    rule(tests=[over()], then="second-look")
    order = place(incoming_line(quantity=11))

    holds.release(order.pk, hold_type="FRAUD", actor=ANNA)

    assert {kind: hold.blocks for kind, hold in standing(order).items()} == {"APPROVAL": "SHIP"}
    rule("third-look", "MANUAL", "RULE", then="second-look")
    with pytest.raises(Invalid, match="loop"):
        rule("second-look", "APPROVAL", "RULE", then="third-look")
    assert HoldRule.objects.get(code="second-look").then == ""


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"tests": [{"test": "total_over", "amount": "-1", "currency": "GBP"}]}, "tests[0].amount"),
        ({"tests": [{"test": "velocity", "same": "shoe", "orders": 2, "hours": 1}]}, "tests[0].same"),
        ({"tests": [{"test": "no-such"}]}, "tests[0]"),
        ({"tests": [over(), {"test": "duplicate", "hours": 0}]}, "tests[1].hours"),
        ({"tests": [], "trigger": "INTAKE"}, "tests"),
        ({"tests": [{"test": "changed", "fields": ["address"]}]}, "tests"),
        ({"tests": [over()], "blocks": "NOTHING"}, "blocks"),
        ({"tests": [over()], "minutes": 0}, "minutes"),
        ({"tests": [over()], "then": "nobody"}, "then"),
        ({"tests": [over()], "then": "payment"}, "then"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_by_field(fields, path):
    with pytest.raises(Invalid) as refused:
        rule(**fields)

    assert [problem.path for problem in refused.value.problems] == [path]
    assert not HoldRule.objects.exists()


def test_a_standard_rule_may_be_given_other_terms_or_taken_out_of_force():
    known = {"test": "known", "kind": "PAYMENT"}
    rule("payment", "PAYMENT", tests=[known], blocks="SHIP", minutes=5)
    strict = place(channel_ref="1", payment_state="pending")
    rule("payment", "PAYMENT", tests=[known], active=False)
    lax = place(channel_ref="2", payment_state="pending")

    assert standing(strict)["PAYMENT"].blocks == "SHIP"
    assert standing(lax) == {}


def test_nothing_leaves_while_a_hold_stands_but_what_a_person_paused_late():
    order = place()
    (job,) = fulfilment.create(order.pk)
    fulfilment.start_pick(job, actor=SYSTEM)
    fulfilment.pick(job, code="SKU-1", actor=SYSTEM)
    fulfilment.pack(job, actor=SYSTEM)
    holds.place_manual(order.pk, reason="Ask her", actor=ANNA)
    risk_rule = rule("verdict", tests=[{"test": "verdict", "at_least": "high"}])
    risk.judge(order.pk, provider="shield", level="high", score=99, reasons=[], actor=SYSTEM)

    with pytest.raises(Refusal) as refused:
        fulfilment.ship(job, actor=SYSTEM)
    assert (refused.value.code, refused.value.facts["hold"]) == ("held", "FRAUD")
    assert Stock.objects.get().sellable == 50

    holds.release(order.pk, hold_type="FRAUD", actor=ANNA)
    fulfilment.ship(job, actor=SYSTEM)
    assert Stock.objects.get().sellable == 49
    assert risk_rule.active


def test_a_hold_that_is_rejected_cancels_the_order():
    rule(tests=[over()])
    order = place(incoming_line(quantity=11))

    refusing.reject(order.pk, hold_type="FRAUD", actor=ANNA, note="Stolen card")

    order.refresh_from_db()
    assert (order.status, order.cancel_reason) == ("CANCELLED", "Stolen card")
    assert Hold.objects.get().status == "REJECTED"
    assert Stock.objects.get().reserved == 0


def test_a_person_holds_for_a_reason_of_the_list_with_its_terms():
    rule("call-back", "MANUAL", "PERSON", blocks="SHIP", minutes=15)
    order = place()

    holds.place(order.pk, rule="call-back", reason="", actor=ANNA)
    with pytest.raises(Refusal) as refused:
        holds.place(order.pk, kind="MANUAL", actor=ANNA)

    assert refused.value.code == "already_held"
    assert (standing(order)["MANUAL"].blocks, standing(order)["MANUAL"].reason) == ("SHIP", "Call-Back")


def test_another_service_raises_a_hold_with_what_it_knows_and_adds_to_one_that_stands():
    order = place()
    for why in ("No node may take it", "Nor that one", "Nor that one"):
        desk = open_desk(order.pk, actor=SYSTEM)
        holds.raise_(desk, "MANUAL", why, blocks="ALLOCATE", evidence={"Rule": "far-away"})
        changes.lifecycle.save(desk)

    hold = standing(order)["MANUAL"]
    assert [entry["why"] for entry in hold.evidence] == ["No node may take it", "Nor that one"]
    assert hold.blocks == "ALLOCATE"
    assert FulfilmentOrder.objects.count() == 0
    assert Order.objects.get().version == 4


def test_placing_an_order_takes_no_further_query_for_rules_that_read_nothing_else(django_assert_max_num_queries):
    channel = ChannelFactory()
    place(channel_ref="0", channel=channel)
    with django_assert_max_num_queries(50) as plain:
        place(channel_ref="1", channel=channel)
    rule(tests=[over()])
    place(channel_ref="2", channel=channel)
    with django_assert_max_num_queries(50) as ruled:
        place(channel_ref="3", channel=channel, total=Decimal("10.00"))

    assert len(ruled.captured_queries) == len(plain.captured_queries)
