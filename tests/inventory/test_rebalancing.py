"""Paces, ABC classes, cycle counts and suggestions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from core.actors import SYSTEM, Actor
from core.errors import Invalid
from core.models import Calendar
from core.subjects import Subject
from inventory.abc_classes import classify
from inventory.models import Count, CountLine, CountPlan, Pace, Transfer, TransferLine
from inventory.rebalancing import Goal, Place, propose
from inventory.services import counts, movements, paces, plans, rebalancing
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.inventory.test_count_screens import HTMX, person

AMIRA = Actor("PERSON", "2", "Amira Khan")
GOAL = Goal(low=7, target=14, keep=28, last=1)


def test_the_few_items_that_make_up_most_of_the_value_are_a():
    worth = {1: Decimal(800), 2: Decimal(150), 3: Decimal(40), 4: Decimal(10), 5: Decimal(0)}

    assert classify(worth, a_share=80, b_share=95) == {1: "A", 2: "B", 3: "C", 4: "C", 5: "C"}
    assert classify({1: Decimal(0)}, a_share=80, b_share=95) == {1: "C"}
    assert classify({}, a_share=80, b_share=95) == {}


def test_a_place_that_runs_out_is_filled_by_whoever_has_most_to_spare():
    shop, depot, other = Place(1, 2, 0, 1.0), Place(2, 100, 0, 1.0), Place(3, 40, 0, 1.0)

    (proposal,) = propose(7, [shop, depot, other], GOAL)

    assert (proposal.origin_id, proposal.destination_id, proposal.units) == (2, 1, 12)
    assert (proposal.destination_before, proposal.destination_after) == (2.0, 14.0)


def test_what_is_coming_counts_as_there_and_nobody_is_emptied():
    assert propose(7, [Place(1, 2, 10, 1.0), Place(2, 100, 0, 0.0)], GOAL) == []
    assert [p.units for p in propose(7, [Place(1, 0, 0, 1.0), Place(2, 3, 0, 0.0)], GOAL)] == [2]
    assert propose(7, [Place(1, 0, 0, 1.0), Place(2, 1, 0, 0.0)], GOAL) == []


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20), st.floats(0, 5)), min_size=1, max_size=8),
    st.integers(1, 5),
)
def test_no_giver_falls_below_what_it_keeps_and_no_taker_gets_more_than_the_target(figures, least):
    places = [Place(n, free, coming, rate) for n, (free, coming, rate) in enumerate(figures)]
    goal = Goal(least=least)

    proposals = propose(7, places, goal)

    for place in places:
        given_away = sum(p.units for p in proposals if p.origin_id == place.location_id)
        got = sum(p.units for p in proposals if p.destination_id == place.location_id)
        assert not (given_away and got)
        assert not given_away or place.free - given_away >= max(goal.keep * place.per_day, goal.last)
        assert not got or place.free + place.coming + got < goal.target * place.per_day + 1
    assert all(p.units >= least for p in proposals)


def sells(stock, units: int, *, days_ago: int = 1) -> None:
    at = timezone.now() - timedelta(days=days_ago)
    about = {"cause": Subject("till", "7"), "actor": SYSTEM, "occurred_at": at}
    movements.issue(stock.item_id, stock.location_id, units, key=f"till:{stock.pk}:{days_ago}", **about)


@pytest.fixture
def shop(db):
    return LocationFactory(code="LEEDS", name="Leeds", kind="STORE")


def test_a_pace_is_what_left_for_customers_in_its_days(shop):
    fast = StockFactory(location=shop, sellable=50, item=ItemFactory(unit_cost=Decimal(10), cost_currency="GBP"))
    slow = StockFactory(location=shop, sellable=50)
    sells(fast, 9)
    sells(fast, 7, days_ago=100)

    assert paces.measure_due() == 1
    assert paces.measure_due() == 0

    found = {pace.item_id: (pace.sold, pace.worth, pace.abc) for pace in Pace.objects.all()}
    assert found == {fast.item_id: (9, Decimal(90), "A"), slow.item_id: (0, Decimal(0), "C")}


def test_a_plan_opens_the_most_overdue_lines_once_a_day(shop):
    CountPlan.objects.create(location=shop, lines_per_count=2, a_days=1, b_days=2, c_days=3)
    a, c, counted = (StockFactory(location=shop, sellable=20) for _ in range(3))
    sells(a, 9)
    done = counts.request(shop.pk, [counted.item_id], cause=None, actor=AMIRA)
    counts.enter(done, line_id=CountLine.objects.get().pk, quantity=20, actor=AMIRA)
    counts.finish(done, actor=AMIRA)

    assert plans.open_due() == 1
    assert plans.open_due() == 0

    count = Count.objects.get(origin="PLAN")
    assert {line.item_id for line in count.lines.all()} == {a.item_id, c.item_id}
    assert plans.open_due(now=timezone.now() + timedelta(days=1)) == 0  # the last one still waits
    counts.cancel(count.pk, reason="", actor=AMIRA)
    assert plans.open_due(now=timezone.now() + timedelta(days=4)) == 1
    assert Count.objects.filter(origin="PLAN").latest("pk").lines.count() == 2


def test_a_plan_skips_days_on_which_its_site_is_closed(shop):
    StockFactory(location=shop)
    CountPlan.objects.create(location=shop)
    week = [[["09:00", "17:00"]]] * 5 + [[], []]
    shop.site.calendar = Calendar.objects.create(code="shop", name="Shop", weekly=week, exceptions={"2026-06-10": []})
    shop.site.save()
    closed = [datetime(2026, 6, day, 10, tzinfo=UTC) for day in (6, 7, 10)]  # a weekend, and a day of its own

    assert [plans.open_due(now=day) for day in closed] == [0, 0, 0]
    assert plans.open_due(now=datetime(2026, 6, 11, 10, tzinfo=UTC)) == 1


def test_a_resting_plan_opens_nothing(shop):
    StockFactory(location=shop)
    CountPlan.objects.create(location=shop, active=False)

    assert plans.open_due() == 0


def test_a_plan_says_what_it_means_and_refuses_to_contradict_itself(shop):
    plan = CountPlan.objects.create(location=shop)
    for units in (9, 1, 0):
        stock = StockFactory(location=shop, sellable=20)
        if units:
            sells(stock, units)
    paces.measure(shop.pk)

    outlook = plans.outlook(plan)

    assert (outlook.classes, outlook.due) == ({"A": 1, "B": 1, "C": 1}, 3)
    with pytest.raises(Invalid):
        plans.change(plan.pk, a_days=100)
    plan.refresh_from_db()
    assert plan.a_days == 30


def needy(shop):
    """A shop with two days left, a warehouse with plenty."""
    item = ItemFactory(sku="COAT")
    here = StockFactory(item=item, location=shop, sellable=96)
    sells(here, 90)
    depot = StockFactory(item=item, location=LocationFactory(code="DC", name="Depot"), sellable=100)
    paces.measure_due()
    return here, depot


def test_a_suggestion_is_taken_once(shop):
    _, depot = needy(shop)

    (proposal,) = rebalancing.suggest(GOAL)
    (transfer,) = rebalancing.take([proposal], actor=AMIRA)

    assert (proposal.origin_id, proposal.units) == (depot.location_id, 8)
    assert Transfer.objects.get(pk=transfer).suggested
    assert TransferLine.objects.get().wanted == 8
    assert rebalancing.suggest(GOAL) == []


def test_suggestions_are_looked_at_before_they_are_taken(client, shop):
    needy(shop)
    client.force_login(person("request_transfer", "view_transfer", sites=[shop.site]))
    page = client.get("/stock/transfers/suggestions/").content.decode()
    key = page.partition('name="take" value="')[2].partition('"')[0]
    path = "/stock/transfers/suggestions/"

    assert "COAT" in page
    assert not Transfer.objects.exists()
    assert client.post(path, headers=HTMX).status_code == 422
    assert client.post(path, {"take": [f"{key}9"]}, headers=HTMX).status_code == 409
    assert not Transfer.objects.exists()
    assert client.post(path, {"take": [key]}).status_code == 303
    assert Transfer.objects.get().status == "REQUESTED"
    assert client.get(f"{path}?low=99&target=1").status_code == 400
    assert client.get(f"{path}?low=x").status_code == 400


def test_suggestions_between_other_sites_are_not_shown(client, shop):
    needy(shop)
    client.force_login(person("request_transfer", sites=[LocationFactory(code="YORK").site]))

    assert "COAT" not in client.get("/stock/transfers/suggestions/").content.decode()


def test_a_plan_is_changed_on_its_page(client, shop):
    client.force_login(person("view_countplan", "change_countplan"))
    form = {
        "active": "1", "lines_per_count": "5", "a_days": "10", "b_days": "20", "c_days": "30", "a_share": "70",
        "b_share": "90", "measured_over": "60",
    }  # fmt: skip

    wrong = client.post("/stock/counts/plans/LEEDS", {**form, "b_days": "5"}, headers=HTMX)
    made = client.post("/stock/counts/plans/LEEDS", form)

    assert (wrong.status_code, made.status_code) == (422, 303)
    assert CountPlan.objects.get().lines_per_count == 5
    assert "lines a day" in client.get("/stock/counts/plans/LEEDS").content.decode()
    client.force_login(person("view_countplan"))
    assert client.post("/stock/counts/plans/LEEDS", form).status_code == 403
    assert client.get("/stock/counts/plans/MARS").status_code == 404


def test_screens_of_plans_and_suggestions_take_a_fixed_number_of_queries(client, shop, query_count):
    client.force_login(person("view_countplan", "request_transfer"))
    needy(shop)

    with query_count("count-plans", lambda: client.get("/stock/counts/plans/")):
        for _ in range(3):
            CountPlan.objects.create(location=LocationFactory())
    with query_count("transfer-suggestions", lambda: client.get("/stock/transfers/suggestions/")):
        pass
