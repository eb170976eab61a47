"""What sending costs and when it arrives: rules of the calendar and the price table."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest

from core.errors import Invalid
from orders import price_tables
from orders.carriage import Board, Place, Service, cheapest, quote

LEEDS = Place("GB", "LS1 6AA", 53.8, -1.55, "Europe/London")
BRISTOL = Place("GB", "BS1 4DJ", 51.45, -2.59, "Europe/London")
UTRECHT = Place("NL", "3511 AA", 52.09, 5.12, "Europe/Amsterdam")
THURSDAY = datetime(2026, 11, 19, 10, 0, tzinfo=UTC)

TABLE = [
    {"name": "Highlands", "countries": ["GB"], "postcodes": ["IV", "KW"], "days": 4, "prices": [[2000, "9.10"]]},
    {"name": "Mainland", "countries": ["GB"], "days": 2, "prices": [[1000, "3.20"], [2000, "4.10"]]},
    {"name": "Benelux", "countries": ["NL", "BE"], "origins": ["GB"], "days": 3, "prices": [[2000, "11"]]},
]


def service(code: str = "standard", table: object = TABLE, **fields: object) -> Service:
    return Service(code, "Dispatch", code.title(), "GBP", price_tables.read(table), **fields)  # type: ignore[arg-type]


def only(found: list) -> object:
    (one,) = found
    return one


def ask(*services: Service, origin: Place = LEEDS, to: Place = BRISTOL, grams: int = 800, **words: object) -> list:
    return quote(services, origin=origin, destination=to, grams=grams, **{"now": THURSDAY, **words})  # type: ignore[arg-type]


def test_a_parcel_leaves_at_the_cut_off_and_arrives_after_so_many_delivery_days():
    found = only(ask(service()))

    assert (found.cost, found.currency, found.zone) == (Decimal("3.20"), "GBP", "Mainland")
    assert found.leaves_at == datetime(2026, 11, 19, 16, 0, tzinfo=UTC)
    assert found.arrives_by == datetime(2026, 11, 21, 18, 0, tzinfo=UTC)  # Friday, Saturday


def test_what_is_not_ready_by_the_cut_off_leaves_the_next_collection_day():
    late = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)  # a Saturday, and two hours of work are left

    found = only(ask(service(), now=late))
    own_cut_off = only(ask(service(), origin=Place("GB", time_zone="Europe/London", cut_off=time(11, 0))))

    assert found.leaves_at == datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
    assert own_cut_off.leaves_at == datetime(2026, 11, 20, 11, 0, tzinfo=UTC)


def test_each_end_keeps_its_own_clock_and_its_own_holidays():
    christmas_eve = datetime(2026, 12, 24, 9, 0, tzinfo=UTC)

    abroad = only(ask(service(), to=UTRECHT, now=christmas_eve))

    assert abroad.leaves_at == datetime(2026, 12, 24, 16, 0, tzinfo=UTC)
    # The 25th and 26th are holidays in the Netherlands, the 27th a Sunday.
    assert abroad.arrives_by == datetime(2026, 12, 30, 17, 0, tzinfo=UTC)


def test_the_first_zone_that_covers_decides_and_a_weight_beyond_every_price_has_no_quote():
    assert only(ask(service(), to=Place("GB", "iv2 3pp"))).zone == "Highlands"
    assert only(ask(service(), grams=1001)).cost == Decimal("4.10")
    assert ask(service(), grams=2001) == []
    assert ask(service(), to=Place("FR", "75001")) == []
    assert ask(service(), origin=UTRECHT, to=UTRECHT) == []  # Benelux is priced from Britain only


def test_goods_a_service_refuses_and_places_a_courier_does_not_reach_get_no_quote():
    courier = service(
        "courier", [{"name": "City", "within_km": 15, "days": 0, "prices": [[5000, "6.00"]]}], delivers_by=time(21, 0)
    )
    near = Place("GB", "LS6 1AA", 53.82, -1.57, "Europe/London")

    assert only(ask(courier, to=near)).arrives_by == datetime(2026, 11, 19, 21, 0, tzinfo=UTC)
    assert ask(courier) == []
    assert ask(courier, to=Place("GB", "LS6 1AA")) == []  # nobody knows where that is
    assert ask(service(refuses=frozenset({"hazardous"})), traits=["hazardous"]) == []


def test_quotes_come_soonest_first_and_the_cheapest_in_time_is_found_within_one_currency():
    express = service("express", [{"name": "UK", "countries": ["GB"], "days": 1, "prices": [[2000, "7.95"]]}])

    found = ask(service(), express)

    assert [q.service for q in found] == ["express", "standard"]
    assert cheapest(found).service == "standard"  # type: ignore[union-attr]
    assert cheapest(found, by=THURSDAY + timedelta(days=1, hours=9)).service == "express"  # type: ignore[union-attr]
    assert cheapest(found, currency="EUR") is None


def test_a_carrier_that_never_collects_has_no_quote():
    assert ask(service(), closed=lambda country, day: True) == []


def test_one_board_answers_for_every_origin_as_if_each_had_been_asked_alone():
    board = Board([service()], destination=BRISTOL, grams=800, now=THURSDAY)

    assert [board.of(origin) for origin in (LEEDS, UTRECHT, LEEDS)] == [
        ask(service(), origin=o) for o in (LEEDS, UTRECHT, LEEDS)
    ]


@pytest.mark.parametrize(
    ("table", "path"),
    [
        ([], "zones"),
        ([{"name": "x", "days": 1, "prices": [[100, "2"], [100, "3"]]}], "zones[0].prices[1]"),
        ([{"name": "x", "days": 1, "prices": [[100, "2"], [200, "1"]]}], "zones[0].prices[1]"),
        ([{"name": "x", "days": -1, "prices": [[100, "2"]]}], "zones[0].days"),
        ([{"name": "x", "days": 1, "prices": [[100, 2.5]]}], "zones[0].prices[0][1]"),
        ([{"name": "x", "days": 1, "prices": [[100, "2"]], "post": []}], "zones[0].post"),
        ([{"name": "x", "days": 1, "prices": [[100, "2"]], "within_km": "NaN"}], "zones[0].within_km"),
    ],
)
def test_a_price_table_that_makes_no_sense_is_refused_with_the_place_of_the_mistake(table: object, path: str):
    with pytest.raises(Invalid) as refused:
        price_tables.read(table)

    assert path in [problem.path for problem in refused.value.problems]
