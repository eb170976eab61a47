"""The ladder against its own definition, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.carriage import Service, Zone
from orders.geography import kilometres
from orders.sourcing import STANDARD, Goods, Ladder, Node, Profile, Request, Restrictions, Rule, Then, Want, plan
from orders.sourcing.candidates import Place, exclusion
from orders.sourcing.criteria import CRITERIA, Criterion
from orders.sourcing.explain import explain
from orders.sourcing.quoting import quoted
from orders.sourcing.rules import Nodes, Orders


def node(pk, free, **fields):
    return Node(location_id=pk, code=f"n{pk}", free=free, **fields)


def one(quantity=1):
    return Request(wants=(Want(1, 7, quantity),))


def test_the_nearest_node_that_has_everything_delivers():
    leeds, london = {"latitude": 53.8, "longitude": -1.55}, {"latitude": 51.5, "longitude": -0.12}
    request = Request(wants=(Want(1, 7, 1),), latitude=53.7, longitude=-1.6)

    found = plan(request, [node(1, {7: 9}, **london), node(2, {7: 9}, **leeds)])

    assert found.rule == "one_node"
    assert [p.location_id for p in found.picks] == [2]


def test_without_positions_the_retailers_order_of_nodes_decides():
    found = plan(one(), [node(1, {7: 9}, priority=20), node(2, {7: 9}, priority=10)])

    assert found.picks[0].location_id == 2


def test_of_equal_nodes_the_one_with_more_to_spare_delivers():
    found = plan(one(2), [node(1, {7: 3}), node(2, {7: 50})])

    assert found.picks[0].location_id == 2


def test_a_node_abroad_comes_last():
    request = Request(wants=(Want(1, 7, 1),), country="GB")

    found = plan(request, [node(1, {7: 9}, country="FR", priority=1), node(2, {7: 1}, country="GB", priority=99)])

    assert found.picks[0].location_id == 2


def test_two_lines_of_one_article_are_summed():
    request = Request(wants=(Want(1, 7, 3), Want(2, 7, 3)))

    found = plan(request, [node(1, {7: 5})])

    assert not found.picks
    assert found.short


def test_it_splits_only_when_no_node_has_everything():
    request = Request(wants=(Want(1, 7, 1), Want(2, 8, 1)))

    split = plan(request, [node(1, {7: 5}), node(2, {8: 5})])
    whole = plan(request, [node(1, {7: 5}), node(2, {8: 5}), node(3, {7: 1, 8: 1}, priority=500)])

    assert split.rule == "fewest_nodes"
    assert whole.rule == "one_node"


def test_one_line_is_split_where_nobody_has_enough_of_it():
    found = plan(one(5), [node(1, {7: 3}, priority=1), node(2, {7: 3}, priority=2)])

    assert [(p.location_id, p.quantity) for p in found.picks] == [(1, 3), (2, 2)]


def test_who_can_not_take_part_is_named_with_the_reason():
    request = Request(wants=(Want(1, 7, 1),), let_down={1: frozenset({4})})
    nodes = [
        node(1, {7: 9}, status="PAUSED"),
        node(2, {7: 9}, status="CLOSED"),
        node(3, {7: 9}, ships=False),
        node(4, {7: 9}),
        node(5, {7: 9}),
    ]

    found = plan(request, nodes)

    assert found.picks[0].location_id == 5
    assert [why for _, why in found.excluded] == ["paused", "closed", "does not ship", "fell short or declined before"]
    assert explain(request, found)["excluded"][0] == {"id": 1, "code": "n1", "why": "paused", "free": [9]}


def test_a_collection_comes_from_its_own_place_or_not_at_all():
    request = Request(wants=(Want(1, 7, 2),), method="PICKUP", pickup_location_id=2)

    found = plan(request, [node(1, {7: 9}, pickup=True), node(2, {7: 1}, pickup=True)])

    assert not found.picks
    assert found.short == [(Want(1, 7, 2), 1)]


def test_a_degree_of_latitude_is_111_kilometres():
    assert 111 < kilometres(50, 0, 51, 0) < 112


# --- Criteria

DOOR = {"country": "GB", "latitude": 53.8, "longitude": -1.55, "postal_code": "BT1 4GQ", "province": "NIR"}


def judged(name, request, *nodes, step=0.01, **given):
    """The scores, with the reason in place of the score of a node that is left out."""
    scores, out = Criterion(name, tuple(given.items()), step).judge(request, list(nodes))
    return [out.get(n, score) for n, score in enumerate(scores)]


def known(pk=1, free=9, profile=None, **fields):
    return node(pk, {7: free}, profile=Profile(**(profile or {})), **fields)


def test_a_promise_is_kept_best_by_whoever_is_in_time_and_then_by_whoever_is_least_late():
    day = 86_400.0
    request = Request(wants=(Want(1, 7, 1),), promise_by=3 * day, now=0.0)
    nodes = [known(profile={"leaves_at": day * n, "days": 1}) for n in (1, 2, 3, 5)]

    assert judged("promise", request, *nodes) == [1.0, 1.0, 0.5, 0.25]
    assert judged("promise", request, nodes[3], late=1) == ["would come 3.0 days after the promise"]
    assert judged("promise", request, known()) == [0.5]


def test_distance_has_a_limit_where_one_is_set():
    request = Request(wants=(Want(1, 7, 1),), **DOOR)
    near, far = known(latitude=53.8, longitude=-1.55), known(latitude=43.3, longitude=5.4)

    assert judged("distance", request, near, known()) == [1.0, 0.0]
    assert "km away, at most 500" in judged("distance", request, far, most=500)[0]


def test_capacity_is_what_is_left_of_this_hour():
    nodes = [known(profile={"capacity": 20, "waiting": waiting}) for waiting in (0, 5, 20, 50)]

    assert judged("capacity", one(), *nodes, known()) == [1.0, 0.75, 0.0, 0.0, 1.0]
    assert judged("capacity", one(), nodes[1], least=0.8) == ["busy: 5 units wait, 20 can be picked this hour"]


def test_costs_count_the_parcel_the_weight_the_border_and_the_hands():
    request = Request(wants=(Want(1, 7, 2),), goods={7: Goods(grams=500)}, **DOOR)
    own = {"parcel": 4, "parcel_abroad": 14, "kilo": 1, "handling": 1, "handling_unit": 0.5}

    assert judged("shipping_cost", request, known(profile=own, country="GB"), known(profile=own, country="FR"),
                  known(), half=5) == [0.5, 0.25, 0.5]  # fmt: skip
    assert judged("handling_cost", request, known(profile=own), half=2) == [0.5]
    assert judged("shipping_cost", request, known(profile=own), most=4) == [
        "shipping would cost 5.00, at most 4.00 allowed"
    ]


def test_margin_is_what_is_left_of_the_price():
    request = Request(wants=(Want(1, 7, 2),), goods={7: Goods(cost=10)}, worth={1: 40.0}, **DOOR)

    assert judged("margin", request, known(profile={"parcel": 6, "handling": 2}), known()) == [0.3, 0.5]
    assert "30% of the price would be left" in judged(
        "margin", request, known(profile={"parcel": 6, "handling": 2}), least=0.4
    )[0]  # fmt: skip


def test_ageing_stock_goes_first():
    request = Request(wants=(Want(1, 7, 1),), paces={(7, 1): 0.3, (7, 2): 3.0})

    assert judged("ageing", request, known(1), known(2), known(3), half=30) == [0.5, 0.09, 1.0]


def test_nodes_that_refuse_little_go_first():
    nodes = [known(profile={"refusals": share}) for share in (0.0, 0.25)]

    assert judged("rejections", one(), *nodes, known()) == [1.0, 0.75, 1.0]
    assert judged("rejections", one(), nodes[1], most=0.2) == ["refuses 25% of what it is asked for"]


def test_hazardous_goods_cross_no_border_unless_allowed():
    request = Request(wants=(Want(1, 7, 1),), goods={7: Goods(attributes={"hazardous": True})}, country="GB")

    assert judged("hazardous", request, known(country="GB"), known(country="FR")) == [
        1.0, "hazardous goods would cross a border"
    ]  # fmt: skip
    assert judged("hazardous", request, known(country="FR"), abroad=1) == [0.0]


def test_a_node_made_for_the_region_goes_before_the_others():
    ours = Restrictions(only_to=("GB-NIR",))

    assert judged("region", Request(wants=(), **DOOR), known(restrictions=ours), known()) == [1.0, 0.5]


def test_scores_within_a_step_count_as_equal():
    nodes = [known(profile={"refusals": share}) for share in (0.02, 0.06)]

    assert judged("rejections", one(), *nodes, step=0.25) == [1.0, 1.0]


def test_every_criterion_is_known_by_its_name_and_asks_for_something():
    assert all(kind.name == name and kind.words for name, kind in CRITERIA.items())


# --- Carriers' quotes


def service(code, cost, days, currency="GBP", **zone):
    priced = Zone("home", ((30_000, Decimal(cost)),), days, countries=frozenset({"GB"}), **zone)
    return Service(code, "Dispatch", code, currency, (priced,))


MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def asked(days):
    return Request(
        wants=(Want(1, 7, 1),), now=MONDAY.timestamp(), promise_by=MONDAY.timestamp() + days * 86_400, **DOOR
    )


def test_the_cheapest_parcel_that_keeps_the_promise_counts_or_else_the_soonest():
    services = [service("slow", "3", 4), service("fast", "8", 1)]
    own = {"currency": "GBP", "parcel": 5, "time_zone": "Europe/London", "leaves_at": 1.0}

    found = {days: quoted(asked(days), [known(profile=own, country="GB")], services)[0].profile for days in (6, 2, 0)}

    assert [found[days].parcel for days in (6, 2, 0)] == [3.0, 8.0, 8.0]
    assert judged("promise", asked(2), known(profile=found[2]._asdict(), country="GB")) == [1.0]
    assert judged("promise", asked(0), known(profile=found[0]._asdict(), country="GB"))[0] < 1


def test_a_node_nobody_quotes_for_keeps_what_was_stated():
    own = {"currency": "EUR", "parcel": 5, "time_zone": "Europe/London"}
    elsewhere = {"currency": "GBP", "parcel": 4, "time_zone": "Europe/London"}

    near = service("van", "2", 1, within_km=50.0)
    nodes = [known(1, profile=own, country="GB", latitude=53.8, longitude=-1.5),
             known(2, profile=elsewhere, country="GB", latitude=50.0, longitude=-5.0),
             known(3, profile=elsewhere, country="GB", latitude=53.8, longitude=-1.5)]  # fmt: skip

    assert [node.profile.parcel for node in quoted(asked(3), nodes, [near])] == [5, 4, 2.0]
    assert quoted(asked(3), nodes, []) == nodes


# --- What no policy can overrule


@pytest.mark.parametrize("region, there", [("GB", True), ("GB-NIR", True), ("GB:BT", True), ("GB:B", True),
                                           ("GB:LS", False), ("IE", False), ("GB-ENG", False)])  # fmt: skip
def test_a_region_is_a_country_a_province_or_the_start_of_a_postal_code(region, there):
    assert Place("GB", "NIR", "bt1 4gq").within([region]) is there


@pytest.mark.parametrize("restrictions, why", [
    (Restrictions(not_to=("GB:BT",)), "does not deliver there"),
    (Restrictions(only_to=("IE",)), "does not deliver there"),
    (Restrictions(only_to=("GB",)), None),
    (Restrictions(hazardous=False), "handles no hazardous goods"),
])  # fmt: skip
def test_a_node_keeps_to_its_restrictions(restrictions, why):
    request = Request(wants=(Want(1, 7, 1),), goods={7: Goods(attributes={"hazardous": True})}, **DOOR)

    assert exclusion(request, node(1, {7: 9}, restrictions=restrictions)) == why


@pytest.mark.parametrize("attributes, barred", [({"not_to": ["GB-NIR"]}, True), ({"only_to": ["FR", "IE"]}, True),
                                                ({"only_to": ["GB"]}, False), ({"not_to": "GB"}, False)])  # fmt: skip
def test_goods_go_only_where_they_may(attributes, barred):
    request = Request(wants=(Want(1, 7, 1),), goods={7: Goods(attributes=attributes)}, **DOOR)

    assert (exclusion(request, node(1, {7: 9})) == "something wanted may not go there") is barred


def test_what_ships_alone_is_planned_by_itself():
    request = Request(wants=(Want(1, 7, 1), Want(2, 8, 1)), goods={8: Goods(attributes={"ship_alone": True})})

    found = plan(request, [node(1, {7: 9}), node(2, {8: 9})], Ladder("whole", 1, (Rule("whole", False, ()),)))

    assert {(p.line_id, p.location_id) for p in found.picks} == {(1, 1), (2, 2)}
    assert [part.rule for part in found.alone] == ["whole"]
    assert explain(request, found)["alone"][0]["wants"] == [[2, 8, 1]]


def test_what_ships_alone_takes_the_rest_down_with_it():
    request = Request(wants=(Want(1, 7, 1), Want(2, 8, 2)), goods={8: Goods(attributes={"ship_alone": True})})

    found = plan(request, [node(1, {7: 9, 8: 1})])

    assert not found.picks
    assert found.short == [(Want(2, 8, 2), 1)]


# --- Rules


@pytest.mark.parametrize("orders, fits", [
    (Orders(channels=("web",)), True), (Orders(channels=("shop",)), False), (Orders(methods=("PICKUP",)), False),
    (Orders(regions=("GB:BT", "FR")), True), (Orders(tags=("gift", "vip")), True), (Orders(tags=("gift",)), False),
    (Orders(value_from=50.0), True), (Orders(value_below=50.0), False), (Orders(value_from=50.01), False),
    (Orders(attribute=("size", "XL")), True), (Orders(attribute=("season", "winter")), True),
    (Orders(attribute=("size", "M")), False),
])  # fmt: skip
def test_a_rule_is_for_some_orders(orders, fits):
    goods = {7: Goods(attributes={"size": "xl", "season": ["winter", "autumn"]})}
    request = Request(wants=(Want(1, 7, 1),), goods=goods, channel="web", tags=("vip",), value=50.0, **DOOR)

    assert orders.fits(request) is fits


def test_rules_ask_in_turn_and_the_last_says_what_happens():
    near_depots = Rule("depots", False, (), nodes=Nodes(kinds=("WAREHOUSE",)))
    gifts = Rule("gifts", True, (), orders=Orders(tags=("gift",)), then=Then.HOLD)
    ladder = Ladder("two", 3, (gifts, near_depots, Rule("any", False, (), then=Then.CANCEL)))

    served = plan(one(), [node(1, {7: 5}, kind="STORE"), node(2, {7: 0}, kind="WAREHOUSE")], ladder)
    refused = plan(one(9), [node(1, {7: 5}, kind="STORE")], ladder)

    assert (served.rule, served.picks[0].location_id) == ("any", 1)
    assert served.tried == [("gifts", "is for other orders"), ("depots", "no node has everything")]
    assert (refused.then, refused.asked.name, refused.picks) == (Then.CANCEL, "any", [])


def test_no_more_nodes_take_part_than_a_rule_allows():
    request = Request(wants=tuple(Want(n, n, 1) for n in range(3)))
    nodes = [node(n, {n: 1}) for n in range(3)]

    assert not plan(request, nodes, Ladder("l", 1, (Rule("two", True, (), max_nodes=2),))).picks
    assert len(plan(request, nodes, Ladder("l", 1, (Rule("three", True, (), max_nodes=3),))).picks) == 3


# --- Against brute force


LIMITS = st.sampled_from(
    [
        None, None, None, Restrictions(hazardous=False), Restrictions(only_to=("GB-NIR", "FR")),
        Restrictions(only_to=("FR",)), Restrictions(not_to=("GB",)),
    ]
)  # fmt: skip
GOODS = st.builds(
    Goods,
    grams=st.sampled_from([0, 400, 3000]),
    cost=st.sampled_from([0.0, 5.0]),
    currency=st.just("GBP"),
    attributes=st.sampled_from(
        [{}, {}, {}, {"hazardous": True}, {"ship_alone": True}, {"hazardous": True, "ship_alone": True},
         {"only_to": ["GB"]}, {"not_to": ["GB-NIR"]}, {"size": "XL"}]
    ),
    parts=st.sampled_from([(), (), (), ({"ship_alone": True}, {}), ({}, {"hazardous": True}), ({"not_to": ["FR"]},)]),
)  # fmt: skip


@st.composite
def situations(draw):
    items = draw(st.integers(1, 3))
    nodes = [
        node(
            pk,
            {i: draw(st.integers(0, 4)) for i in range(items)},
            priority=draw(st.integers(0, 3)) * 100,
            status=draw(st.sampled_from(["ACTIVE"] * 4 + ["PAUSED", "CLOSED FOR THE DAY", "WITHOUT A CARRIER"])),
            ships=draw(st.sampled_from([True, True, True, False])),
            pickup=draw(st.booleans()),
            kind=draw(st.sampled_from(["STORE", "WAREHOUSE", "SUPPLIER"])),
            country=draw(st.sampled_from(["GB", "FR"])),
            restrictions=draw(LIMITS),
            latitude=50.0 + draw(st.integers(0, 3)),
            longitude=0.0,
            profile=Profile(
                capacity=10, waiting=draw(st.integers(0, 11)), parcel=draw(st.integers(1, 6)),
                refusals=draw(st.sampled_from([None, 0.1, 0.4])),
                leaves_at=draw(st.sampled_from([None, 0.0, 90_000.0])), handling=draw(st.sampled_from([None, 1.0, 3.0])),
                currency="GBP",
            ),
        )
        for pk in range(1, draw(st.integers(1, 6)) + 1)
    ]  # fmt: skip
    wants = tuple(
        Want(line, draw(st.integers(0, items - 1)), draw(st.integers(1, 5))) for line in range(draw(st.integers(1, 4)))
    )
    let_down = {
        want.line_id: frozenset(draw(st.sets(st.integers(1, 6), max_size=2))) for want in wants if draw(st.booleans())
    }
    return Request(
        wants=wants, let_down=let_down, country="GB", latitude=51.0, longitude=0.0, province="NIR", currency="GBP",
        tags=("gift",) if draw(st.booleans()) else (),
        method=draw(st.sampled_from(["SHIP", "SHIP", "PICKUP"])), pickup_location_id=draw(st.integers(1, 3)),
        goods={item: draw(GOODS) for item in range(items)}, promise_by=draw(st.sampled_from([None, 100_000.0])),
        worth={want.line_id: 20.0 for want in wants},
        paces=draw(st.dictionaries(st.tuples(st.integers(0, 2), st.integers(1, 6)), st.floats(0.1, 4), max_size=4)),
    ), nodes  # fmt: skip


CHOICE = st.sampled_from(
    [
        Criterion("domestic"), Criterion("distance", (("most", 250.0),)), Criterion("priority", (), 0.25),
        Criterion("depth", (), 0.5), Criterion("capacity", (("least", 0.1),)), Criterion("shipping_cost", (), 0.2),
        Criterion("rejections", (("most", 0.3),)), Criterion("promise"), Criterion("promise", (("late", 0.5),)),
        Criterion("handling_cost", (("most", 2.0),)), Criterion("margin", (("least", 0.2),)), Criterion("region"),
        Criterion("ageing", (), 0.1), Criterion("hazardous"), Criterion("distance"),
    ]
)  # fmt: skip
RULES = st.builds(
    Rule,
    name=st.sampled_from(["a", "b"]),
    split=st.booleans(),
    criteria=st.lists(CHOICE, max_size=3, unique_by=lambda each: each.name).map(tuple),
    max_nodes=st.sampled_from([None, 1, 2, 3]),
    orders=st.sampled_from([Orders(), Orders(), Orders(tags=("gift",)), Orders(attribute=("size", "XL"))]),
    nodes=st.sampled_from([Nodes(), Nodes(), Nodes(kinds=("STORE", "SUPPLIER")), Nodes(countries=("GB",))]),
    then=st.sampled_from([Then.NEXT, Then.NEXT, Then.HOLD]),
)
LADDERS = st.one_of(
    st.just(STANDARD), st.lists(RULES, min_size=1, max_size=3).map(lambda r: Ladder("any", 1, tuple(r)))
)


def enough(request, nodes):
    """Hall's condition: no group of wants for an item wants more than the nodes open to any of the group have."""
    for size in range(1, len(request.wants) + 1):
        for group in combinations(request.wants, size):
            if len({want.item_id for want in group}) > 1:
                continue
            reach = [n for n in nodes if any(n.location_id not in request.let_down.get(w.line_id, ()) for w in group)]
            if sum(n.free.get(group[0].item_id, 0) for n in reach) < sum(w.quantity for w in group):
                return False
    return True


