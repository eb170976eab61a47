"""Facts on their way out: signed as the reference library demands, in order, at least once, and to nobody else."""

from __future__ import annotations

import json
import socket
from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from standardwebhooks.webhooks import WebhookVerificationError

from core import actors, events, outbox
from core.errors import Invalid, Refusal
from core.models import Delivery, Event, Job, Listener
from core.subjects import Subject
from exceptions.models import Case
from integrations import breaker
from integrations.models import ConnectionSecret, OutboundCall, WebhookSubscription
from integrations.webhooks import reasons as webhook_reasons
from integrations.webhooks import replaying, sending, subscriptions
from integrations.webhooks.subscriptions import Wanted
from orders.events import RECEIVED
from tests.integrations.receiver import Receiver

pytestmark = pytest.mark.django_db
SANA = actors.Actor("CLIENT", "1", "Sana")


@pytest.fixture(autouse=True)
def _a_developers_machine(settings):
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = True


@pytest.fixture
def receiver():
    with Receiver() as made:
        yield made


def subscribe(url, *types, code="tool", **options):
    wanted = Wanted(name="Our tool", url=url, event_types=types or (RECEIVED,), **options)
    return subscriptions.create(code, wanted, actor=SANA)


def happen(uid="7", type_=RECEIVED, related=(), **data):
    with transaction.atomic():
        return events.record(type_, Subject("order", uid, f"HF-{uid}"), actor=actors.SYSTEM, data=data, related=related)


def go(rounds=1):
    """Deliver what is due; between rounds nobody waits."""
    for _ in range(rounds):
        outbox.drain("webhooks", limit=200)
        Delivery.objects.filter(status="PENDING", lease_token=None).update(next_at=timezone.now())
        for each in WebhookSubscription.objects.all():
            breaker.reset(each.connection_id)


def statuses():
    return list(
        Delivery.objects.filter(handler__startswith="webhook:").order_by("seq").values_list("status", flat=True)
    )


def test_a_fact_arrives_whole_and_signed(receiver):
    _, secret = subscribe(receiver.url)
    made = happen("7", total="10.00", related=[(Subject("item", "3", "SKU-3"), "item")])

    go()

    (said,) = receiver.verified(secret)
    event = Event.objects.get(pk=made)
    assert receiver.ids == [str(event.uid)]
    assert (said["type"], said["timestamp"]) == (RECEIVED, event.occurred_at.isoformat())
    assert said["data"]["subject"] == {"kind": "order", "uid": "7", "label": "HF-7"}
    assert said["data"]["data"] == {"total": "10.00"}
    assert said["data"]["related"][0]["role"] == "item"
    assert statuses() == ["DELIVERED"]
    with pytest.raises(WebhookVerificationError):
        receiver.verified("whsec_" + "A" * 43 + "=")


def test_a_thin_payload_says_only_what_it_is_about(receiver):
    _, secret = subscribe(receiver.url, payload="THIN")
    happen("7", total="10.00")

    go()

    (said,) = receiver.verified(secret)
    assert set(said["data"]) == {"id", "seq", "payload", "subject"}


def test_the_secret_is_shown_once_and_sealed(receiver):
    made, secret = subscribe(receiver.url)

    sealed = ConnectionSecret.objects.get(connection=made.connection)

    assert secret.startswith("whsec_")
    assert secret.encode() not in bytes(sealed.sealed)
    assert secret not in json.dumps(list(Event.objects.values_list("data", flat=True)))


def test_while_a_secret_is_rotated_both_sign(receiver):
    made, old = subscribe(receiver.url)
    new = subscriptions.rotate(made.pk, overlap=timedelta(hours=1), actor=SANA)
    happen()
    go()

    assert receiver.verified(old) == receiver.verified(new)

    receiver.got.clear()
    ConnectionSecret.objects.update(expires_at=F("expires_at") - timedelta(hours=2))
    happen("8")
    go()
    assert receiver.verified(new)
    with pytest.raises(WebhookVerificationError):
        receiver.verified(old)


