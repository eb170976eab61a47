"""Units a channel hands over itself: they leave the books of its place, once, whatever the books say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from core import audit
from core.actors import SYSTEM
from core.errors import Invalid
from core.subjects import Subject
from exceptions import reasons
from exceptions.models import Case
from inventory.models import Count, CountLine, Location, LotStock, Stock, StockMovement
from inventory.services import counts, kits, movements, reservations, selling
from inventory.services.reservations import Want
from orders.models import Channel, ChannelKind
from orders.services import mapping
from tests.factories.inventory import ItemAliasFactory, ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import ChannelFactory, incoming_line, place

pytestmark = pytest.mark.django_db
SOLD_AT = datetime(2025, 12, 1, 8, 26, tzinfo=UTC)


@pytest.fixture
def stock() -> Stock:
    return StockFactory(item=ItemFactory(sku="LAMP"), location=LocationFactory(code="LEEDS"), sellable=10)


@pytest.fixture
def till(stock: Stock) -> Channel:
    return ChannelFactory(code="till", kind=ChannelKind.POS, sells_from=stock.location)


def sale(till: Channel, units: int, *, sku: str = "LAMP", **fields: Any) -> Any:
    line = incoming_line(sku, units, fulfilled_elsewhere=fields.pop("left", units))
    return place(line, channel=till, placed_at=SOLD_AT, **fields)


def sellable(stock: Stock) -> int:
    stock.refresh_from_db()
    return stock.sellable


def books_are_clean() -> bool:
    return not [finding.invariant.name for finding in audit.audit() if finding.broken]


def test_a_till_sale_leaves_the_shelf_when_it_happened(stock, till):
    order = sale(till, 3)

    moved = StockMovement.objects.get(to_state="customer")
    assert sellable(stock) == 7
    assert order.status == "COMPLETED"
    assert (moved.occurred_at, moved.cause_kind, moved.cause_label) == (SOLD_AT, "order", order.number)
    assert not Case.objects.exists()


def test_the_same_sale_again_moves_nothing_and_a_newer_version_only_the_difference(stock, till):
    sale(till, 3)
    sale(till, 3)
    sale(till, 5, version=2)
    sale(till, 5, version=2)

    assert sellable(stock) == 5
    assert [m.quantity for m in StockMovement.objects.filter(to_state="customer").order_by("id")] == [3, 2]


def test_a_void_at_the_till_brings_the_units_back(stock, till):
    sale(till, 3)
    sale(till, 3, version=2, left=0, status="cancelled")

    assert sellable(stock) == 10
    assert StockMovement.objects.filter(from_state="customer").get().quantity == 3


def test_a_sale_of_more_than_the_books_have_stands_and_opens_one_case(stock, till):
    sale(till, 12)
    sale(till, 4, channel_ref="1002")

    found = StockMovement.objects.filter(from_state="found").order_by("id")
    assert sellable(stock) == 0
    assert [m.quantity for m in found] == [2, 4]
    case = Case.objects.get()
    assert (case.reason, case.subject_uid, case.site_id) == (selling.BEYOND, str(stock.pk), stock.location.site_id)
    assert books_are_clean()


def test_promised_units_stay_promised_when_the_till_sells_them(stock, till):
    reservations.hold("cart:1", [Want("1", stock.item_id, stock.location_id, 8)], actor=SYSTEM)

    sale(till, 5)

    assert sellable(stock) == 8
    assert stock.reserved == 8
    assert StockMovement.objects.get(from_state="found").quantity == 3


def test_the_case_proves_itself_and_clears_once_the_place_was_counted(stock, till):
    sale(till, 12)
    reason, uid = reasons.get(selling.BEYOND), str(stock.pk)

    assert reason.predicate(uid)
    assert list(reason.standing()) == [uid]
    assert "2 units were sold that the books did not have free" in reason.evidence(uid)[0].heading
    assert reason.describe(uid).label == "LAMP @ LEEDS"
    assert reason.context(uid).title.startswith("LAMP at")

    count = reasons.run(reason.action("count"), uid, actor=SYSTEM)
    line = CountLine.objects.get(count=int(count.split()[1]))
    counts.enter(line.count_id, line_id=line.pk, quantity=0, actor=SYSTEM)
    counts.finish(line.count_id, actor=SYSTEM)

    assert not reason.predicate(uid)
    assert list(reason.standing()) == []


def test_a_person_may_say_that_the_books_were_wrong_until_it_happens_again(stock, till):
    sale(till, 12)
    reason, uid = reasons.get(selling.BEYOND), str(stock.pk)

    assert dict(reason.action("accept").preview(uid))["Units the books had missed"] == "2"
    said = reasons.run(reason.action("accept"), uid, actor=SYSTEM)

    assert said.startswith("The books were 2 units short")
    assert not Case.objects.filter(is_open=True).exists()
    assert list(reason.standing()) == []
    sale(till, 1, channel_ref="1002")
    assert reason.predicate(uid)
    assert Case.objects.filter(is_open=True).count() == 1


def test_an_unknown_sku_is_a_case_and_leaves_the_books_once_it_is_known(stock, till):
    sale(till, 3, sku="LAMP-OLD")
    case = Case.objects.get()
    assert case.reason == "orders.unknown_sku"
    assert reasons.get("orders.unknown_sku").standing() == [case.subject_uid]
    assert not StockMovement.objects.filter(to_state="customer").exists()

    ItemAliasFactory(system="till", code="LAMP-OLD", item=stock.item)
    mapping.retry("LAMP-OLD", till, actor=SYSTEM)

    assert sellable(stock) == 7
    assert not Case.objects.filter(is_open=True).exists()


def test_a_till_that_names_its_store_sells_from_there(stock, till):
    york = StockFactory(item=stock.item, location=LocationFactory(code="YORK"), sellable=5)

    sale(till, 2, method="PICKUP", pickup_location_code="YORK")
    assert (sellable(stock), sellable(york)) == (10, 3)

    sale(till, 2, version=2)  # it was the other store after all

    assert (sellable(stock), sellable(york)) == (8, 5)
    assert books_are_clean()


def test_a_channel_without_a_place_moves_nothing(stock):
    sale(ChannelFactory(code="web"), 3)

    assert sellable(stock) == 10


def test_a_test_sale_and_a_gift_card_move_nothing(stock, till):
    sale(till, 3, test=True)
    place(incoming_line("LAMP", 2, gift_card=True, fulfilled_elsewhere=2), channel=till, channel_ref="1002")

    assert sellable(stock) == 10


def test_absurd_units_are_refused_and_nothing_moves(stock):
    with pytest.raises(Invalid):
        selling.sold(stock.location_id, {stock.item_id: 2**70}, key="x", cause=Subject("order", "1", "1"), actor=SYSTEM)
    assert sellable(stock) == 10
    assert (
        selling.sold(
            stock.location_id, {stock.item_id: 0}, key="x", cause=Subject("order", "1"), actor=SYSTEM
        ).movement_ids
        == []
    )


def test_a_repeat_under_the_same_key_answers_what_was_posted(stock):
    about: Any = {"key": "sold:x", "cause": Subject("order", "1", "1"), "actor": SYSTEM}
    first = selling.sold(stock.location_id, {stock.item_id: 12}, **about)
    again = selling.sold(stock.location_id, {stock.item_id: 12}, **about)

    assert again.replayed
    assert again.movement_ids == first.movement_ids
    assert sellable(stock) == 0


def test_a_kit_leaves_as_its_parts(stock, till):
    kit, shade = ItemFactory(sku="LAMP-SET"), StockFactory(location=stock.location, sellable=10)
    kits.define(kit.pk, {stock.item_id: 1, shade.item_id: 2}, actor=SYSTEM)

    sale(till, 3, sku="LAMP-SET")
    sale(till, 3, sku="LAMP-SET", version=2)

    assert (sellable(stock), sellable(shade)) == (7, 4)
    assert books_are_clean()


def test_serials_are_sold_by_name_or_wait_for_a_count_that_names_them(till):
    place_ = Location.objects.get(code="LEEDS")
    phone = ItemFactory(sku="PHONE", tracking="SERIAL")
    about = {"cause": Subject("test", "1"), "actor": SYSTEM}
    movements.receive(phone.pk, place_.pk, 3, serials=("S1", "S2", "S3"), key="in", **about)

    def left() -> set[str]:
        return set(LotStock.objects.filter(quantity__gt=0, lot__item=phone).values_list("lot__code", flat=True))

    selling.sold(place_.pk, {phone.pk: 1}, named={phone.pk: {"S2": 1}}, key="a", **about)
    late = selling.sold(place_.pk, {phone.pk: 1}, named={phone.pk: {"S9": 1}}, key="b", **about)
    order = sale(till, 1, sku="PHONE")
    again = selling.sold(place_.pk, {phone.pk: 1}, key="c", cause=Subject("order", str(order.pk)), actor=SYSTEM)

    assert left() == {"S1", "S3"}
    assert (len(late.movement_ids), again.unnamed) == (2, {phone.pk: 1})
    case = Case.objects.get(reason="inventory.sold_unnamed")
    reason, uid = reasons.get(case.reason), case.subject_uid
    assert case.occurrences == 1
    assert list(reason.standing()) == [uid]
    assert reason.evidence(uid)[0].rows

    count = Count.objects.get()
    counts.scan(count.pk, code="S3", actor=SYSTEM)
    counts.finish(count.pk, actor=SYSTEM)
    assert left() == {"S3"}
    assert not reason.predicate(uid)

    selling.sold(place_.pk, {phone.pk: 1}, key="d", **about)  # it can only be that one
    assert left() == set()
    assert books_are_clean()
