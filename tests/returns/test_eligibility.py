"""What may come back, by the rule that decides: no database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from returns import eligibility, routing, rules, standing, terms
from returns.eligibility import Around, Goods
from returns.routing import Node
from returns.standing import History

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
STANDARD = rules.standard()


def goods(quantity=1, left=3, **fields):
    return Goods(quantity=quantity, left=left, sku="LAMP", unit_value=Decimal(20), reason="UNWANTED", **fields)


def around(days_ago=5, **fields):
    return Around(**{"now": NOW, "placed_at": NOW - timedelta(days=days_ago), "channel": "webshop"} | fields)


def policy(**parts):
    return rules.read({"windows": [{"code": "standard", "name": "30 days", "days": 30}]} | parts)


def test_a_window_ends_with_its_last_day_where_it_was_sold():
    seoul = ZoneInfo("Asia/Seoul")
    placed = datetime(2026, 2, 1, 23, 30, tzinfo=seoul)
    last = datetime(2026, 3, 3, 23, 59, tzinfo=seoul)

    inside = eligibility.judge(policy(), goods(), around(placed_at=placed, zone=seoul, now=last))
    outside = eligibility.judge(
        policy(), goods(), around(placed_at=placed, zone=seoul, now=last + timedelta(minutes=1))
    )

    assert (inside.verdict, inside.rule) == ("ELIGIBLE", "standard")
    assert (outside.verdict, outside.rule) == ("DENIED", "standard")
    assert "3 March 2026" in outside.why


def test_a_category_has_its_own_window_and_the_season_only_ever_lengthens_it():
    rulebook = policy(
        windows=[
            {"code": "phones", "name": "Phones: 14 days", "days": 14, "when": {"categories": ["Phones"]}},
            {"code": "standard", "name": "30 days", "days": 30},
            {"code": "holidays", "name": "Holidays", "until": "01-31", "extends": True,
             "when": {"sold_from": "11-15", "sold_to": "01-05"}},
        ]
    )  # fmt: skip
    phone = goods(attributes={"category": "phones"})
    christmas = datetime(2025, 12, 20, tzinfo=UTC)

    assert eligibility.judge(rulebook, phone, around(20)).rule == "phones"
    assert eligibility.judge(rulebook, phone, around(20)).verdict == "DENIED"
    assert eligibility.judge(rulebook, goods(), around(20)).verdict == "ELIGIBLE"
    held = eligibility.judge(rulebook, phone, around(placed_at=christmas, now=datetime(2026, 1, 31, 20, tzinfo=UTC)))
    assert (held.verdict, held.rule) == ("ELIGIBLE", "holidays")
    late = eligibility.judge(rulebook, phone, around(placed_at=christmas, now=datetime(2026, 2, 1, tzinfo=UTC)))
    assert (late.verdict, late.rule) == ("DENIED", "holidays")


def test_it_is_counted_from_the_delivery_where_that_is_known():
    delivered = goods(shipped_at=NOW - timedelta(days=33), delivered_at=NOW - timedelta(days=29))

    assert eligibility.judge(policy(), delivered, around(40)).verdict == "ELIGIBLE"
    assert eligibility.judge(policy(), goods(), around(40)).verdict == "DENIED"


@pytest.mark.parametrize(
    ("line", "verdict", "rule"),
    [
        ({"attributes": {"final_sale": True}}, "DENIED", "final-sale"),
        ({"gift_card": True}, "DENIED", "final-sale"),
        ({"condition": "USED"}, "REVIEW", "worn"),
        ({"condition": "OPENED"}, "ELIGIBLE", "standard"),
        ({"serial_tracked": True}, "REVIEW", "serial"),
        ({"serial_tracked": True, "serials": ("A",), "sent_serials": frozenset("AB")}, "ELIGIBLE", "standard"),
        ({"serial_tracked": True, "serials": ("C",), "sent_serials": frozenset("AB")}, "REVIEW", "serial"),
        ({"back": 3}, "DENIED", "already-returned"),
        ({"back": 2, "quantity": 2}, "DENIED", "already-returned"),
        ({"serials": ("A",), "back_serials": frozenset("A"), "back": 1}, "DENIED", "already-returned"),
        ({"left": 0}, "DENIED", "not-sent-yet"),
    ],
)
def test_the_rule_that_decided_is_named(line, verdict, rule):
    answer = eligibility.judge(STANDARD, goods(**line), around(placed_at=NOW - timedelta(days=5)))

    assert (answer.verdict, answer.rule) == (verdict, rule)
    assert answer.why
    assert all(each.why for each in answer.weighed)


def test_what_the_channel_agreed_to_is_not_denied_because_we_do_not_know_it_left():
    answer = eligibility.judge(STANDARD, goods(left=0), around(agreed_by_channel=True))

    assert (answer.verdict, answer.rule) == ("REVIEW", "not-sent-yet")


def test_what_is_faulty_comes_back_although_it_was_a_final_sale_long_ago():
    broken = Goods(quantity=1, left=1, reason="DEFECTIVE", attributes={"final_sale": True}, condition="DAMAGED")

    answer = eligibility.judge(STANDARD, broken, around(400))

    assert (answer.verdict, answer.rule) == ("ELIGIBLE", "faulty")


def test_a_sale_is_final_from_a_discount_on_and_for_goods_a_rule_names():
    steep = policy(refusals=[{"code": "sale", "name": "Sale", "test": "FINAL_SALE", "discount_from": 50}])
    intimate = policy(
        refusals=[{"code": "hygiene", "name": "Hygiene", "test": "FINAL_SALE", "when": {"categories": ["Underwear"]}}]
    )

    assert eligibility.judge(steep, goods(discount_percent=Decimal(50)), around()).rule == "sale"
    assert eligibility.judge(steep, goods(discount_percent=Decimal("49.99")), around()).verdict == "ELIGIBLE"
    assert eligibility.judge(intimate, goods(attributes={"category": "underwear"}), around()).rule == "hygiene"


def test_a_channels_promise_is_kept_beyond_the_policy_but_nothing_comes_back_twice():
    rulebook = policy(promises=[{"code": "amazon", "name": "Amazon", "days": 60, "when": {"channels": ["amazon"]}}])

    assert eligibility.judge(rulebook, goods(), around(45, channel="amazon")).rule == "amazon"
    assert eligibility.judge(rulebook, goods(), around(45)).verdict == "DENIED"
    named = eligibility.judge(rulebook, goods(), around(45, promised_until=NOW + timedelta(days=1)))
    assert (named.verdict, named.rule) == ("ELIGIBLE", "channel-agreed")
    agreed = eligibility.judge(rulebook, goods(attributes={"final_sale": True}), around(90, agreed_by_channel=True))
    assert (agreed.verdict, agreed.rule) == ("ELIGIBLE", "channel-agreed")
    assert eligibility.judge(rulebook, goods(back=3), around(agreed_by_channel=True)).verdict == "DENIED"


def test_terms_name_their_rule_and_no_card_is_refunded_without_proof():
    trusted = terms.agree(STANDARD, [goods(2)], around(standing="TRUSTED"))
    dear = terms.agree(STANDARD, [goods(9, left=9)], around(standing="TRUSTED"))
    gift = terms.agree(STANDARD, [goods()], around(proof="GIFT"))
    faulty = terms.agree(STANDARD, [Goods(quantity=1, left=1, reason="DEFECTIVE")], around())

    assert (trusted.plan, trusted.rule) == ("INSTANT", "trusted")
    assert (dear.plan, dear.rule) == ("ON_RECEIPT", "plain-terms")
    assert (gift.to, gift.rule) == ("STORE_CREDIT", "credit-only")
    assert faulty.refunds_shipping
    bare = policy(refunds=[])
    assert terms.agree(bare, [goods()], around(proof="NONE")).to == "STORE_CREDIT"


def test_a_customers_standing_comes_with_its_figures():
    by = STANDARD.standing

    assert standing.stands(History(), by).standing == "NEW"
    assert standing.stands(History(orders=6, bought=20, returned=2), by).standing == "TRUSTED"
    assert standing.stands(History(orders=6, bought=20, returned=2, rejected=1), by).standing == "KNOWN"
    watched = standing.stands(History(orders=6, bought=10, returned=6), by)
    assert (watched.standing, "6 of 10" in watched.why) == ("WATCHED", True)
    assert standing.stands(History(orders=6, bought=20, flagged=True), by).standing == "WATCHED"


def node(pk, **fields):
    return Node(pk, f"n{pk}", f"Node {pk}", fields.pop("kind", "STORE"), "GB", **fields)


def test_it_goes_where_it_sells_again_unless_the_way_there_costs_more():
    sells = node(1, way_back=Decimal(6), sells={"LAMP": Decimal(2)})
    near = node(2, way_back=Decimal(3), sells={"LAMP": Decimal("0.1")}, lies={"LAMP": 5})
    shut = node(3, way_back=Decimal(1), sells={"LAMP": Decimal(9)}, open=False)
    lamp = [goods()]

    found = routing.route(STANDARD, lamp, around(country="GB"), [near, sells, shut])
    cheap = [Goods(quantity=1, left=1, sku="LAMP", unit_value=Decimal(2))]
    worthless = routing.route(STANDARD, cheap, around(country="GB"), [near, sells])

    assert found.chosen.node.id == 1
    assert "Node 1" in found.why
    assert next(c for c in found.choices if c.node.id == 3).excluded
    assert worthless.chosen.node.id == 2
    assert worthless.keep_it


def test_a_place_rule_limits_the_choice_and_says_so():
    rulebook = policy(
        routing={"places": [{"code": "broken", "name": "Broken goods", "to_kinds": ["RETURNS_CENTRE"],
                             "when": {"reasons": ["DEFECTIVE"]}}]}
    )  # fmt: skip
    centre, store = node(1, kind="RETURNS_CENTRE"), node(2, sells={"LAMP": Decimal(9)})
    broken = [Goods(quantity=1, left=1, sku="LAMP", reason="DEFECTIVE", unit_value=Decimal(20))]

    found = routing.route(rulebook, broken, around(), [store, centre])

    assert (found.chosen.node.id, found.rule) == (1, "broken")
    assert routing.route(rulebook, [goods()], around(), [store, centre]).chosen.node.id == 2


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({}, "windows"),
        ({"windows": [{"code": "a", "name": "A"}]}, "windows[0]"),
        ({"windows": [{"code": "a", "name": "A", "days": "7"}]}, "windows[0].days"),
        ({"windows": [{"code": "a", "name": "A", "until": "02-30"}]}, "windows[0].until"),
        ({"windows": [{"code": "a", "name": "A", "days": 1}] * 2}, ""),
        ({"windows": [{"code": "already-returned", "name": "A", "days": 1}]}, ""),
        ({"windows": [{"code": "a", "name": "A", "days": 1, "when": {"colour": ["red"]}}]}, "windows[0].when.colour"),
    ],
)
def test_a_broken_policy_names_where_it_is_broken(document, path):
    with pytest.raises(Invalid) as refused:
        rules.read(document)

    assert path in {problem.path for problem in refused.value.problems}


@given(
    quantity=st.integers(1, 5), left=st.integers(0, 5), back=st.integers(0, 5), days=st.integers(0, 900),
    reason=st.sampled_from(["UNWANTED", "DEFECTIVE", "LATE"]), condition=st.sampled_from(["", "NEW", "USED"]),
    agreed=st.booleans(), proof=st.sampled_from(["ORDER", "GIFT", "NONE"]),
)  # fmt: skip
def test_no_answer_lets_more_back_than_left_and_every_answer_names_its_rule(
    quantity, left, back, days, reason, condition, agreed, proof
):
    line = Goods(quantity=quantity, left=left, back=min(back, left), reason=reason, condition=condition)

    answer = eligibility.judge(STANDARD, line, around(days, agreed_by_channel=agreed, proof=proof))

    assert answer.rule
    assert answer.name
    assert answer.why
    if quantity > left - line.back:
        assert answer.verdict == ("REVIEW" if agreed and not left else "DENIED")
