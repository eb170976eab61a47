"""Orders handed over in one go: accepted at once, worked through afterwards, each with its own verdict."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from core import jobs
from core.models import Job
from integrations.models import ApiClient
from orders.api.v1 import imports
from orders.models import Order, OrderImportRow
from tests.factories.inventory import ItemFactory
from tests.factories.orders import ChannelFactory
from tests.orders.conftest import Api, body

pytestmark = pytest.mark.django_db
TO = "/api/v1/orders/imports"


@pytest.fixture
def handed_over(api):
    ChannelFactory(code="webshop")
    ItemFactory(sku="SKU-1")
    sent = [body(channel_ref="a"), body(channel_ref="b", currency="EURO"), body(channel_ref="c", channel="nowhere")]
    return api.post(TO, {"orders": [*sent, body(channel_ref="a")]})


def test_it_is_accepted_and_worked_through_with_a_verdict_for_each(api, handed_over):
    assert handed_over.status_code == 202
    asked = handed_over.headers["Location"]
    assert (api.get(asked).json()["status"], Order.objects.count()) == ("QUEUED", 0)

    imports.run(handed_over.json()["id"])

    told = api.get(asked).json()
    assert (told["status"], told["total"], told["done"], told["failed"]) == ("DONE", 4, 2, 2)
    results = api.get(f"{TO}/{told['id']}/results").json()["items"]
    assert [(each["index"], each["status"]) for each in results] == [(0, 201), (1, 400), (2, 404), (3, 200)]
    assert results[1]["problem"]["errors"][0]["path"] == "currency"
    assert results[3]["order"]["number"] == results[0]["order"]["number"]
    refused = api.get(f"{TO}/{told['id']}/results?refused=1&page_size=1").json()
    assert [each["index"] for each in refused["items"]] == [1]
    assert refused["next"]


def test_a_worker_that_died_is_followed_by_one_that_does_nothing_twice(handed_over):
    job = Job.objects.get(pk=handed_over.json()["id"])
    jobs.begin(job.pk)
    OrderImportRow.objects.filter(index=0).update(status=201, said={"number": "once"})
    Job.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=6))

    assert jobs.watch() == 0
    assert Job.objects.filter(jobs.unheard()).get() == job
    imports.run(job.pk)

    job.refresh_from_db()
    assert (job.status, Order.objects.get().channel_ref) == ("DONE", "a")
    assert OrderImportRow.objects.get(index=0).said == {"number": "once"}


def test_it_is_stopped_and_what_was_done_stays(api, handed_over):
    asked = handed_over.headers["Location"]

    assert api.post(f"{asked}/stop", {}).json()["status"] == "STOPPED"
    imports.run(handed_over.json()["id"])

    assert (api.get(asked).json()["status"], Order.objects.count()) == ("STOPPED", 0)


def test_nobody_sees_another_programs_operation(client, handed_over):
    stranger = Api(client, ApiClient.issue("Other", scopes=["orders:read", "orders:write"])[1])

    assert stranger.get(handed_over.headers["Location"]).status_code == 404
    assert stranger.post(handed_over.headers["Location"] + "/stop", {}).status_code == 404
    assert stranger.get(f"{TO}/{handed_over.json()['id']}/results").status_code == 404


@pytest.mark.parametrize("sent", [{}, {"orders": []}, {"orders": {}}, {"orders": [], "more": 1}, []])
def test_what_is_no_list_of_orders_is_refused(api, sent):
    assert api.post(TO, sent).status_code == 400
    assert not Job.objects.exists()


def test_numbers_with_a_fraction_are_kept_to_the_digit_and_judged_as_if_they_came_alone(api):
    ItemFactory(sku="SKU-1")
    ChannelFactory(code="webshop")
    text = json.dumps({"orders": [body(channel_ref="a", total=0.5, note="0.5")]}).replace(
        "0.5,", "12.300000000000000001,"
    )

    taken = api.post(TO, text)
    imports.run(taken.json()["id"])

    row = OrderImportRow.objects.get()
    assert str(row.sent["total"]) == "12.300000000000000001"
    assert (row.status, row.said["errors"][0]["path"]) == (400, "total")


def test_the_same_handing_over_twice_is_one(api):
    first, second = (api.post(TO, {"orders": [body()]}, **{"Idempotency-Key": "one"}) for _ in range(2))

    assert first.json()["id"] == second.json()["id"]
    assert Job.objects.count() == 1
