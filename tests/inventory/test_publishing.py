"""Changes become publications: folded, leased, sent once with the latest figure, acknowledged and measured."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from core import jobs, metrics
from core.actors import SYSTEM
from core.errors import Refusal
from core.models import Job
from core.subjects import Subject
from exceptions import reasons
from exceptions.models import Case
from exceptions.services import standing
from inventory.models import AvailabilityChange, BufferRule, ChannelFeed, Location, Publication, SellRate
from inventory.services import full_publication, inbound, kits, movements, publishing, reservations, velocity
from inventory.services.inbound import Line
from inventory.services.publishing import Outcome
from inventory.services.reservations import Want
from tests.factories.inventory import ItemAliasFactory, ItemFactory, LocationFactory, StockFactory

pytestmark = pytest.mark.django_db
COUNTED = Subject("count", "1", "C-1")


@pytest.fixture
def stock():
    return StockFactory(sellable=10, item=ItemFactory(sku="COAT"))


@pytest.fixture
def feed(stock) -> ChannelFeed:
    return publishing.open_feed("web", "Web")


def change(stock, units: int, key: str) -> None:
    movements.adjust(stock.item_id, stock.location_id, units, reason="COUNT", key=key, cause=COUNTED, actor=SYSTEM)


def claim(feed, **options):
    publishing.fold_all()
    return publishing.claim(feed, **options)


def accept(batch) -> int:
    return publishing.acknowledge(batch, [Outcome(level.item_id, "their-1") for level in batch.levels])


def test_many_changes_of_one_item_are_one_publication_with_the_latest_figure(feed, stock):
    for n in range(5):
        change(stock, 1, f"a{n}")
    reservations.hold("d", [Want("1", stock.item_id, stock.location_id, 3)], actor=SYSTEM)

    batch = claim(feed)

    assert [(level.codes, level.units) for level in batch.levels] == [(("COAT",), {"": 12})]
    assert Publication.objects.get().changes == 6
    assert accept(batch) == 1
    assert claim(feed) is None


def test_without_a_feed_nothing_is_noticed_and_a_rolled_back_change_is_not_either(stock):
    change(stock, 1, "a")
    assert not AvailabilityChange.objects.exists()
    publishing.open_feed("web", "Web")

    with transaction.atomic():
        change(stock, 1, "b")
        transaction.set_rollback(True)

    assert not AvailabilityChange.objects.exists()


def test_what_cancels_itself_out_is_never_sent(feed, stock):
    change(stock, 1, "a")
    accept(claim(feed))
    change(stock, 1, "b")
    change(stock, -1, "c")

    batch = claim(feed)

    assert (batch.levels, batch.unchanged) == ([], 1)
    assert Publication.objects.get().dirty_since is None
    assert Publication.objects.get().publications == 1


def test_what_changes_while_a_figure_is_on_its_way_is_sent_next(feed, stock):
    change(stock, 1, "a")
    batch = claim(feed)
    change(stock, 5, "b")
    publishing.fold_all()
    assert publishing.claim(feed) is None  # one at a time

    accept(batch)

    assert [level.total for level in claim(feed).levels] == [16]


def test_a_sender_that_slept_past_its_lease_changes_nothing(feed, stock):
    change(stock, 1, "a")
    slow = claim(feed)
    Publication.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    change(stock, 1, "b")
    quick = claim(feed)

    assert not publishing.still_ours(slow)
    assert accept(slow) == 0
    assert publishing.still_ours(quick)
    assert accept(quick) == 1

    assert Publication.objects.get().level == {"": 12}


def test_a_channel_that_is_down_is_left_alone_and_hears_the_latest_when_it_is_back(feed, stock):
    change(stock, 1, "a")
    publishing.failed(claim(feed), "connection refused", seconds=30)
    for n in range(3):
        change(stock, 1, f"b{n}")

    feed.refresh_from_db()
    assert (feed.failures, feed.last_error) == (1, "connection refused")
    assert claim(feed) is None
    ChannelFeed.objects.update(backs_off_until=None)
    batch = claim(feed)

    assert [level.total for level in batch.levels] == [14]
    accept(batch)
    feed.refresh_from_db()
    assert (feed.failures, feed.last_error) == (0, "")


def test_the_latency_counts_from_the_oldest_change_the_channel_had_not_heard_of(feed, stock):
    change(stock, 1, "a")
    publishing.fold_all()
    Publication.objects.update(dirty_since=timezone.now() - timedelta(seconds=20))
    change(stock, 1, "b")

    accept(claim(feed))
    publishing.measure(feed.pk)

    feed.refresh_from_db()
    assert 20_000 <= feed.lag_p50_ms < 25_000
    assert feed.lag_p95_ms == feed.lag_p50_ms


def test_a_refused_figure_says_why_and_waits_for_the_next_change(feed, stock):
    change(stock, 1, "a")
    batch = claim(feed)

    publishing.acknowledge(batch, [Outcome(stock.item_id, problem="not stocked there")])

    known = Publication.objects.get()
    assert (known.problem, known.level, known.dirty_since) == ("not stocked there", None, None)
    change(stock, 1, "b")
    accept(claim(feed))
    assert Publication.objects.get().problem == ""


def test_an_item_the_channel_does_not_sell_is_asked_about_again_only_by_a_snapshot(feed, stock):
    change(stock, 1, "a")
    publishing.acknowledge(claim(feed), [Outcome(stock.item_id, unlisted=True)])
    change(stock, 1, "b")
    assert claim(feed).levels == []

    full_publication.request(feed.pk, actor=SYSTEM)

    assert [level.total for level in claim(feed).levels] == [12]


def test_the_figure_is_of_places_that_serve_and_after_the_channels_buffer(feed, stock):
    StockFactory(item=stock.item, sellable=5)
    StockFactory(item=stock.item, sellable=7, location=LocationFactory(ships=False, pickup=False))
    BufferRule.objects.create(channel="web", amount=2)

    assert [level.total for level in claim(feed).levels] == [11]


def test_a_rule_a_place_and_a_kit_that_change_are_noticed_too(feed, stock):
    def told() -> dict[str, int]:
        batch = claim(feed)
        accept(batch)
        return {level.codes[0]: level.total for level in batch.levels}

    change(stock, 1, "a")
    assert told() == {"COAT": 11}
    rule = BufferRule.objects.create(amount=2)
    assert told() == {"COAT": 9}
    rule.delete()
    assert told() == {"COAT": 11}
    kits.define(ItemFactory(sku="SET").pk, {stock.item_id: 2}, actor=SYSTEM)
    assert told() == {"SET": 5}
    Location.objects.filter(pk=stock.location_id).update(status="PAUSED")
    assert told() == {"COAT": 0, "SET": 0}


def test_a_change_of_a_part_is_a_change_of_its_kit(stock):
    kit = ItemFactory(sku="SET")
    kits.define(kit.pk, {stock.item_id: 2}, actor=SYSTEM)
    feed = publishing.open_feed("web", "Web")

    change(stock, 2, "a")

    assert {level.codes[0]: level.total for level in claim(feed).levels} == {"COAT": 12, "SET": 6}


def test_a_feed_by_location_names_each_and_the_channels_own_sku_comes_first(stock):
    feed = publishing.open_feed("web", "Web", per_location=True)
    StockFactory(item=stock.item, sellable=5, location=LocationFactory(code="YORK"))
    ItemAliasFactory(system="web", code="v-1", item=stock.item)
    change(stock, 1, "a")

    (level,) = claim(feed).levels

    assert level.codes == ("v-1", "COAT")
    assert level.units == {stock.location.code: 11, "YORK": 5}


def test_a_feed_that_promises_ahead_counts_what_is_due_in_time(stock):
    feed = publishing.open_feed("web", "Web", inbound_days=3)
    due = timezone.now() + timedelta(days=1)
    inbound.expect(Subject("transfer", "1"), [Line(stock.item_id, stock.location_id, 4)], due_at=due, actor=SYSTEM)

    assert [level.total for level in claim(feed).levels] == [14]


def test_a_snapshot_sends_every_figure_changed_or_not_and_its_job_ends_with_the_last(feed, stock):
    others = [StockFactory() for _ in range(3)]
    accept(claim(feed))
    job = full_publication.request(feed.pk, actor=SYSTEM)
    with pytest.raises(Refusal, match="already"):
        full_publication.request(feed.pk, actor=SYSTEM)

    accept(claim(feed, limit=2))
    job.refresh_from_db()
    assert (job.status, job.total, job.done) == ("RUNNING", 1 + len(others), 2)
    batch = claim(feed, limit=2)
    publishing.acknowledge(batch, [Outcome(batch.levels[0].item_id), Outcome(batch.levels[1].item_id, problem="no")])

    job.refresh_from_db()
    assert (job.status, job.done, job.failed) == ("DONE", 3, 1)
    assert ChannelFeed.objects.get().snapshot is None


def test_a_stopped_snapshot_lets_the_rest_be(feed, stock):
    job = full_publication.request(feed.pk, actor=SYSTEM)
    jobs.stop(job.pk)
    feed.refresh_from_db()

    full_publication.obey_stop(feed)

    assert Job.objects.get(pk=job.pk).status == "STOPPED"
    assert not Publication.objects.filter(forced=True).exists()


def test_a_closed_feed_is_told_nothing(feed, stock):
    change(stock, 1, "a")
    publishing.fold_all()
    publishing.close_feed("web")

    assert publishing.claim(feed) is None
    with pytest.raises(Refusal, match="isn't told"):
        full_publication.request(feed.pk, actor=SYSTEM)


def test_sell_rates_are_measured_only_where_a_rule_follows_them(stock):
    movements.issue(stock.item_id, stock.location_id, 7, key="s", cause=Subject("sale", "1"), actor=SYSTEM)
    assert velocity.measure() == 0
    BufferRule.objects.create(channel="web", measure="DERIVED", amount=2)

    assert velocity.measure() == 1

    assert float(SellRate.objects.get().per_day) == 0.5


def test_a_channel_that_has_not_heard_for_long_is_one_case_that_clears_itself(feed, stock):
    change(stock, 1, "a")
    publishing.fold_all()
    standing.open_standing()
    assert not Case.objects.exists()
    Publication.objects.update(dirty_since=timezone.now() - timedelta(minutes=11))

    standing.open_standing()
    standing.open_standing()

    case = Case.objects.get()
    assert (case.reason, case.subject_label) == ("inventory.channel_behind", "web")
    assert reasons.get(case.reason).evidence(case.subject_uid)
    accept(claim(feed))
    assert reasons.holds(case.reason, case.subject_uid) is False


def test_metrics_tell_how_far_behind_a_channel_is(feed, stock):
    change(stock, 1, "a")
    publishing.fold_all()

    page = metrics.page().decode()

    assert 'backroom_stock_figures_waiting{channel="web"} 1.0' in page
    assert 'backroom_stock_figures_lag_seconds{channel="web"}' in page
