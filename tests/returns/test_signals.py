"""What stands out among returns is found by the figures, kept as one case each, and ended when it is over."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from uuid import uuid4

import pytest
from django.utils import timezone

from core.actors import SYSTEM
from core.models import Job
from exceptions import reasons
from exceptions.models import Case
from inventory.models import Item
from orders.models import Channel, Order, OrderLine
from returns.models import Arrival, ReasonText, ReturnLine, ReturnRequest, ReturnSignal
from returns.services import reading, signals
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.orders import ChannelFactory
from tests.returns.bench import ANNA, approved, sold

pytestmark = pytest.mark.django_db
_numbers = count(1)


def bought(
    item: Item, channel: Channel, *, days: int, units: int, back: int = 0, after: int = 3, who: str = ""
) -> None:
    """An order of so many days ago of which so many units came back some days later, each asked for by itself."""
    n, now = next(_numbers), timezone.now()
    order = Order.objects.create(
        number=f"SO-T{n}", channel=channel, channel_ref=f"t{n}", source_version=1, source_digest=b"", currency="GBP",
        placed_at=now - timedelta(days=days), buyer_email=who or f"buyer-{n}@example.test",
    )  # fmt: skip
    line = OrderLine.objects.create(order=order, ref="1", position=1, item=item, ordered=units, fulfilled=units)
    if back:
        rma = ReturnRequest.objects.create(
            number=f"RMA-T{n}", uid=uuid4(), kind="API", order=order, currency="GBP", approved_at=now,
            created_at=now - timedelta(days=max(days - after, 0)), buyer_email=order.buyer_email,
        )  # fmt: skip
        ReturnLine.objects.create(request=rma, position=1, order_line=line, item=item, sku=item.sku, quantity=back)


@pytest.fixture
def shop():
    return ChannelFactory()


def year_of(item: Item, shop: Channel, *, before: int, lately: int) -> None:
    """40 units a week for a year; of ten units `before` came back each week, and `lately` in the last four."""
    for week in range(50):
        units_back = lately if week < 4 else before
        bought(item, shop, days=7 * week + 4, units=40, back=units_back * 4)


def test_an_article_whose_rate_rose_is_one_case_with_its_figures_until_it_is_over(shop):
    rose, same = ItemFactory(sku="ROSE"), ItemFactory(sku="SAME")
    year_of(rose, shop, before=1, lately=4)
    year_of(same, shop, before=2, lately=2)

    signals.measure("SKU", actor=SYSTEM)
    signals.measure("SKU", actor=SYSTEM)

    (signal,) = ReturnSignal.objects.all()
    assert (signal.kind, signal.dimension, signal.key) == ("RATE", "SKU", str(rose.pk))
    assert signal.figures["returned"] > 2 * signal.figures["expected"] > 0
    assert signal.chance < 1e-4
    case = Case.objects.get(reason="returns.rate_anomaly")
    evidence = reasons.get(case.reason).evidence(case.subject_uid)
    assert "its own history" in evidence[0].heading
    assert evidence[1].rows

    ReturnLine.objects.filter(item=rose, request__created_at__gt=timezone.now() - timedelta(days=28)).update(quantity=4)
    signals.measure("SKU", actor=SYSTEM)

    signal.refresh_from_db()
    case.refresh_from_db()
    assert signal.ended_at is not None
    assert not case.is_open


def test_returns_that_only_follow_a_peak_of_sales_are_no_anomaly(shop):
    item = ItemFactory()
    for week in range(2, 50):
        bought(item, shop, days=7 * week + 4, units=40, back=4, after=5)
    for _ in range(10):  # sold in a rush a month ago, hardly anything since: the returns of the rush come now
        bought(item, shop, days=30, units=40, back=4, after=5)

    assert signals.measure("SKU", actor=SYSTEM) == []


def test_a_new_article_has_no_history_to_be_held_against(shop):
    item = ItemFactory()
    bought(item, shop, days=6, units=10, back=9)

    assert signals.measure("SKU", actor=SYSTEM) == []


def test_channel_store_and_customer_are_measured_too(shop):
    item, outlet, store = ItemFactory(), ChannelFactory(code="outlet"), LocationFactory(name="Leeds")
    for week in range(50):
        lately = 6 if week < 4 else 1
        bought(item, outlet, days=7 * week + 4, units=20, back=lately, who="ada@example.test")
    Order.objects.filter(channel=outlet).update(pickup_location=store)

    found = {
        name: [each.key for each in signals.measure(name, actor=SYSTEM)] for name in ("CHANNEL", "STORE", "CUSTOMER")
    }

    assert found == {"CHANNEL": [str(outlet.pk)], "STORE": [str(store.pk)], "CUSTOMER": ["ada@example.test"]}
    assert ReturnSignal.objects.get(dimension="STORE").site == store.site


def test_somebody_who_sends_most_back_is_a_case_and_nothing_is_refused(shop):
    item = ItemFactory()
    for n in range(6):
        bought(item, shop, days=20 * n + 5, units=4, back=4, who="Bo@Example.test")
        bought(item, shop, days=20 * n + 5, units=40, back=1)

    (signal,) = signals.measure("RETURNER", actor=SYSTEM)

    assert (signal.key, signal.figures["returned"], signal.figures["bought"]) == ("bo@example.test", 24, 24)
    assert Case.objects.get().reason == "returns.serial_returner"
    assert not ReturnRequest.objects.filter(status="DECLINED").exists()


def test_returns_that_keep_not_being_what_they_say_are_a_case(shop):
    item, place = ItemFactory(), LocationFactory()
    for _ in range(3):
        approved(None, (item, 1), at=place, buyer_email="cy@example.test")
    for _ in range(2):
        rma = approved(sold((item, 1)), (item, 1), at=place, buyer_email="di@example.test")
        Arrival.objects.create(
            line=rma.lines.get(), location=place, item=item, quantity=1, kind="WRONG_ITEM", key=rma.number
        )
    approved(None, (item, 1), at=place, buyer_email="once@example.test")

    found = {each.key: each.figures for each in signals.measure("RECEIPT", actor=SYSTEM)}

    assert set(found) == {"cy@example.test", "di@example.test"}
    assert found["cy@example.test"]["blind"] == 3
    assert found["di@example.test"]["other"] == 2


def test_everything_is_measured_as_a_job_with_progress(shop):
    job = signals.start(actor=SYSTEM)
    assert signals.start(actor=SYSTEM).pk == job.pk

    signals.work_off(job.pk, actor=SYSTEM)

    job = Job.objects.get(pk=job.pk)
    assert (job.status, job.done, job.total) == ("DONE", 6, 6)


def told(text: str, reason: str = "UNKNOWN") -> ReturnLine:
    item = ItemFactory()
    rma = approved(sold((item, 1)), (item, 1))
    line = rma.lines.get()
    ReturnLine.objects.filter(pk=line.pk).update(reason_text=text, reason=reason)
    reading.read(line.pk, actor=SYSTEM)
    reading.read(line.pk, actor=SYSTEM)
    line.refresh_from_db()
    return line


def test_words_are_learnt_from_what_customers_ticked_and_from_corrections():
    for text in ("too small for me", "small, does not fit", "way too small", "size small"):
        told(text, "TOO_SMALL")
    for text in ("broke after a day", "broken zip", "the zip broke", "stopped working"):
        told(text, "DEFECTIVE")

    line = told("Far too small on me")
    assert line.reason == "TOO_SMALL"
    assert "small" in ReasonText.objects.get(line=line).because
    assert reading.guess("zip is broken").reason == "DEFECTIVE"

    for text in ("scratched lens", "lens scratched", "deep scratch on the lens"):
        reading.correct(told(text).pk, "DAMAGED", actor=ANNA)
    assert reading.guess("a scratched lens").reason == "DAMAGED"


def test_a_correction_takes_the_earlier_lesson_back():
    line = told("lining is torn", "UNWANTED")
    reading.correct(line.pk, "DEFECTIVE", actor=ANNA)
    reading.correct(line.pk, "DEFECTIVE", actor=ANNA)

    from returns.models import ReasonCount

    counts = {(c.word, c.reason): c.texts for c in ReasonCount.objects.filter(word__in=["", "torn"])}
    assert counts[("torn", "DEFECTIVE")] == 1
    assert counts[("torn", "UNWANTED")] == 0
    assert ReasonText.objects.get(line=line).corrected_by == "Anna Bench"
