"""Carriers' collections: what waits, one van at a time, the account's answer, and what follows from its coming or not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from config.devstack.easypost import Server
from core import audit, outbox
from core.actors import SYSTEM
from core.errors import Invalid, Refusal
from core.models import Delivery
from exceptions.models import Case
from exceptions.services import timers
from integrations.models import Connection
from orders.models import CalledParcel, FulfilmentOrder, Order, ParcelLabel, VanCall
from orders.services import changing, labels, manifests, van_answers, van_calls
from tests.orders.parcels import bought, packed, service

pytestmark = pytest.mark.django_db
EVERY_DAY = [0, 1, 2, 3, 4, 5, 6]


@pytest.fixture
def account() -> Iterator[Server]:
    with Server("EZTK_test") as server:
        made = Connection.objects.create(
            code="easypost", name="EasyPost", kind=Connection.Kind.CARRIER, vendor="easypost",
            settings={"url": f"{server.url}/v2", "private_address_allowed": True},
        )  # fmt: skip
        made.keep_secret("key", "EZTK_test")
        bought(collects=EVERY_DAY)
        yield server


@pytest.fixture
def by_hand() -> FulfilmentOrder:
    """One packed order of two parcels, labelled by a carrier people call themselves."""
    service(collects=EVERY_DAY)
    return labelled(packed(400, 500))


def labelled(job: FulfilmentOrder) -> FulfilmentOrder:
    labels.buy(job.pk, actor=SYSTEM)
    drain()
    return job


def drain(*, again: int = 0) -> None:
    """Deliver what is due; `again` so often what failed for now."""
    outbox.drain()
    for _ in range(again):
        Delivery.objects.filter(status="PENDING", handler="carriers.carry_call").update(next_at=timezone.now())
        outbox.drain()


def window(hours: float = 1) -> dict[str, datetime]:
    since = timezone.now().replace(microsecond=0) + timedelta(hours=hours)
    return {"since": since, "until": since + timedelta(hours=2)}


def call(job: FulfilmentOrder, *, carrier: str = "Dispatch", key: str = "k", **more: Any) -> VanCall:
    given = {**window(), **more}
    made = van_calls.book(job.location_id, carrier=carrier, key=key, actor=SYSTEM, **given)
    drain()
    made.refresh_from_db()
    return made


def royal(job: FulfilmentOrder, **more: Any) -> VanCall:
    return call(job, carrier="Royal Mail", connection="easypost", **more)


def come(made: VanCall) -> None:
    """Its time is now."""
    VanCall.objects.filter(pk=made.pk).update(
        since=timezone.now() - timedelta(hours=2), until=timezone.now() - timedelta(minutes=5)
    )


def cases() -> list[str]:
    return list(Case.objects.filter(is_open=True, subject_kind="van_call").values_list("reason", flat=True))


def broken() -> list[str]:
    return [row.invariant.name for row in audit.audit("orders.") if row.broken]


def test_people_call_a_carrier_write_it_down_and_what_it_takes_is_sent(by_hand):
    (waits,) = van_calls.waiting(by_hand.location_id)
    assert (waits.carrier, waits.connection, len(waits.labels), waits.works) == ("Dispatch", "", 2, 1)

    made = call(by_hand, confirmation="D-77")
    assert (made.status, made.confirmation, made.parcels.count()) == ("BOOKED", "D-77", 2)
    assert van_calls.waiting(by_hand.location_id) == []
    assert call(by_hand, since=made.since, until=made.until).pk == made.pk

    van_calls.came(made.pk, actor=SYSTEM)
    van_calls.came(made.pk, actor=SYSTEM)
    drain()

    by_hand.refresh_from_db()
    made.refresh_from_db()
    assert (by_hand.status, made.status, cases(), broken()) == ("SHIPPED", "COLLECTED", [], [])


def test_what_the_van_left_is_not_sent_waits_again_and_is_a_case(by_hand):
    made = call(by_hand)
    left = by_hand.packages.order_by("sequence").first()

    with pytest.raises(Invalid, match="none of"):
        van_calls.came(made.pk, left=[999_999], actor=SYSTEM)
    van_calls.came(made.pk, left=[left.pk], actor=SYSTEM)
    drain()

    by_hand.refresh_from_db()
    assert (by_hand.status, cases()) == ("PACKED", ["orders.collection_missed"])
    assert [label.package_id for label in van_calls.waiting(by_hand.location_id)[0].labels] == [left.pk]

    again = call(by_hand, key="2", **window(5))
    drain()
    assert cases() == []
    van_calls.came(again.pk, actor=SYSTEM)
    drain()
    by_hand.refresh_from_db()
    assert (by_hand.status, broken()) == ("SHIPPED", [])


def test_a_missed_collection_is_a_case_and_promises_its_orders_anew(by_hand):
    made = call(by_hand)
    with pytest.raises(Refusal, match="call it off"):
        van_calls.missed(made.pk, actor=SYSTEM)
    Order.objects.update(promise_by=timezone.now() + timedelta(hours=6))
    come(made)
    assert van_answers.unanswered().count() == 0

    van_calls.missed(made.pk, reason="No van", actor=SYSTEM)
    van_calls.missed(made.pk, actor=SYSTEM)
    drain()

    order = Order.objects.get()
    assert order.promise_by > timezone.now() + timedelta(days=1)
    assert cases() == ["orders.collection_missed"]
    assert not CalledParcel.objects.filter(released_at__isnull=True).exists()
    changing.cancel(order.pk, actor=SYSTEM)
    drain()
    timers.recheck_standing()
    assert (cases(), broken()) == ([], [])


def test_a_collection_nobody_spoke_of_is_asked_about(by_hand):
    made = call(by_hand)
    VanCall.objects.update(since=timezone.now() - timedelta(hours=4), until=timezone.now() - timedelta(hours=2))

    assert [row.pk for row in van_answers.unanswered()] == [made.pk]


def test_one_van_of_a_carrier_comes_at_a_time(by_hand):
    made = call(by_hand)

    for given in (window(), window(2)):
        with pytest.raises(Refusal) as refused:
            van_calls.book(by_hand.location_id, carrier="Dispatch", key="other", actor=SYSTEM, **given)
        assert refused.value.code in {"booked_already", "nothing_waits"}
    with pytest.raises(Refusal, match="No parcel waits"):
        van_calls.book(by_hand.location_id, carrier="Dispatch", key="other", actor=SYSTEM, **window(9))
    assert VanCall.objects.get().pk == made.pk


def test_an_account_books_it_once_though_answers_are_lost(account):
    job = labelled(packed(400, 500))
    account.account.faults["lose_answer"] = 2

    made = royal(job)
    drain(again=3)

    made.refresh_from_db()
    (pickup,) = [each for each in account.account.pickups.values() if each["status"] == "scheduled"]
    assert (made.status, made.confirmation, made.vendor_ref) == ("BOOKED", pickup["confirmation"], pickup["id"])


def test_a_refusal_of_the_account_is_a_case_until_another_is_called(account):
    job = labelled(packed())
    account.account.faults["no_pickup"] = 1

    made = royal(job)

    assert (made.status, made.words, cases()) == ("FAILED", "No driver is free then.", ["orders.collection_not_booked"])
    royal(job, key="again")
    Case.objects.get()
    assert VanCall.objects.get(key="again").status == "BOOKED"


def test_calling_off_goes_to_the_account_which_may_refuse(account):
    made = royal(labelled(packed()))
    account.account.faults["driver_on_the_way"] = 1

    van_calls.cancel(made.pk, reason="Too few", actor=SYSTEM)
    drain()
    made.refresh_from_db()
    assert (made.status, made.words) == ("BOOKED", "The pickup can no longer be canceled.")
    assert made.parcels.filter(released_at__isnull=True).count() == 1

    van_calls.cancel(made.pk, reason="Too few", actor=SYSTEM)
    drain()
    made.refresh_from_db()
    (pickup,) = account.account.pickups.values()
    assert (made.status, pickup["status"], broken()) == ("CANCELLED", "canceled", [])


def test_one_called_off_before_the_account_heard_of_it_is_never_bought(account):
    job = labelled(packed())
    made = van_calls.book(
        job.location_id, carrier="Royal Mail", connection="easypost", key="k", actor=SYSTEM, **window()
    )
    van_calls.cancel(made.pk, actor=SYSTEM)
    drain()

    made.refresh_from_db()
    assert (made.status, account.account.pickups) == ("CANCELLED", {})


def test_a_label_given_back_leaves_the_collection(by_hand):
    made = call(by_hand)
    first, second = ParcelLabel.objects.live().order_by("pk")

    labels.void(first.pk, reason="Crushed", actor=SYSTEM)

    released = made.parcels.get(package=first.package_id)
    assert (released.released_because, made.parcels.filter(released_at__isnull=True).get().package_id) == (
        "VOIDED",
        second.package_id,
    )


def test_a_van_that_was_loaded_and_left_is_the_collection(by_hand):
    made = call(by_hand)
    come(made)
    van = manifests.open_(by_hand.location_id, carrier="Dispatch", actor=SYSTEM)
    for package in by_hand.packages.all():
        manifests.load(van.pk, code=package.sscc, actor=SYSTEM)

    manifests.close(van.pk, actor=SYSTEM)
    drain()

    made.refresh_from_db()
    by_hand.refresh_from_db()
    assert (made.status, by_hand.status, cases(), broken()) == ("COLLECTED", "SHIPPED", [], [])


# --- The screen and the API


def test_the_screen_previews_books_and_hears_what_came(admin_client, by_hand, query_count):
    site = by_hand.location.site.code
    since = (timezone.now() + timedelta(days=1)).date().isoformat()
    form = {"who": "Dispatch|", "day": since, "from": "15:00", "to": "17:00", "confirmation": "D-1"}

    seen = admin_client.post(f"/w/{site}/collections/preview", form).content.decode()
    assert "2 parcels" in seen
    assert not VanCall.objects.exists()
    assert admin_client.post(f"/w/{site}/collections/book", form).status_code == 422
    booked = admin_client.post(f"/w/{site}/collections/book", form | {"key": "a"})
    assert booked.status_code in {302, 303}
    made = VanCall.objects.get()
    assert made.confirmation == "D-1"
    query_count("collections", lambda: admin_client.get(f"/w/{site}/collections/"))
    query_count("collection", lambda: admin_client.get(f"/collections/{made.pk}"))
    assert "D-1" in admin_client.get(f"/w/{site}/collections/").content.decode()
    assert "Did it come?" in admin_client.get(f"/collections/{made.pk}").content.decode()
    come(made)
    assert admin_client.post(f"/collections/{made.pk}/missed", {"v": "99"}).status_code == 409
    admin_client.post(f"/collections/{made.pk}/missed", {"v": made.version, "reason": "Nobody"})
    made.refresh_from_db()
    assert made.status == "MISSED"


def test_the_api_books_and_answers(api: Any, by_hand):
    moments = {name: at.isoformat() for name, at in window().items()}
    body = {"location": by_hand.location.code, "carrier": "Dispatch", **moments}

    assert len(api.post("/api/v1/carrier-collections/preview", body).json()["parcels"]) == 2
    made = api.post("/api/v1/carrier-collections", body)
    assert made.status_code == 201, made.content
    assert (made.json()["status"], len(made.json()["parcels"])) == ("BOOKED", 2)
    where = made.headers["Location"]
    assert api.get(where).json()["number"] == made.json()["number"]
    assert len(api.get("/api/v1/carrier-collections?status=BOOKED").json()["items"]) == 1
    assert api.get("/api/v1/carrier-collections?sort=x").status_code == 400
    assert api.post(f"{where}/outcome", {"happened": "missed", "left": [1]}).status_code == 422
    assert api.post(f"{where}/outcome", {"happened": "came"}).json()["status"] == "COLLECTED"
    assert api.post(f"{where}/cancel", {}).status_code == 409