def test_only_what_was_asked_for_is_sent(receiver, shop):
    from orders.models import Order
    from tests.factories.orders import ChannelFactory, place

    subscribe(receiver.url, channels=["web"])
    happen("5", channel="web")
    happen("6", channel="elsewhere")
    happen("7", type_="order.completed")
    place(channel=ChannelFactory(code="other"))
    other = Order.objects.get()
    happen(str(other.pk))

    go()

    assert [json.loads(each["body"])["data"]["subject"]["uid"] for each in receiver.got] == ["5"]
    assert set(statuses()) == {"DELIVERED"}


def test_facts_of_cases_are_narrowed_by_queue_and_site(receiver):
    from core.models import Site
    from exceptions.services import cases

    site = Site.objects.create(code="LDS", name="Leeds")
    subscribe(receiver.url, "case.opened", queues=["integration"], sites=["LDS"])
    for uid, where in (("1", site.pk), ("2", None)):
        cases.open_(subscriptions.GIVEN_UP, Subject("webhook", uid, uid), actor=actors.SYSTEM, site_id=where)

    go()

    assert len(receiver.got) == 1


def test_a_lane_waits_for_its_first_and_other_subjects_do_not(receiver):
    subscribe(receiver.url)
    receiver.answers = [500]
    for uid in ("7", "7", "8"):
        happen(uid)

    outbox.dispatch("webhooks", batch=1)
    first = list(receiver.ids)
    go(3)

    about = [(json.loads(each["body"])["data"]["subject"]["uid"], each) for each in receiver.got]
    sevens = [json.loads(each["body"])["data"]["seq"] for uid, each in about if uid == "7"]
    assert sevens == sorted(sevens)
    assert receiver.ids.count(first[0]) == 2
    assert set(statuses()) == {"DELIVERED"}


@pytest.mark.django_db(transaction=True)  # as in life: a failed try keeps its log
def test_a_dead_receiver_keeps_nobody_waiting(receiver):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        subscribe(dead, code="dead")
        _, secret = subscribe(receiver.url, code="alive")
        for n in range(30):
            happen(str(n))

        outbox.drain("webhooks")

    assert len(receiver.verified(secret)) == 30
    assert OutboundCall.objects.filter(connection__code="webhook-dead").count() < 10
    assert Delivery.objects.filter(handler__startswith="webhook:", status="PENDING").count() == 30


def test_a_pause_asked_for_is_kept(receiver):
    subscribe(receiver.url)
    receiver.answers = [(429, {"Retry-After": "120"})]
    happen()

    outbox.dispatch("webhooks")

    due = Delivery.objects.get(handler__startswith="webhook:").next_at
    assert timedelta(seconds=110) < due - timezone.now() < timedelta(seconds=200)


@pytest.mark.django_db(transaction=True)  # as in life: a failed try keeps its log
def test_anything_but_success_is_tried_again_under_the_same_id_and_logged(receiver):
    made, _ = subscribe(receiver.url)
    receiver.answers = [302, (301, {"Location": receiver.url}), 400, 404, 500, 503]
    happen()

    go(7)

    calls = list(OutboundCall.objects.filter(connection=made.connection).order_by("pk"))
    assert [call.status for call in calls] == [302, 301, 400, 404, 500, 503, 200]
    assert len(receiver.got) == 7
    assert {call.about for call in calls} == set(receiver.ids)
    assert len(set(receiver.ids)) == 1
    assert all(call.purpose == RECEIVED for call in calls)
    made.refresh_from_db()
    assert (made.failures, made.failing_since) == (0, None)


def test_the_log_masks_people_and_knows_no_secret(receiver):
    made, secret = subscribe(receiver.url)
    happen("7", email="maud@example.com", api_key="hush-hush")

    go()

    kept = OutboundCall.objects.get(connection=made.connection)
    assert "maud@example.com" not in kept.request_excerpt
    assert "hush-hush" not in kept.request_excerpt
    assert secret not in f"{kept.request_excerpt}{kept.url}{kept.error}"