def traits(request, item):
    """What an article says of itself, and what its parts say."""
    return [request.goods[item].attributes, *request.goods[item].parts]


def may(request, n):
    """In words of the definition, not of the code: may this node take part in this order?"""
    held = [each for want in request.wants for each in traits(request, want.item_id)]
    home = {"GB", "GB-NIR"}
    if request.method == "PICKUP":
        here = n.location_id == request.pickup_location_id and n.pickup
        allowed = here and n.status in {"ACTIVE", "CLOSED FOR THE DAY", "WITHOUT A CARRIER"}
    else:
        goes = all(home & set(each.get("only_to", home)) and not home & set(each.get("not_to", ())) for each in held)
        there = n.restrictions is None or (
            bool(home & set(n.restrictions.only_to or home)) and not home & set(n.restrictions.not_to)
        )
        allowed = n.status == "ACTIVE" and n.ships and goes and there
    safe = n.restrictions is None or n.restrictions.hazardous or not any(each.get("hazardous") for each in held)
    tried = any(n.location_id not in request.let_down.get(want.line_id, ()) for want in request.wants)
    return allowed and safe and tried


def parcels(request):
    """What ships alone, article by article, and the rest together."""
    alone = {w.item_id for w in request.wants if any(each.get("ship_alone") for each in traits(request, w.item_id))}
    kinds = [{w.item_id for w in request.wants} - alone, *({item} for item in sorted(alone))]
    return [replace(request, wants=tuple(w for w in request.wants if w.item_id in kind)) for kind in kinds if kind]


