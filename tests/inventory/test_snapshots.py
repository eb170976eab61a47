"""What another system says, taken in: understood or not, compared with the books, put right or cleared by a late fact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from core import audit
from core.actors import SYSTEM
from core.errors import Invalid, Refusal
from core.subjects import Subject
from exceptions.models import Case
from exceptions.services import cases
from inventory.models import (
    ItemAlias,
    ReportedStock,
    Reservation,
    SnapshotLine,
    StatusMap,
    Stock,
    StockDifference,
    StockMovement,
    StockSnapshot,
    StockSource,
)
from inventory.services import correcting, differences, movements, reservations, snapshots, sources
from inventory.services.reservations import Want
from inventory.snapshots import ALIAS, GTIN, Code, IncomingSnapshot, ReportedLine
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory

pytestmark = pytest.mark.django_db
CAUSE = Subject("message", "1", "Message 1")


@pytest.fixture
def wms(db: None) -> StockSource:
    return sources.ensure("wms", name="Wakefield WMS", kind="WMS", actor=SYSTEM)


def line(stock: Stock, quantity: int | None, status: str = "on hand") -> ReportedLine:
    return ReportedLine((Code(stock.item.sku),), stock.location.code, status, quantity)


def take(source: StockSource, *lines: ReportedLine, ref: str = "", as_of: datetime | None = None, **more):
    ref = ref or f"ref-{StockSnapshot.objects.count()}"
    return snapshots.take(source, IncomingSnapshot(ref, as_of, lines, **more), cause=CAUSE, actor=SYSTEM).snapshot


def about(key: str, **more):
    return {"key": key, "cause": Subject("order", "7", "SO-7"), "actor": SYSTEM, **more}


def open_cases(reason: str = differences.REASON) -> int:
    return Case.objects.filter(reason=reason, is_open=True).count()


def test_equal_figures_open_nothing(wms):
    stock = StockFactory(sellable=8, damaged=2)

    snapshot = take(wms, line(stock, 10), line(stock, 2, "Damaged"))

    assert (snapshot.lines_total, snapshot.compared, snapshot.unresolved) == (2, 2, 0)
    assert not StockDifference.objects.exists()
    assert not Case.objects.exists()


def test_a_difference_is_one_case_with_both_sides_and_a_likely_cause(wms):
    stock = StockFactory(sellable=8)

    take(wms, line(stock, 5))
    take(wms, line(stock, 5))

    difference = StockDifference.objects.get()
    assert (difference.units, difference.gross, difference.deltas) == (-3, 3, {"sellable": -3})
    case = Case.objects.get()
    assert (case.reason, case.subject_kind, case.subject_uid) == (differences.REASON, "stock", str(stock.pk))
    assert "Wakefield WMS has \N{MINUS SIGN}3 units" in case.summary


def test_taking_it_twice_changes_nothing_and_a_borrowed_reference_is_refused(wms):
    stock = StockFactory(sellable=8)
    as_of = timezone.now() - timedelta(minutes=1)
    first = snapshots.take(wms, IncomingSnapshot("S-1", as_of, (line(stock, 5),)), cause=CAUSE, actor=SYSTEM)

    again = snapshots.take(wms, IncomingSnapshot("S-1", as_of, (line(stock, 5),)), cause=CAUSE, actor=SYSTEM)
    with pytest.raises(Refusal) as refusal:
        snapshots.take(wms, IncomingSnapshot("S-1", as_of, (line(stock, 6),)), cause=CAUSE, actor=SYSTEM)

    assert (again.snapshot.pk, again.replayed, first.replayed) == (first.snapshot.pk, True, False)
    assert refusal.value.code == "ref_reused"
    assert StockSnapshot.objects.count() == SnapshotLine.objects.count() == StockDifference.objects.count() == 1


def test_what_moved_since_the_source_looked_is_no_difference(wms):
    stock = StockFactory(sellable=8)
    looked = timezone.now() - timedelta(hours=1)
    movements.issue(stock.item_id, stock.location_id, 3, **about("sale"))
    movements.receive(stock.item_id, stock.location_id, 4, **about("receipt"))

    take(wms, line(stock, 8), as_of=looked)

    assert not StockDifference.objects.exists()


def test_a_sale_that_was_recorded_late_clears_its_difference_and_case(wms):
    stock = StockFactory(sellable=8)
    looked = timezone.now() - timedelta(hours=1)
    take(wms, line(stock, 5), as_of=looked)
    assert open_cases() == 1

    movements.issue(stock.item_id, stock.location_id, 3, **about("till", occurred_at=looked - timedelta(minutes=5)))
    differences.sweep()

    assert open_cases() == 0
    assert not StockDifference.objects.open().exists()
    assert StockDifference.objects.get().ended_by


def test_an_older_snapshot_that_arrives_late_is_kept_and_changes_nothing(wms):
    stock = StockFactory(sellable=8)
    now = timezone.now()
    take(wms, line(stock, 8), as_of=now - timedelta(minutes=1))

    late = take(wms, line(stock, 2), as_of=now - timedelta(hours=3))

    assert late.compared == 1
    assert ReportedStock.objects.get().on_hand == 8
    assert not StockDifference.objects.exists()


def test_promised_units_are_left_out_where_a_source_says_what_is_free(wms):
    stock = StockFactory(sellable=8)
    reservations.hold("order:1", [Want("1", stock.item_id, stock.location_id, 3)], actor=SYSTEM)

    take(wms, line(stock, 5, "available"))

    assert not StockDifference.objects.exists()


def test_a_promise_made_after_the_source_looked_is_no_difference(wms):
    stock = StockFactory(sellable=8)
    looked = timezone.now() - timedelta(hours=1)
    reservations.hold("order:1", [Want("1", stock.item_id, stock.location_id, 3)], actor=SYSTEM)

    take(wms, line(stock, 8, "available"), as_of=looked)
    part = (Reservation.objects.get().pk, 3)
    reservations.release([part], key="x", reason="test", actor=SYSTEM)
    differences.sweep()

    assert not StockDifference.objects.exists()


def test_units_within_the_tolerance_are_shown_but_open_no_case(wms):
    StockSource.objects.filter(pk=wms.pk).update(tolerance_units=2)
    stock = StockFactory(sellable=8)

    take(wms, line(stock, 6))

    assert StockDifference.objects.get().beyond is False
    assert not Case.objects.exists()


def test_unknown_words_are_cases_and_never_guessed(wms):
    stock = StockFactory(sellable=8)
    alien = ReportedLine((Code("NO-SUCH-SKU"),), stock.location.code, "on hand", 4)
    nowhere = ReportedLine((Code(stock.item.sku),), "dock-9", "on hand", 4)

    snapshot = take(wms, alien, nowhere, line(stock, 1, "Hospital stock"), line(stock, None), line(stock, 8))

    assert (snapshot.compared, snapshot.ignored, snapshot.unresolved) == (1, 1, 3)
    assert {c.reason.removeprefix("inventory.snapshot_") for c in Case.objects.filter(is_open=True)} == {
        "unknown_item", "unknown_location", "unmapped_status",
    }  # fmt: skip
    assert not StockDifference.objects.exists()


def test_explaining_the_words_compares_their_lines_and_clears_the_cases(wms):
    stock = StockFactory(sellable=8)
    place = stock.location
    unknown = ReportedLine((Code("their-sku"),), "dock-9", "Hospital stock", 1)
    snapshot = take(wms, unknown, line(stock, 8))
    assert Case.objects.filter(is_open=True).count() == 3

    sources.name_item(wms.pk, "their-sku", stock.item_id, actor=SYSTEM)
    sources.name_location(wms.pk, "dock-9", place.pk, actor=SYSTEM)
    sources.map_statuses(wms.pk, {"hospital  STOCK": "damaged"}, actor=SYSTEM)
    found = snapshots.resolve_again(wms.pk, actor=SYSTEM)
    again = snapshots.resolve_again(wms.pk, actor=SYSTEM)

    snapshot.refresh_from_db()
    assert (found, again) == (1, 0)
    assert (snapshot.compared, snapshot.unresolved) == (2, 0)
    assert StockDifference.objects.get().deltas == {"damaged": 1, "sellable": -1}
    assert [case.reason for case in Case.objects.filter(is_open=True)] == [differences.REASON]
    assert StatusMap.objects.filter(source=wms).count() == 2
    assert snapshot.status_map.version == 1  # how it was first read stays written down


def test_ids_of_the_other_system_are_never_taken_for_skus(wms):
    stock = StockFactory(sellable=8, item=ItemFactory(sku="808950810"))
    by_id = ReportedLine((Code("808950810", ALIAS),), stock.location.code, "on hand", 1)

    snapshot = take(wms, by_id)

    assert snapshot.unresolved == 1
    assert not StockDifference.objects.exists()


def test_names_that_mean_different_items_are_ambiguous(wms):
    stock = StockFactory(sellable=8, item=ItemFactory(sku="A-1", gtin="4006381333931"))
    other = ItemFactory(sku="B-1")
    both = ReportedLine((Code(other.sku), Code("4006381333931", GTIN)), stock.location.code, "on hand", 8)
    agreed = ReportedLine((Code("A-1"), Code("04006381333931", GTIN)), stock.location.code, "on hand", 8)

    snapshot = take(wms, both, agreed)

    assert (snapshot.compared, snapshot.unresolved) == (1, 1)
    assert SnapshotLine.objects.get(outcome="UNRESOLVED").problem == "ambiguous_item"


def test_a_complete_snapshot_has_none_of_what_it_does_not_name(wms):
    stock = StockFactory(sellable=8)
    missing = StockFactory(sellable=3, location=stock.location)
    StockFactory(sellable=5)  # elsewhere: not spoken of

    snapshot = take(wms, line(stock, 8), complete=True)

    assert (snapshot.lines_total, snapshot.compared) == (2, 2)
    difference = StockDifference.objects.get()
    assert (difference.item_id, difference.units) == (missing.item_id, -3)


def test_one_click_makes_the_books_say_the_same_and_clears_the_case(wms):
    stock = StockFactory(sellable=8, damaged=1)
    take(wms, line(stock, 5, "sellable"), line(stock, 3, "damaged"))
    before = StockMovement.objects.count()
    assert [(m.from_state, m.to_state, m.quantity) for m in correcting.plan(stock.pk).moves] == [
        ("sellable", "damaged", 2), ("sellable", "shrinkage", 1),
    ]  # fmt: skip
    assert StockMovement.objects.count() == before

    correcting.correct(stock.pk, actor=SYSTEM)

    stock.refresh_from_db()
    assert (stock.sellable, stock.damaged) == (5, 3)
    assert open_cases() == 0
    with pytest.raises(Refusal, match="agree by now"):
        correcting.correct(stock.pk, actor=SYSTEM)
    assert StockMovement.objects.count() == before + 2
    assert all(not finding.broken for finding in audit.audit("inventory."))


def test_promised_units_are_not_corrected_away(wms):
    stock = StockFactory(sellable=8)
    reservations.hold("order:1", [Want("1", stock.item_id, stock.location_id, 8)], actor=SYSTEM)
    take(wms, line(stock, 5))

    with pytest.raises(Refusal) as refusal:
        correcting.correct(stock.pk, actor=SYSTEM)

    assert refusal.value.code == "not_enough_stock"
    stock.refresh_from_db()
    assert (stock.sellable, open_cases()) == (8, 1)


def test_two_sources_that_disagree_with_each_other_are_for_a_count(wms):
    stock = StockFactory(sellable=8)
    erp = sources.ensure("erp", name="ERP", kind="ERP", actor=SYSTEM)
    take(wms, line(stock, 5))
    take(erp, line(stock, 6))

    with pytest.raises(Refusal) as refusal:
        correcting.plan(stock.pk)

    assert refusal.value.code == "sources_disagree"
    assert open_cases() == 1


def test_a_case_stands_while_any_source_differs(wms):
    stock = StockFactory(sellable=8)
    erp = sources.ensure("erp", name="ERP", kind="ERP", actor=SYSTEM)
    take(wms, line(stock, 5))
    take(erp, line(stock, 5))

    take(wms, line(stock, 8))
    assert open_cases() == 1
    take(erp, line(stock, 8))

    assert open_cases() == 0


def test_stock_we_have_never_had_is_a_difference_too(wms):
    item, place = ItemFactory(), LocationFactory()

    take(wms, ReportedLine((Code(item.sku),), place.code, "on hand", 4))

    stock = Stock.objects.get()
    assert StockDifference.objects.get().units == 4
    assert Case.objects.get().subject_uid == str(stock.pk)


def test_a_waived_difference_opens_no_second_case(wms):
    stock = StockFactory(sellable=8)
    take(wms, line(stock, 5))
    case = Case.objects.get()

    assert cases.open_standing([differences.REASON]) == 0
    assert case.site_id == stock.location.site_id


@pytest.mark.parametrize(
    ("incoming", "path"),
    [
        (IncomingSnapshot("", None, (ReportedLine((Code("A"),), "X", "on hand", 1),)), "ref"),
        (IncomingSnapshot("r", None, ()), "lines"),
        (IncomingSnapshot("r", datetime(2199, 1, 1, tzinfo=UTC), (ReportedLine((Code("A"),), "X", "s", 1),)), "as_of"),
    ],
)
def test_a_snapshot_that_makes_no_sense_is_refused_whole(wms, incoming, path):
    with pytest.raises(Invalid) as invalid:
        snapshots.take(wms, incoming, cause=CAUSE, actor=SYSTEM)

    assert [problem.path for problem in invalid.value.problems] == [path]
    assert not StockSnapshot.objects.exists()


def test_a_code_means_one_item_for_ever(wms):
    first, second = ItemFactory(), ItemFactory()
    sources.name_item(wms.pk, "x", first.pk, actor=SYSTEM)
    sources.name_item(wms.pk, "x", first.pk, actor=SYSTEM)

    with pytest.raises(Refusal) as refusal:
        sources.name_item(wms.pk, "x", second.pk, actor=SYSTEM)

    assert refusal.value.code == "alias_taken"
    assert ItemAlias.objects.get().item == first


def test_a_map_that_somebody_changed_meanwhile_is_not_overwritten(wms):
    sources.map_statuses(wms.pk, {"x": "damaged"}, version=1, actor=SYSTEM)

    with pytest.raises(Refusal) as refusal:
        sources.map_statuses(wms.pk, {"y": "damaged"}, version=1, actor=SYSTEM)
    with pytest.raises(Invalid):
        sources.map_statuses(wms.pk, {"y": "sold"}, version=2, actor=SYSTEM)

    assert refusal.value.code == "map_changed"
    assert StatusMap.objects.count() == 2


def test_the_database_keeps_versions_and_counts(wms):
    stock = StockFactory(sellable=8)
    snapshot = take(wms, line(stock, 8))

    with pytest.raises(IntegrityError), transaction.atomic():
        StockSnapshot.objects.filter(pk=snapshot.pk).update(compared=7)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE inventory_statusmap SET note = 'x'")