@pytest.mark.django_db(transaction=True)  # as in life: a failed try keeps its log
def test_a_receiver_that_is_gone_is_disabled_with_a_case_and_replayed_from_it(receiver):
    made, secret = subscribe(receiver.url)
    receiver.answers = [410]
    for uid in ("7", "8"):
        happen(uid)

    go()

    case = Case.objects.get(reason=subscriptions.GIVEN_UP)
    assert (statuses(), len(receiver.got)) == (["DISCARDED", "DISCARDED"], 1)
    assert webhook_reasons.REASON.predicate(str(made.pk))
    assert webhook_reasons._evidence(str(made.pk))[0].rows
    said = webhook_reasons._enable_and_replay(str(made.pk), actor=SANA)
    replaying.tick()
    go()

    assert said.startswith("Enabled. 2 facts")
    assert len(receiver.verified(secret)) == 3
    assert statuses() == ["DELIVERED", "DELIVERED"]
    case.refresh_from_db()
    assert case.outcome == "cleared"


@pytest.mark.django_db(transaction=True)  # as in life: a failed try keeps its log
def test_days_of_nothing_but_failures_disable_it(receiver):
    made, _ = subscribe(receiver.url)
    receiver.always = 500
    happen()
    go(sending.FAILURES_AT_LEAST - 1)
    assert not Case.objects.exists()

    WebhookSubscription.objects.update(failing_since=timezone.now() - sending.GIVE_UP_AFTER)
    go()

    made.connection.refresh_from_db()
    assert made.connection.status == "DISABLED"
    assert Case.objects.get().reason == subscriptions.GIVEN_UP


def test_a_paused_receiver_gets_everything_when_it_is_resumed(receiver):
    made, secret = subscribe(receiver.url)
    subscriptions.pause(made.pk, reason="Deployment", actor=SANA)
    happen("7")
    happen("7")
    go()
    assert receiver.got == []

    subscriptions.resume(made.pk, actor=SANA)
    go()

    assert [each["data"]["subject"]["uid"] for each in receiver.verified(secret)] == ["7", "7"]


def test_a_replay_sends_a_few_at_a_time_and_stops_when_asked(receiver):
    for n in range(25):
        happen(str(n))
    made, _ = subscribe(receiver.url)
    since = timezone.now() - timedelta(hours=1)
    seen = replaying.preview(made, since=since, per_minute=120)

    job = replaying.start(made.pk, since=since, per_minute=120, expected=seen.facts, actor=SANA)
    with pytest.raises(Refusal, match="running"):
        replaying.start(made.pk, since=since, actor=SANA)
    assert replaying.tick() == 10
    Job.objects.filter(pk=job.pk).update(status="STOPPING")
    assert replaying.tick() == 0
    go()

    job.refresh_from_db()
    assert (seen.facts, job.done, job.status) == (25, 10, "STOPPED")
    assert len(receiver.got) == 10
    rest = replaying.start(made.pk, since=since, actor=SANA)
    assert rest.total == 15


def test_a_replay_of_another_count_than_was_seen_is_refused(receiver):
    made, _ = subscribe(receiver.url)
    happen()

    with pytest.raises(Refusal, match="Look again"):
        replaying.start(made.pk, since=timezone.now() - timedelta(hours=1), expected=9, missed_only=False, actor=SANA)

    assert not Job.objects.exists()


def test_one_fact_is_sent_again_under_its_id(receiver):
    made, secret = subscribe(receiver.url)
    event = Event.objects.get(pk=happen())
    go()

    replaying.one(made.pk, str(event.uid), actor=SANA)
    go()

    assert receiver.ids == [str(event.uid)] * 2
    assert len(receiver.verified(secret)) == 2


def test_a_test_reaches_its_own_receiver_alone(receiver):
    made, secret = subscribe(receiver.url)
    subscribe(receiver.url, code="other")

    subscriptions.test(made.pk, actor=SANA)
    go()

    (said,) = receiver.verified(secret)
    assert (said["type"], said["data"]["actor"]["label"]) == ("webhook.test", "Sana")