def ranking(request, nodes, rule):
    """The rule's nodes, best first, each judged by itself."""
    kept = []
    for n in nodes:
        verdicts = [criterion.judge(request, [n]) for criterion in rule.criteria]
        if may(request, n) and rule.nodes.fits(n) and not any(out for _, out in verdicts):
            kept.append((tuple(-scores[0] for scores, _ in verdicts), n.priority, n.code, n))
    return [n for *_, n in sorted(kept, key=lambda row: row[:3])]


def best_of_one(request, nodes, ladder):
    """(rule, the nodes it takes), or (None, what happens then)."""
    for rule in ladder.rules:
        if not rule.orders.fits(request):
            continue
        ranked = ranking(request, nodes, rule)
        most = min(rule.max_nodes or len(ranked), len(ranked)) if rule.split else min(1, len(ranked))
        for size in range(1, most + 1):
            sets = [c for c in combinations(range(len(ranked)), size) if enough(request, [ranked[i] for i in c])]
            if sets:
                best = min(sets, key=lambda c: (sum(c), c))
                return rule.name, {ranked[i].location_id for i in best}
        if rule.then != Then.NEXT:
            return None, rule.then
    return None, Then.NEXT


def best_by_trying_everything(request, nodes, ladder):
    """The answers for each parcel, all or none: (rules, the nodes of each), or (None, what happens then)."""
    answers = [best_of_one(part, nodes, ladder) for part in parcels(request)]
    failed = next((then for rule, then in answers if rule is None), None)
    return (None, failed) if failed is not None else ([rule for rule, _ in answers], [at for _, at in answers])


