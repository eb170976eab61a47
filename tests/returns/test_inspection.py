"""Grade, money and what becomes of it: each unit once, whoever looks, and the ledger agrees at every step."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from core.errors import Invalid, Refusal
from core.models import Event
from exceptions.models import Case
from inventory.models import Publication, StockMovement
from inventory.services import publishing
from orders.models import OrderLine
from returns.models import Disposition, Inspection, ReturnLine
from returns.services import disposition_rules, dispositions, inspection, receiving
from returns.services.inspection import Seen
from returns.services.receiving import Found
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.returns.bench import ANNA, BEN, approved, bench_of, came_back, sold, units

pytestmark = pytest.mark.django_db


def look(rma, grade="A", key="look", **seen) -> Inspection:
    return inspection.inspect(bench_of(rma).pk, Seen(grade, **seen), key=key, actor=ANNA)


def told(rma) -> list[str]:
    return list(Event.objects.filter(subject_kind="return", subject_uid=str(rma.pk)).order_by("pk")
                .values_list("type", flat=True))  # fmt: skip


def test_restocked_units_are_sellable_at_once_and_a_publication_is_due():
    item, leeds = ItemFactory(), LocationFactory()
    publishing.open_feed("webshop", "Webshop", per_location=True)
    rma = came_back(2, item=item, at=leeds)
    publishing.fold_all()
    Publication.objects.all().delete()

    look(rma, quantity=2, disposition="RESTOCK")
    publishing.fold_all()

    assert units(item, leeds) == {"sellable": 2}
    due = Publication.objects.get(item=item, feed__channel="webshop")
    assert due.dirty_since is not None
    assert told(rma)[-3:] == ["return.disposed", "return.restocked", "return.completed"]


def test_accepted_units_are_the_orders_again_and_the_customers_money():
    rma = came_back(2)

    look(rma, quantity=2)

    line = ReturnLine.objects.get(request=rma)
    assert (line.accepted, line.acceptance) == (2, "ACCEPTED")
    assert OrderLine.objects.get(pk=line.order_line_id).returned == 2
    fact = Event.objects.get(type="return.accepted")
    assert fact.data["lines"] == [{"line": line.pk, "order_line": line.order_line_id, "sku": line.sku, "quantity": 2}]


def test_of_two_inspectors_the_second_finds_nothing_left():
    rma = came_back(1)
    bench = bench_of(rma)

    first = inspection.inspect(bench.pk, Seen("A"), key="anna", actor=ANNA)
    again = inspection.inspect(bench.pk, Seen("A"), key="anna", actor=ANNA)
    with pytest.raises(Refusal, match="looked at them already"):
        inspection.inspect(bench.pk, Seen("D"), key="ben", actor=BEN)

    assert again.pk == first.pk
    assert ReturnLine.objects.get(request=rma).accepted == 1


def test_units_of_one_line_may_fare_differently_and_add_up():
    rma = came_back(3)

    look(rma, "A", "one", disposition="RESTOCK")
    look(rma, "D", "two", verdict="REJECTED", note="Worn for weeks")
    look(rma, "C", "three", verdict="REVIEW")

    line = ReturnLine.objects.get(request=rma)
    assert (line.accepted, line.rejected, line.undecided, line.acceptance) == (1, 1, 1, "REVIEW")
    opened = Case.objects.still_open().order_by("reason").values_list("reason", flat=True)
    assert list(opened) == ["returns.rejected_waits", "returns.review"]

    open_ = Inspection.objects.get(verdict="REVIEW")
    inspection.decide(open_.pk, "ACCEPTED", actor=BEN)
    inspection.decide(open_.pk, "ACCEPTED", actor=BEN)

    line.refresh_from_db()
    assert (line.accepted, line.undecided, line.acceptance) == (2, 0, "ACCEPTED")
    assert [case.reason for case in Case.objects.still_open()] == ["returns.rejected_waits"]
    with pytest.raises(Refusal, match="accepted by Ben"):
        inspection.decide(open_.pk, "REJECTED", note="no", actor=ANNA)


def test_what_the_customer_still_owns_can_only_be_put_aside():
    rma = came_back(1)
    seen = look(rma, verdict="REVIEW")

    for kind in ("RESTOCK", "SCRAP", "OUTLET", "RETURN_TO_VENDOR", "REFURBISH"):
        with pytest.raises(Refusal) as refusal:
            dispositions.dispose(seen.pk, kind, key=kind, actor=ANNA)
        assert refusal.value.code == "not_accepted"
    dispositions.dispose(seen.pk, "QUARANTINE", key="aside", actor=ANNA)

    line = ReturnLine.objects.select_related("item").get(request=rma)
    assert units(line.item, rma.location) == {"quarantined": 1}


def test_a_line_moves_twice_and_the_ledger_follows():
    item, leeds = ItemFactory(), LocationFactory()
    rma = came_back(3, item=item, at=leeds)
    seen = look(rma, "D", quantity=3)

    first = dispositions.dispose(seen.pk, "REFURBISH", key="r", actor=ANNA)
    assert units(item, leeds) == {"quarantined": 3}
    dispositions.dispose(seen.pk, "RESTOCK", quantity=1, after=first.pk, key="back", actor=BEN)
    dispositions.dispose(seen.pk, "RESTOCK", quantity=1, after=first.pk, key="back", actor=BEN)
    dispositions.dispose(seen.pk, "SCRAP", after=first.pk, key="bin", actor=BEN)

    assert units(item, leeds) == {"sellable": 1}
    first.refresh_from_db()
    assert (first.quantity, first.here) == (3, 0)
    lost = StockMovement.objects.get(item=item, to_state="shrinkage")
    assert (lost.quantity, lost.reason, lost.from_state) == (2, "DAMAGE", "quarantined")
    with pytest.raises(Refusal, match="0 units are left"):
        dispositions.dispose(seen.pk, "OUTLET", quantity=1, after=first.pk, key="late", actor=BEN)
    gone = Disposition.objects.get(kind="SCRAP")
    with pytest.raises(Refusal, match="left the house"):
        dispositions.dispose(seen.pk, "RESTOCK", after=gone.pk, key="undead", actor=BEN)


@pytest.mark.parametrize(
    ("kind", "state"),
    [("RESTOCK", {"sellable": 1}), ("OUTLET", {"damaged": 1}), ("QUARANTINE", {"quarantined": 1}),
     ("REFURBISH", {"quarantined": 1}), ("RETURN_TO_VENDOR", {}), ("SCRAP", {}), ("MISSING", {})],
)  # fmt: skip
def test_every_disposition_is_one_stock_movement(kind, state):
    item, leeds = ItemFactory(), LocationFactory()
    rma = came_back(1, item=item, at=leeds)
    seen = look(rma)

    made = dispositions.dispose(seen.pk, kind, key="x", actor=ANNA)

    assert units(item, leeds) == state
    moved = StockMovement.objects.get(key=f"return:disposition:{made.pk}")
    assert (moved.from_state, moved.to_state, moved.quantity) == ("awaiting_inspection", made.state, 1)
    assert moved.cause_kind == "return"


def test_units_that_vanished_from_the_bench_are_missing_and_still_the_customers_money():
    item, leeds = ItemFactory(), LocationFactory()
    rma = came_back(1, item=item, at=leeds)

    look(rma, "", missing=True)

    assert units(item, leeds) == {}
    assert Disposition.objects.get().kind == "MISSING"
    assert ReturnLine.objects.get(request=rma).accepted == 1


def test_another_serial_is_never_accepted_by_the_inspector_alone():
    mug, leeds = ItemFactory(), LocationFactory()
    rma = approved(sold((mug, 1)), (mug, 1), at=leeds)
    ReturnLine.objects.filter(request=rma).update(serials=["SN-1"])
    receiving.receive(rma.pk, Found(mug.sku), location_id=leeds.pk, key="in", actor=ANNA)

    seen = look(rma, serial="SN-2")

    assert (seen.verdict, seen.serial_fits) == ("REVIEW", False)
    assert ReturnLine.objects.get(request=rma).accepted == 0


def test_more_than_ever_left_is_for_a_person():
    item, leeds = ItemFactory(), LocationFactory()
    order = sold((item, 1))
    rma = approved(order, (item, 2), at=leeds)
    receiving.receive(rma.pk, Found(item.sku, 2), location_id=leeds.pk, key="in", actor=ANNA)

    assert look(rma, quantity=2).verdict == "REVIEW"
    assert OrderLine.objects.get(order=order).returned == 0


def test_a_rejection_says_why_and_a_grade_is_one_of_five():
    rma = came_back(1)

    with pytest.raises(Invalid) as invalid:
        look(rma, "Z", verdict="REJECTED")

    assert [problem.path for problem in invalid.value.problems] == ["grade", "note"]
    assert not Inspection.objects.exists()


def test_the_database_itself_keeps_what_was_seen_and_decided():
    rma = came_back(1)
    seen = look(rma, disposition="RESTOCK")

    for change in (
        lambda: Inspection.objects.filter(pk=seen.pk).update(grade="E"),
        lambda: Disposition.objects.update(quantity=5),
        lambda: Disposition.objects.all().delete(),
        lambda: bench_of(rma).__class__.objects.update(inspected=2),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_the_rule_that_speaks_is_kept_with_what_a_person_chose_instead():
    shoes = ItemFactory(attributes={"family": "Shoes"})
    draft = disposition_rules.draft(actor=BEN)
    rules = disposition_rules.parse(
        [
            {"grade": "B", "disposition": "OUTLET"},
            {"grade": "B", "category": "shoes", "disposition": "SCRAP", "below": "30"},
            {"category": "", "disposition": ""},
        ]
    )
    disposition_rules.word(draft.pk, rules, actor=BEN)
    disposition_rules.launch(draft.pk, actor=BEN)
    proposal = dispositions.propose(shoes, "B", Decimal(40))
    rma = came_back(1, item=shoes)

    look(rma, "B", disposition="RESTOCK")

    assert (proposal.kind, dispositions.propose(shoes, "B", Decimal(29)).kind) == ("OUTLET", "SCRAP")
    assert dispositions.propose(shoes, "C", None).kind == ""
    made = Disposition.objects.get()
    assert (made.kind, made.proposed, made.chosen, made.rules) == ("RESTOCK", "OUTLET", True, draft)
    assert "grade B" in made.rule


def test_a_version_that_was_live_stays_as_it_was_and_a_draft_can_be_tried_out():
    rma = came_back(2)
    look(rma, "C", quantity=2)
    first = disposition_rules.draft(actor=BEN)
    disposition_rules.launch(first.pk, actor=BEN)
    second = disposition_rules.draft(actor=BEN)
    disposition_rules.word(second.pk, disposition_rules.parse([{"grade": "C", "disposition": "SCRAP"}]), actor=BEN)

    trial = disposition_rules.try_out(second.pk)

    assert (trial.seen, trial.differ, trial.silent) == (2, 2, 0)
    assert trial.moves == [("To the outlet", "Scrapped", 2)]
    with pytest.raises(Refusal, match="is live"):
        disposition_rules.word(first.pk, [], actor=BEN)
    with pytest.raises(IntegrityError), transaction.atomic():
        first.rules.all().delete()
    disposition_rules.launch(second.pk, actor=BEN)
    first.refresh_from_db()
    assert first.status == "RETIRED"
