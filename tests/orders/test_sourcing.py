"""The ladder against its own definition, without a database."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from orders.sourcing import STANDARD, Node, Request, Want, plan
from orders.sourcing.candidates import covers, exclusion
from orders.sourcing.criteria import kilometres, scores
from orders.sourcing.explain import explain


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
    assert explain(request, found)["excluded"][0] == {"id": 1, "code": "n1", "why": "paused"}


def test_a_collection_comes_from_its_own_place_or_not_at_all():
    request = Request(wants=(Want(1, 7, 2),), method="PICKUP", pickup_location_id=2)

    found = plan(request, [node(1, {7: 9}, pickup=True), node(2, {7: 1}, pickup=True)])

    assert not found.picks
    assert found.short == [(Want(1, 7, 2), 1)]


def test_a_degree_of_latitude_is_111_kilometres():
    assert 111 < kilometres(50, 0, 51, 0) < 112


@st.composite
def situations(draw):
    items = draw(st.integers(1, 3))
    nodes = [
        node(
            pk,
            {i: draw(st.integers(0, 4)) for i in range(items)},
            priority=draw(st.integers(0, 3)) * 100,
            status=draw(st.sampled_from(["ACTIVE", "ACTIVE", "ACTIVE", "PAUSED"])),
        )
        for pk in range(1, draw(st.integers(1, 6)) + 1)
    ]
    wants = tuple(
        Want(line, draw(st.integers(0, items - 1)), draw(st.integers(1, 5))) for line in range(draw(st.integers(1, 4)))
    )
    let_down = {
        want.line_id: frozenset(draw(st.sets(st.integers(1, 6), max_size=2))) for want in wants if draw(st.booleans())
    }
    return Request(wants=wants, let_down=let_down), nodes


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


@given(situations())
def test_the_plan_is_the_one_brute_force_finds(situation):
    request, nodes = situation
    fit = [n for n in nodes if exclusion(request, n) is None]
    rule = STANDARD.rules[0]
    ranked = sorted(fit, key=lambda n: (tuple(-s for s in scores(request, n, rule.criteria)), n.priority, n.code))

    found = plan(request, nodes)

    whole = [n for n in ranked if covers(request, n)]
    if whole:
        assert found.rule == "one_node"
        assert {p.location_id for p in found.picks} == {whole[0].location_id}
        return
    best = None
    for size in range(2, len(ranked) + 1):
        sets = [c for c in combinations(range(len(ranked)), size) if enough(request, [ranked[i] for i in c])]
        if sets:
            best = min(sets, key=lambda c: (sum(c), c))
            break
    if best is None:
        assert not found.picks
        assert found.short
    else:
        assert found.rule == "fewest_nodes"
        assert {p.location_id for p in found.picks} <= {ranked[i].location_id for i in best}
        assert len({p.location_id for p in found.picks}) == len(best)


@given(situations())
def test_a_plan_gives_every_line_its_units_and_takes_no_more_than_there_is(situation):
    request, nodes = situation

    found = plan(request, nodes)

    if found.picks:
        for want in request.wants:
            assert sum(p.quantity for p in found.picks if p.line_id == want.line_id) == want.quantity
        for n in nodes:
            for item, free in n.free.items():
                taken = sum(p.quantity for p in found.picks if p.location_id == n.location_id and p.item_id == item)
                assert taken <= free
        for p in found.picks:
            assert p.location_id not in request.let_down.get(p.line_id, ())