@given(situations(), LADDERS)
def test_the_plan_is_the_one_brute_force_finds(situation, ladder):
    request, nodes = situation

    found = plan(request, nodes, ladder)

    rules, best = best_by_trying_everything(request, nodes, ladder)
    if rules is None:
        assert (found.picks, found.then, found.rule) == ([], best, "")
    else:
        parts = [found, *found.alone]
        assert [part.rule for part in parts] == rules
        lines = [{want.line_id for want in part.wants} for part in parts]
        assert [{p.location_id for p in found.picks if p.line_id in mine} for mine in lines] == best
    assert {n.location_id for n, _ in found.ranked} | {n.location_id for n, _ in found.excluded} <= set(range(1, 7))


@given(situations(), LADDERS)
def test_a_plan_gives_every_line_its_units_and_takes_no_more_than_there_is(situation, ladder):
    request, nodes = situation

    found = plan(request, nodes, ladder)

    if found.picks:
        for want in request.wants:
            assert sum(p.quantity for p in found.picks if p.line_id == want.line_id) == want.quantity
        for n in nodes:
            for item, free in n.free.items():
                taken = sum(p.quantity for p in found.picks if p.location_id == n.location_id and p.item_id == item)
                assert taken <= free
        for p in found.picks:
            assert p.location_id not in request.let_down.get(p.line_id, ())
