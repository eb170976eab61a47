"""Changing an order: the preview is what the confirmation does, too late is refused, and the source's echo is heard."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import transaction

from core import audit
from core.actors import SYSTEM, Actor
from core.errors import Invalid, Refusal
from core.models import Event
from inventory.models import Stock, StockMovement
from orders import edits as shapes
from orders import quantities
from orders.edits import (
    AddLine,
    Cancel,
    CancelPart,
    ChangeAddress,
    ChangeMethod,
    ChangeQuantity,
    RemoveLine,
    Substitute,
)
from orders.models import FulfilmentOrder, Hold, Order, OrderChange, PriceListEntry
from orders.services import changing, fulfilment, hold_rules
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import LEEDS, PLACED_AT, ChannelFactory, incoming_line, place

pytestmark = pytest.mark.django_db
ANNA = Actor("PERSON", "7", "Anna Berg")
YORK = replace(LEEDS, line1="9 Stonegate", city="York", postal_code="YO1 8AS", latitude=None, longitude=None)
LINE = "line-SKU-1"


@pytest.fixture(autouse=True)
def stocked():
    node = LocationFactory(code="LEEDS", name="Leeds", pickup=True)
    for sku in ("SKU-1", "SKU-2"):
        StockFactory(item=ItemFactory(sku=sku), location=node, sellable=10)
    yield node
    assert [finding.invariant.name for finding in audit.audit() if finding.broken] == []


def preview(order, *edits):
    return changing.preview(order.pk, edits, actor=ANNA)


def confirm(order, *edits, key="k1", **fields):
    version = Order.objects.get(pk=order.pk).version
    with transaction.atomic():  # refused, it leaves nothing behind
        return changing.confirm(order.pk, edits, **{"version": version, "actor": ANNA, "key": key} | fields)


def vector(order, ref=LINE):
    return order.lines.values_list("ordered", "open", "allocated", "fulfilled", "cancelled").get(ref=ref)


def codes(seen):
    return [refusal.code for refusal in seen.refusals]


def reserved():
    return dict(Stock.objects.values_list("item__sku", "reserved"))


def work_of(order, *verbs):
    (job,) = fulfilment.create(order.pk)
    steps = {
        "start": lambda: fulfilment.start_pick(job, actor=SYSTEM),
        "pick": lambda: fulfilment.pick(job, code="SKU-1", quantity=3, actor=SYSTEM),
        "pack": lambda: fulfilment.pack(job, actor=SYSTEM),
        "ship": lambda: fulfilment.ship(job, actor=SYSTEM),
    }
    for verb in verbs:
        steps[verb]()
    return FulfilmentOrder.objects.get(pk=job)


def test_a_preview_says_what_the_confirmation_does_and_leaves_nothing_behind():
    order = place(incoming_line(quantity=3, price="12.50"))
    before = (reserved(), StockMovement.objects.count(), Event.objects.count(), Order.objects.get().version)

    seen = preview(
        order, ChangeQuantity(line=LINE, quantity=5), AddLine(sku="SKU-2", quantity=2, unit_price=Decimal(4))
    )

    assert seen.refusals == ()
    assert [(row["sku"], row["location"], row["before"], row["after"]) for row in seen.stock] == [
        ("SKU-1", "LEEDS", 3, 5), ("SKU-2", "LEEDS", 0, 2),
    ]  # fmt: skip
    assert (seen.money["before"], seen.money["after"], seen.money["difference"]) == ("37.50", "70.50", "33.00")
    assert seen.money["next"] == "collect"
    assert seen.promise["ready_by"]
    assert (reserved(), StockMovement.objects.count(), Event.objects.count(), Order.objects.get().version) == before
    assert not OrderChange.objects.exists()

    edits = (ChangeQuantity(line=LINE, quantity=5), AddLine(sku="SKU-2", quantity=2, unit_price=Decimal(4)))
    change = confirm(order, *edits, token=seen.token)

    assert reserved() == {"SKU-1": 5, "SKU-2": 2}
    assert OrderChange.objects.get().effect["money"] == seen.money
    fact = Event.objects.get(type="order.change_confirmed")
    assert (fact.data["change"], fact.actor_label) == (change, "Anna Berg")
    assert shapes.read(fact.data["edits"]) == edits


def test_the_same_key_makes_one_change_and_another_change_under_it_is_refused():
    order = place(incoming_line(quantity=3))
    version = order.version

    first = confirm(order, ChangeQuantity(line=LINE, quantity=2), version=version)
    again = confirm(order, ChangeQuantity(line=LINE, quantity=2), version=version)
    with pytest.raises(Refusal) as refused:
        confirm(order, ChangeQuantity(line=LINE, quantity=1), version=version)

    assert first == again
    assert refused.value.code == "key_reused"
    assert vector(order) == (3, 0, 2, 0, 1)


def test_a_change_previewed_against_another_order_or_other_stock_is_refused(stocked):
    order = place(incoming_line(quantity=3))
    seen = preview(order, ChangeQuantity(line=LINE, quantity=4))

    with pytest.raises(Refusal) as stale:
        confirm(order, ChangeQuantity(line=LINE, quantity=4), version=order.version + 1)
    StockFactory(item=Stock.objects.get(item__sku="SKU-1").item, location=LocationFactory(code="YORK"), sellable=5)
    Stock.objects.filter(location=stocked, item__sku="SKU-1").update(sellable=3)
    with pytest.raises(Refusal) as other:
        confirm(order, ChangeQuantity(line=LINE, quantity=4), token=seen.token)
    Stock.objects.filter(location=stocked, item__sku="SKU-1").update(sellable=10)

    assert (stale.value.code, other.value.code) == ("stale", "preview_changed")
    assert vector(order) == (3, 0, 3, 0, 0)


def test_units_are_cut_and_the_source_repeating_it_counts_once():
    order = place(incoming_line(quantity=3))

    confirm(order, Cancel(lines=(CancelPart(line=LINE, quantity=2),)))
    assert vector(order) == (3, 0, 1, 0, 2)
    place(incoming_line(quantity=3), version=2, note="knows nothing of it yet")
    assert vector(order) == (3, 0, 1, 0, 2)
    place(incoming_line(quantity=3, cancelled_quantity=1), version=3, total=Decimal(30))
    assert vector(order) == (3, 0, 1, 0, 2)
    place(incoming_line(quantity=1), version=4)
    assert vector(order) == (1, 0, 1, 0, 0)
    place(incoming_line(quantity=5), version=5)

    assert vector(order) == (5, 0, 3, 0, 2)


@pytest.mark.parametrize("cut", [-2, 0, 3])
def test_what_was_agreed_never_counts_twice_however_the_source_repeats_it(cut):
    basis = 3
    units = basis + cut

    echoed = [quantities.agreed(said, units=units, basis=basis) for said in (basis, units)]
    further = quantities.agreed(max(basis, units) + 1, units=units, basis=basis)

    assert echoed == [units, units]
    assert further == (units + 1 if cut >= 0 else basis + 1 + cut)


def test_an_added_line_takes_the_name_the_source_gives_it():
    order = place(incoming_line(quantity=1))
    confirm(order, AddLine(sku="SKU-2", quantity=2, unit_price=Decimal(4)))
    assert vector(order, "here-1") == (2, 0, 2, 0, 0)

    place(incoming_line(quantity=1), incoming_line("SKU-2", 2, "4.00", ref="their-9"), version=2)

    assert vector(order, "their-9") == (2, 0, 2, 0, 0)
    assert order.lines.count() == 2
    assert reserved() == {"SKU-1": 1, "SKU-2": 2}


def test_a_new_address_stands_until_the_source_names_another():
    order = place()

    confirm(order, ChangeAddress(address=YORK))
    place(version=2, note="still the old address")
    order.refresh_from_db()
    assert order.ship_to["city"] == "York"
    place(version=3, ship_to=replace(LEEDS, city="Hull", postal_code="HU1 1AA"))

    order.refresh_from_db()
    assert order.ship_to["city"] == "Hull"


def test_collected_instead_of_sent_is_other_work(stocked):
    shop = LocationFactory(code="SHOP", pickup=True, priority=1)
    StockFactory(item=Stock.objects.get(item__sku="SKU-1").item, location=shop, sellable=10)
    order = place(incoming_line(quantity=3))
    work = work_of(order, "start")

    confirm(order, ChangeMethod(method="PICKUP", pickup_location_code="SHOP"))

    order.refresh_from_db()
    work.refresh_from_db()
    assert (order.method, order.pickup_location.code, work.status) == ("PICKUP", "SHOP", "CANCELLED")
    assert Stock.objects.get(location=shop).reserved == 3
    assert Stock.objects.get(location=stocked, item__sku="SKU-1").reserved == 0


def test_a_substitute_takes_the_place_of_units_at_their_price_if_it_is_to_be_had():
    order = place(incoming_line(quantity=3, price="12.50"))

    many = preview(order, Substitute(line=LINE, sku="SKU-2", quantity=2))
    confirm(order, Substitute(line=LINE, sku="SKU-2", quantity=2))
    Stock.objects.filter(item__sku="SKU-2").update(sellable=2)
    more = preview(order, Substitute(line=LINE, sku="SKU-2"))
    Stock.objects.filter(item__sku="SKU-2").update(sellable=10)

    assert many.money["difference"] == "0.00"
    line = order.lines.get(ref="here-1")
    assert (line.replaces.ref, line.unit_price, line.allocated) == (LINE, Decimal("12.50"), 2)
    assert vector(order) == (3, 0, 1, 0, 2)
    assert codes(more) == ["not_in_stock"]


def test_work_too_far_along_is_refused_with_its_reason_and_nothing_moves():
    order = place(incoming_line(quantity=3))
    work = work_of(order, "start", "pick", "pack")

    refused = [
        preview(order, edit)
        for edit in (
            ChangeAddress(address=YORK), ChangeQuantity(line=LINE, quantity=2), RemoveLine(line=LINE),
            Substitute(line=LINE, sku="SKU-2"), ChangeMethod(method="PICKUP", pickup_location_code="LEEDS"),
        )
    ]  # fmt: skip
    with pytest.raises(Refusal) as too_far:
        confirm(order, ChangeAddress(address=YORK))

    assert [codes(seen) for seen in refused] == [["too_far"]] * 5
    assert work.number in too_far.value.message
    assert preview(order, ChangeQuantity(line=LINE, quantity=4)).refusals == ()
    assert preview(order, Cancel(reason="Changed her mind")).refusals == ()
    fulfilment.ship(work.pk, actor=SYSTEM)
    assert codes(preview(order, ChangeQuantity(line=LINE, quantity=4))) == ["already_shipped"]


@pytest.mark.parametrize(
    ("edits", "code"),
    [
        ((ChangeQuantity(line="nobody", quantity=1),), "unknown_line"),
        ((ChangeQuantity(line=LINE, quantity=3),), "nothing_changes"),
        ((AddLine(sku="NOBODY-KNOWS", quantity=1),), "unknown_sku"),
        ((ChangeMethod(method="SHIP"),), "nothing_changes"),
        ((ChangeMethod(method="PICKUP", pickup_location_code="MOON"),), "unknown_place"),
        ((ChangeAddress(address=replace(YORK, city="")),), "address_incomplete"),
        ((Cancel(), ChangeQuantity(line=LINE, quantity=1)), "contradiction"),
        ((ChangeQuantity(line=LINE, quantity=1), RemoveLine(line=LINE)), "contradiction"),
        ((), "nothing_changes"),
    ],
)
def test_an_edit_that_makes_no_sense_is_refused_by_its_reason(edits, code):
    order = place(incoming_line(quantity=3))

    assert codes(preview(order, *edits)) == [code]


def test_what_is_proposed_moves_nothing_until_somebody_answers():
    order = place(incoming_line(quantity=3))
    edits = (Substitute(line=LINE, sku="SKU-2", quantity=1),)

    yes = changing.propose(order.pk, edits, version=None, actor=ANNA, key="a")
    no = changing.propose(order.pk, edits, version=None, actor=ANNA, key="b")
    assert reserved() == {"SKU-1": 3, "SKU-2": 0}
    changing.accept(yes, actor=SYSTEM)
    changing.accept(yes, actor=SYSTEM)
    changing.decline(no, reason="Doesn't like it", actor=SYSTEM)
    with pytest.raises(Refusal) as refused:
        changing.accept(no, actor=SYSTEM)

    assert reserved() == {"SKU-1": 2, "SKU-2": 1}
    assert refused.value.code == "decided_already"
    assert Event.objects.filter(type="order.change_confirmed").count() == 1


def test_cancelling_writes_down_what_it_did_and_a_rule_may_hold_what_was_changed():
    hold_rules.save(
        hold_rules.Draft("moved", "Address changed", "FRAUD", "CHANGE", [{"test": "changed", "fields": ["address"]}]),
        actor=ANNA,
    )
    order = place(incoming_line(quantity=3), payment_state="authorised")
    confirm(order, ChangeQuantity(line=LINE, quantity=2))
    assert not Hold.objects.exists()

    seen = preview(order, ChangeAddress(address=YORK))
    confirm(order, ChangeAddress(address=YORK), key="k2")
    changing.cancel(order.pk, reason="Stolen card", actor=ANNA)

    assert seen.holds["raised"] == ["FRAUD"]
    assert Hold.objects.get().reason == "Changed: address."
    last = OrderChange.objects.order_by("-pk").first()
    assert (last.edits[0]["edit"], last.note) == ("cancel", "Stolen card")
    assert last.effect["money"]["next"] == "take_less"
    assert last.effect["money"]["difference"] == "-20.00"


def test_money_shares_discounts_and_taxes_and_takes_the_list_price_of_what_is_added():
    PriceListEntry.objects.create(channel=ChannelFactory(), sku="SKU-2", price=7, currency="GBP", valid_from=PLACED_AT)
    order = place(
        incoming_line(quantity=4, price="10.00", discount_total=Decimal(8), tax_total=Decimal(4)),
        discount_total=Decimal(8), tax_total=Decimal(4), shipping_total=Decimal(5), total=Decimal(41),
    )  # fmt: skip

    fewer = preview(order, ChangeQuantity(line=LINE, quantity=3))
    none = preview(order, Cancel())
    added = preview(order, AddLine(sku="SKU-2", quantity=1))

    assert (fewer.money["before"], fewer.money["difference"], fewer.money["next"]) == ("41.00", "-9.00", "refund")
    assert none.money["after"] == "0.00"
    assert (added.money["difference"], added.money["estimated"]) == ("7.00", True)


def test_edits_as_json_come_back_the_same_and_bad_ones_are_named_by_path():
    every = (
        ChangeAddress(address=YORK), ChangeQuantity(line="1", quantity=0), RemoveLine(line="2"),
        AddLine(sku="A", quantity=1, unit_price=Decimal("1.5000")), ChangeMethod(method="SHIP"),
        Substitute(line="3", sku="B"), Cancel(reason="x", lines=(CancelPart(line="1", quantity=1),)),
    )  # fmt: skip

    assert shapes.read(shapes.write(every)) == every
    with pytest.raises(Invalid) as refused:
        shapes.read([{"edit": "quantity", "line": "1", "quantity": -1}, {"edit": "fly"}, {"edit": "quantity"}])
    assert [problem.path for problem in refused.value.problems] == [
        "edits[0].quantity", "edits[1].edit", "edits[2].line", "edits[2].quantity",
    ]  # fmt: skip
