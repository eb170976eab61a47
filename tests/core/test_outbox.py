"""The relay's promises, one by one. What happens when processes die is in test_outbox_deaths.py."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from core import actors, events, leases, outbox
from core.errors import Permanent, Refusal, TryLater
from core.leases import Ending
from core.models import Delivery, Event

pytestmark = pytest.mark.django_db


def statuses() -> list[str]:
    return list(Delivery.objects.order_by("seq").values_list("status", flat=True))


def expire_leases() -> None:
    Delivery.objects.exclude(leased_until=None).update(leased_until=F("leased_until") - timedelta(hours=1))


def test_a_handler_hears_the_whole_fact(wired, happen):
    heard = wired()
    made = happen("5", data={"n": 1}, related=[(events.Subject("part", "8", "Eight"), "part")])

    tally = outbox.drain()

    fact = heard[0]
    event = Event.objects.get(pk=made)
    assert tally.delivered == 1
    assert (fact.id, fact.uid, fact.seq, fact.occurred_at) == (made, event.uid, made, event.occurred_at)
    assert (fact.subject.uid, fact.subject.label, fact.data) == ("5", "Thing 5", {"n": 1})
    assert [(other.uid, other.label, role) for other, role in fact.related] == [("8", "Eight", "part")]
    assert fact.actor == actors.SYSTEM
    assert statuses() == ["DELIVERED"]


def test_a_lane_keeps_its_order_whatever_the_batch(wired, happen):
    heard = wired()
    wanted = {uid: [happen(uid, data={"n": n}) for n in range(7)] for uid in "abc"}

    for _ in range(40):
        outbox.dispatch("default", batch=4)

    assert {uid: [f.id for f in heard if f.subject.uid == uid] for uid in "abc"} == wanted


def test_a_lane_in_somebodys_hand_is_left_alone(wired, happen):
    wired()
    first = [happen("a") for _ in range(3)]
    other = happen("b")

    mine = leases.claim("default", 1)
    theirs = leases.claim("default", 10)

    assert [d.fact.id for lane in mine.lanes for d in lane] == first[:1]
    assert [d.fact.id for lane in theirs.lanes for d in lane] == [other]


def test_one_lease_takes_a_run_of_a_lane(wired, happen):
    wired()
    made = [happen("a") for _ in range(5)]

    lease = leases.claim("default", 10)

    assert [[d.fact.id for d in lane] for lane in lease.lanes] == [made]


def test_a_failure_stops_its_lane_and_no_other(wired, happen, monkeypatch):
    monkeypatch.setattr(outbox, "backoff", lambda attempts: 60.0)  # a lucky jitter of none would try it again at once

    def handler(fact):
        if fact.subject.uid == "a":
            raise ConnectionError("not now")

    wired(handler=handler)
    for uid in ("a", "a", "b", "b"):
        happen(uid)

    tally = outbox.drain()

    assert (tally.delivered, tally.failed, tally.released) == (2, 1, 1)
    assert statuses() == ["PENDING", "PENDING", "DELIVERED", "DELIVERED"]
    failed, untried = Delivery.objects.filter(status="PENDING").order_by("seq")
    assert (failed.attempts, failed.last_error) == (1, "ConnectionError: not now")
    assert (untried.attempts, untried.lease_token) == (0, None)


def test_an_expired_owner_cannot_finish(wired, happen):
    wired()
    happen()
    slow = leases.claim("default", 1)
    expire_leases()
    quick = leases.claim("default", 1)

    late = leases.finish(slow.token, [Ending(slow.lanes[0][0].id, "DEAD", "too late")])
    on_time = leases.finish(quick.token, [Ending(quick.lanes[0][0].id, "DELIVERED")])

    assert late == set()
    assert on_time == {quick.lanes[0][0].id}
    assert statuses() == ["DELIVERED"]


def test_an_expired_lease_comes_before_the_backlog_and_alone(wired, happen):
    wired()
    abandoned = [happen("a"), happen("a")]
    leases.claim("default", 2)
    for n in range(30):
        happen(f"later-{n}")
    expire_leases()

    lease = leases.claim("default", 5)

    assert [d.fact.id for d in lease.lanes[0]] == abandoned[:1]
    assert lease.lanes[0][0].attempts == 2


def test_attempts_spent_is_dead_and_told_once(wired, happen):
    def handler(fact):
        raise ValueError("never")

    wired(handler=handler, max_attempts=3)
    happen("a")
    happen("a")
    happen("b")

    outbox.drain(hurry=True)

    assert statuses() == ["DEAD", "PENDING", "DEAD"]
    deaths = Event.objects.filter(type=outbox.DEAD)
    dead = Delivery.objects.filter(status="DEAD")
    assert sorted(d.subject_uid for d in deaths) == sorted(str(d.pk) for d in dead)
    assert deaths[0].data["error"].startswith("ValueError: never")
    assert deaths[0].data["attempts"] == 3


def test_a_hurried_drain_leaves_alone_what_only_waits(wired, happen):
    def handler(fact):
        if fact.subject.uid == "waits":
            raise TryLater("The account is paused.", seconds=60, spends_attempt=False)

    wired(handler=handler)
    happen("waits")
    happen("goes")

    tally = outbox.drain(hurry=True)

    assert statuses() == ["PENDING", "DELIVERED"]
    assert (tally.delivered, tally.deferred) == (1, tally.failed)
    assert Delivery.objects.filter(status="PENDING").get().attempts == 0


def test_permanent_is_dead_at_once(wired, happen):
    def handler(fact):
        raise Permanent("no such customer")

    wired(handler=handler)
    happen()

    outbox.drain()

    row = Delivery.objects.get()
    assert (row.status, row.attempts, row.last_error) == ("DEAD", 1, "no such customer")


def test_a_delivery_that_kills_its_process_dies_itself(wired, happen):
    wired(max_attempts=2)
    happen()
    for _ in range(2):
        leases.claim("default", 1)
        expire_leases()

    outbox.dispatch("default")

    assert statuses() == ["DEAD"]
    assert "death of its process" in Delivery.objects.get().last_error


def test_a_dead_teller_of_deaths_is_not_told_again(wired, happen):
    def handler(fact):
        raise Permanent("broken")

    wired(handler=handler)
    wired(outbox.DEAD, "teller", handler=handler)
    happen()

    outbox.drain()

    assert Event.objects.filter(type=outbox.DEAD).count() == 1
    assert Delivery.objects.filter(status="DEAD").count() == 2


def test_retry_after_is_honoured(wired, happen):
    def handler(fact):
        raise TryLater("busy", seconds=120)

    wired(handler=handler)
    happen()
    before = Delivery.objects.get().next_at

    outbox.drain()

    row = Delivery.objects.get()
    assert timedelta(seconds=119) < row.next_at - before < timedelta(seconds=140)


def test_an_open_breaker_spends_no_attempt(wired, happen):
    def handler(fact):
        raise TryLater("circuit open", seconds=30, spends_attempt=False)

    wired(handler=handler, max_attempts=1)
    happen()

    outbox.drain()

    row = Delivery.objects.get()
    assert (row.status, row.attempts) == ("PENDING", 0)


def test_jitter_stays_within_its_growing_bound():
    for attempts in range(1, 20):
        bound = min(outbox.BACKOFF_LIMIT, outbox.BACKOFF_SECONDS * 2 ** (attempts - 1))
        delays = [outbox.backoff(attempts) for _ in range(300)]
        assert 0 <= min(delays) < bound * 0.1
        assert bound * 0.9 < max(delays) <= bound


def test_a_level_sends_only_the_latest(wired, happen):
    heard = wired(level=True)
    made = [happen("a", data={"n": n}) for n in range(20)]
    other = happen("b")

    outbox.drain()

    assert sorted(f.id for f in heard) == [made[-1], other]
    assert statuses() == ["SUPERSEDED"] * 19 + ["DELIVERED"] * 2


def test_a_dead_level_gives_way_to_a_newer_one(wired, happen):
    broken = [True]

    def handler(fact):
        if broken[0]:
            raise Permanent("rejected")

    wired(handler=handler, level=True)
    happen("a")
    outbox.drain()
    broken[0] = False
    happen("a")

    outbox.drain()

    assert statuses() == ["SUPERSEDED", "DELIVERED"]


def test_a_dead_delivery_with_thousands_behind_it_hides_no_other_lane(wired, happen):
    heard = wired()
    first = happen("stuck")
    Delivery.objects.update(status="DEAD")
    for _ in range(60):
        happen("stuck")
    others = [happen(f"free-{n}") for n in range(10)]

    for _ in range(20):
        outbox.dispatch("default", batch=2)

    assert sorted(f.id for f in heard) == others
    assert Delivery.objects.get(event_id=first).status == "DEAD"


def test_replay_delivers_the_same_event_again(wired, happen):
    heard = wired()
    made = happen()
    outbox.drain()

    replayed = outbox.replay([Delivery.objects.get().pk], actor=actors.SYSTEM)
    outbox.drain()

    assert replayed == 1
    assert [f.id for f in heard] == [made, made]
    assert heard[0].uid == heard[1].uid
    assert Event.objects.filter(type=outbox.REPLAYED).count() == 1


def test_discard_lets_the_lane_go_on(wired, happen):
    def handler(fact):
        if fact.data.get("bad"):
            raise Permanent("bad")

    wired(handler=handler)
    happen("a", data={"bad": True})
    happen("a")
    outbox.drain()
    dead = Delivery.objects.get(status="DEAD")

    outbox.discard(dead.pk, "the customer called", actor=actors.SYSTEM)
    outbox.discard(dead.pk, "again", actor=actors.SYSTEM)
    outbox.drain()

    assert statuses() == ["DISCARDED", "DELIVERED"]
    dead.refresh_from_db()
    assert dead.last_error == "the customer called"
    assert Event.objects.filter(type=outbox.DISCARDED).count() == 1


def test_what_was_delivered_cannot_be_discarded(wired, happen):
    wired()
    happen()
    outbox.drain()

    with pytest.raises(Refusal, match="DELIVERED"):
        outbox.discard(Delivery.objects.get().pk, "why not", actor=actors.SYSTEM)

    assert statuses() == ["DELIVERED"]


def test_a_handler_nobody_wired_waits(wired, happen):
    wired(name="gone")
    happen()

    with events.only():
        outbox.drain()

    row = Delivery.objects.get()
    assert row.status == "PENDING"
    assert "No handler called gone" in row.last_error


def test_a_database_error_in_one_handler_spoils_no_other(wired, happen):
    def handler(fact):
        if fact.subject.uid == "a":
            Event.objects.filter(pk="not a number").exists() or Event.objects.raw("SELECT 1/0 AS id")[0]

    wired(handler=handler)
    happen("a")
    happen("b")

    outbox.drain()

    assert statuses() == ["PENDING", "DELIVERED"]


def test_what_no_time_was_left_for_goes_back_untried(wired, happen):
    heard = wired()
    happen("a")
    happen("b")

    tally = outbox.dispatch("default", seconds=0)

    assert (heard, tally.released) == ([], 2)
    assert set(Delivery.objects.values_list("attempts", "lease_token")) == {(0, None)}