def test_an_escalation_reaches_the_receiver_it_names(receiver):
    _, secret = subscribe(receiver.url, code="pager")
    subscribe(receiver.url, code="other")
    with transaction.atomic():
        about = Subject("case", "1", "EX-1")
        events.record("case.escalated", about, actor=actors.SYSTEM, data={"step": 2, "webhook": "pager"})

    go()

    assert [said["data"]["data"]["step"] for said in receiver.verified(secret)] == [2]


def test_a_changed_receiver_hears_other_facts_at_its_new_address(receiver):
    made, _ = subscribe("http://127.0.0.1:9/")
    happen("7")
    wanted = Wanted(name="Our tool", url=receiver.url, event_types=["order.completed"])

    subscriptions.change(made.pk, wanted, version=1, actor=SANA)
    happen("8")
    happen("9", type_="order.completed")
    go()

    assert receiver.types == ["order.completed"]
    assert not Listener.objects.filter(type=RECEIVED).exists()
    with pytest.raises(Refusal, match="changed meanwhile"):
        subscriptions.change(made.pk, wanted, version=1, actor=SANA)


FORBIDDEN = [
    "http://example.com/", "https://127.0.0.1/", "https://[::1]/", "https://10.1.2.3/", "https://192.168.0.9/x",
    "https://169.254.169.254/latest/meta-data/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:169.254.169.254]/",
    "https://[fe80::1]/", "https://[fd00:ec2::254]/", "https://[64:ff9b::7f00:1]/", "https://[64:ff9b:1::1]/",
    "https://[2002:7f00:1::]/", "https://0.0.0.0/", "https://100.64.0.1/", "https://user:pw@example.com/",
    "ftp://example.com/", "https://", "not a url", "https://2130706433/", "https://0x7f.1/", "https://localhost/",
    "https://8.8.8.8:22/", "https://8.8.8.8:99999/", "https://224.0.0.1/", "https://[::]/", "https://[::7f00:1]/",
]  # fmt: skip


@pytest.mark.parametrize("url", FORBIDDEN)
def test_an_address_of_our_own_is_refused_when_it_is_saved(settings, url):
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = False

    with pytest.raises(Invalid) as refused:
        subscribe(url)

    assert refused.value.problems[0].path == "url"
    assert not WebhookSubscription.objects.exists()


@pytest.mark.django_db(transaction=True)  # as in life: a failed try keeps its log
def test_a_name_that_leads_inside_by_now_is_never_called(settings, monkeypatch, receiver):
    """DNS rebinding: public when it was saved, ours when it is called."""
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = False
    answers = [["93.184.216.34"], ["127.0.0.1"], ["93.184.216.34", "127.0.0.1"]]
    monkeypatch.setattr("integrations.addresses._lookup", lambda host, port: answers.pop(0))
    made, _ = subscribe(f"https://rebind.example:8443/{receiver.server.server_port}")
    happen()

    go(2)

    assert receiver.got == []
    kept = OutboundCall.objects.filter(connection=made.connection)
    assert [call.status for call in kept] == [None, None]
    assert "not a public address" in kept[0].error


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"event_types": []}, "event_types"), ({"event_types": ["order.lost"]}, "event_types"), ({"name": " "}, "name"),
        ({"payload": "FAT"}, "payload"), ({"queues": [""]}, "queues"),
    ],
)  # fmt: skip
def test_a_receiver_that_makes_no_sense_is_refused(receiver, options, path):
    given = {"name": "Tool", "url": receiver.url, "event_types": [RECEIVED], **options}

    with pytest.raises(Invalid) as refused:
        subscriptions.create("tool", Wanted(**given), actor=SANA)

    assert [problem.path for problem in refused.value.problems] == [path]
    assert not Listener.objects.exists()


def test_the_time_that_is_signed_is_the_time_of_the_try(receiver):
    _, secret = subscribe(receiver.url)
    happen()

    with time_machine.travel(timezone.now() + timedelta(seconds=30), tick=True):
        go()
        assert receiver.verified(secret)
