"""Rejected goods stay the customer's: sent home, kept with their word, or scrapped with it; the stock follows."""

from __future__ import annotations

import pytest

from core.errors import Invalid, Refusal
from core.models import Event
from exceptions.models import Case
from inventory.models import StockMovement
from orders.models import OrderLine
from returns.filters import ReturnFilter
from returns.models import Disposition, Inspection, RejectionChoice, ReturnLabel, ReturnRequest
from returns.services import dispositions, inspection, labels, rejected
from returns.services.inspection import Seen
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.returns import service
from tests.returns.bench import ANNA, bench_of, came_back, units

pytestmark = pytest.mark.django_db
HOME = {"line1": "4 Park Row", "city": "Leeds", "postal_code": "LS1 5HD", "country": "GB"}
CENTRE = {"line1": "1 Quay", "city": "Hull", "postal_code": "HU1", "country": "GB"}


def turned_down(units_: int = 2, *, aside: int = 0) -> Inspection:
    """Rejected units of one article, `aside` of them put aside already."""
    centre = LocationFactory(code="centre", name="Returns centre", returns=True, country="GB", address=CENTRE)
    rma = came_back(units_, at=centre, item=ItemFactory(sku="SKU-9", weight_grams=400), sent_from=HOME)
    bench = bench_of(rma)
    seen = inspection.inspect(bench.pk, Seen("D", "REJECTED", units_, note="Worn out"), key="look", actor=ANNA)
    if aside:
        dispositions.dispose(seen.pk, "QUARANTINE", quantity=aside, key="aside", actor=ANNA)
    return Inspection.objects.select_related("line__item", "line__request", "location").get(pk=seen.pk)


def stock(seen: Inspection) -> dict[str, int]:
    return {name: n for name, n in units(seen.line.item, seen.location).items() if n}


def test_rejected_goods_go_home_in_a_parcel_whose_cost_is_shown_and_leave_the_stock_when_handed_over():
    service()
    seen = turned_down(2, aside=1)
    (way,) = rejected.ways(seen.line.request, seen)
    assert (way.service, str(way.cost), way.currency) == ("post", "3.5000", "GBP")
    assert Case.objects.filter(reason="returns.rejected_waits", is_open=True).count() == 1

    made = rejected.give_back(seen.pk, key="home", actor=ANNA)
    assert rejected.give_back(seen.pk, key="home", actor=ANNA).pk == made.pk

    label = ReturnLabel.objects.get()
    assert (label.to_customer, label.status, made.status, str(made.cost)) == (True, "BOUGHT", "WAITING", "3.5000")
    assert stock(seen) == {"quarantined": 1, "awaiting_inspection": 1}
    with pytest.raises(Refusal) as gone:
        rejected.keep(seen.pk, words="Keep it", key="again", actor=ANNA)
    assert gone.value.code == "nothing_left"

    rejected.handed_over(made.pk, actor=ANNA)
    rejected.handed_over(made.pk, actor=ANNA)

    seen.refresh_from_db()
    seen.line.refresh_from_db()
    assert stock(seen) == {}
    assert (seen.chosen, seen.line.rejected, seen.line.sent_back) == (2, 2, 2)
    home = StockMovement.objects.filter(to_state="customer", cause_kind="return")
    assert sum(home.values_list("quantity", flat=True)) == 2
    assert OrderLine.objects.get(pk=seen.line.order_line_id).returned == 0
    assert Event.objects.filter(type="return.sent_back").count() == 1
    assert not Case.objects.filter(reason="returns.rejected_waits", is_open=True).exists()
    with pytest.raises(Refusal):
        labels.want(seen.line.request_id, actor=ANNA)


def test_what_the_customer_leaves_to_us_is_ours_and_what_they_let_us_scrap_is_gone():
    seen = turned_down(3, aside=3)
    for verb in (rejected.keep, rejected.scrap):
        with pytest.raises(Invalid, match="customer agreed"):
            verb(seen.pk, words=" ", key="silent", actor=ANNA)
    aside = Disposition.objects.get()
    with pytest.raises(Refusal) as theirs:
        dispositions.dispose(seen.pk, "RESTOCK", quantity=1, after=aside.pk, key="sell", actor=ANNA)
    assert theirs.value.code == "not_accepted"

    rejected.keep(seen.pk, quantity=1, words="By phone: we may keep it", key="keep", actor=ANNA)
    rejected.scrap(seen.pk, quantity=1, words="By mail: throw it away", key="scrap", actor=ANNA)
    dispositions.dispose(seen.pk, "OUTLET", quantity=1, after=aside.pk, key="sell", actor=ANNA)
    with pytest.raises(Refusal):
        dispositions.dispose(seen.pk, "OUTLET", quantity=1, after=aside.pk, key="more", actor=ANNA)
    with pytest.raises(Refusal, match="own step"):
        dispositions.dispose(seen.pk, "SEND_BACK", quantity=1, after=aside.pk, key="post", actor=ANNA)

    assert stock(seen) == {"damaged": 1, "quarantined": 1}
    assert Case.objects.filter(reason="returns.rejected_waits", is_open=True).exists()
    rejected.give_back(seen.pk, by_hand=True, key="counter", actor=ANNA)
    assert stock(seen) == {"damaged": 1}
    assert RejectionChoice.objects.filter(status="DONE").count() == 3
    assert not Case.objects.filter(reason="returns.rejected_waits", is_open=True).exists()


def test_a_parcel_home_may_be_called_off_while_it_is_here_and_accepted_goods_have_no_such_choice():
    service()
    seen = turned_down(1)
    made = rejected.give_back(seen.pk, key="home", actor=ANNA)

    rejected.call_off(made.pk, actor=ANNA)

    assert ReturnLabel.objects.get().status == "VOIDED"
    assert rejected.left(seen) == 1
    with pytest.raises(Refusal) as off:
        rejected.handed_over(made.pk, actor=ANNA)
    assert off.value.code == "called_off"
    other = came_back(1)
    taken = inspection.inspect(bench_of(other).pk, Seen("A"), key="yes", actor=ANNA)
    with pytest.raises(Refusal) as ours:
        rejected.give_back(taken.pk, by_hand=True, key="no", actor=ANNA)
    assert ours.value.code == "not_rejected"


def test_a_list_finds_returns_whose_rejected_goods_wait_for_a_word_though_they_ended():
    seen = turned_down(1)
    rma = seen.line.request
    waiting = lambda: list(ReturnFilter({"needs": ["word"]}, ReturnRequest.objects.all()).found())  # noqa: E731

    rma.refresh_from_db()
    assert (rma.status, waiting()) == ("COMPLETED", [rma])

    rejected.keep(seen.pk, words="Keep it", key="keep", actor=ANNA)
    assert waiting() == []
