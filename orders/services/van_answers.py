"""What became of a van that was called: the carrier's answer, and what follows from its coming or not.

Each verb is safe to repeat and to race with a person who calls it off meanwhile: the state under the row's lock
decides, and a van that was booked for nobody is cancelled.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from core.actors import Actor
from core.errors import TryLater
from exceptions.services import cases
from inventory.services.locking import retrying
from orders import events as facts
from orders.models import CalledParcel, FulfilmentOrder, FulfilmentStatus, Manifest, Package, ParcelLabel, VanCall
from orders.models import VanCallStatus as V
from orders.services import choosing, labels, lifecycle, manifests, promises, van_calls
from orders.services.work import open_work

FAILED, MISSED = "orders.collection_not_booked", "orders.collection_missed"
WHY = "The carrier did not fetch it"
GRACE = timedelta(hours=1)


def keep_ref(call_id: int, ref: str) -> str:
    """Remember the account's own key before anything is paid; returns the one that counts, the first."""
    VanCall.objects.filter(pk=call_id, vendor_ref="").update(vendor_ref=ref[:120])
    return str(VanCall.objects.values_list("vendor_ref", flat=True).get(pk=call_id))


def still_wanted(call_id: int) -> None:
    """TryLater when somebody called it off: stop before it costs anything."""
    if not VanCall.objects.filter(pk=call_id, status=V.ASKED).exists():
        raise TryLater("The collection is not wanted any more.", seconds=1, spends_attempt=False)


def booked(call_id: int, *, ref: str, confirmation: str, cost: Decimal | None, currency: str, actor: Actor) -> None:
    """The carrier comes. Where it was called off meanwhile it is cancelled by the fact that waits behind this one."""

    def work() -> None:
        call = van_calls.lock(call_id)
        if call.status == V.ASKED:
            call.move(
                V.BOOKED, vendor_ref=ref[:120], confirmation=confirmation[:120], words="",
                cost=cost, currency=currency[:3] if cost is not None else "",
            )  # fmt: skip
            van_calls.tell(facts.VAN_BOOKED, call, actor, {"confirmation": call.confirmation})

    retrying(work)


def failed(call_id: int, *, reason: str, actor: Actor) -> None:
    """The carrier will not come as it is: its parcels wait for another van, and a person looks."""

    def work() -> None:
        call = van_calls.lock(call_id)
        if call.status == V.ASKED:
            van_calls.end(call, V.FAILED, van_calls.CALLED_OFF, actor, words=reason)
            complain(FAILED, call, actor)

    retrying(work)


def cancelled(call_id: int, *, taken_back: bool, reason: str = "", actor: Actor) -> None:
    """The carrier's word on a collection that was called off; one that can't be cancelled stays booked."""

    def work() -> None:
        call = van_calls.lock(call_id)
        if call.status != V.CANCEL_WANTED:
            return
        if taken_back:
            van_calls.end(call, V.CANCELLED, van_calls.CALLED_OFF, actor, words=reason or call.words)
        else:
            call.move(V.BOOKED, words=reason[:500])
            van_calls.tell(facts.VAN_BOOKED, call, actor, {"confirmation": call.confirmation, "reason": call.words})

    retrying(work)


# --- What follows --------------------------------------------------------------------------------------------------


def follow(call_id: int, *, actor: Actor) -> None:
    """After the van came, or did not: ship what it took whole, promise anew what it left, and a case for that.

    Safe to repeat: what was shipped or promised before is skipped.
    """
    call = VanCall.objects.select_related("location").get(pk=call_id)
    for job in _taken(call):
        manifests.send(job, actor)
    stayed = left_of(call_id)
    for job_id in stayed.order_by("pk").values_list("pk", flat=True):
        promise_anew(job_id, actor=actor)
    if stayed.exists():
        complain(MISSED, call, actor)
    cases.recheck(call.subject, actor=actor)


def _taken(call: VanCall) -> QuerySet[FulfilmentOrder]:
    """Packed work all of whose parcels were fetched."""
    fetched = CalledParcel.objects.filter(package=OuterRef("pk"), released_at__isnull=True, call__status=V.COLLECTED)
    left = Package.objects.filter(~Exists(fetched), fulfilment=OuterRef("pk"), loaded__isnull=True)
    works = FulfilmentOrder.objects.filter(
        ~Exists(left), status=FulfilmentStatus.PACKED, packages__called_for__call=call,
        packages__called_for__released_at__isnull=True,
    )  # fmt: skip
    return works.distinct().order_by("pk") if call.status == V.COLLECTED else works.none()


def left_of(call_id: int) -> QuerySet[FulfilmentOrder]:
    """Work with parcels this van should have taken, packed still, on no other van and called for by no other."""
    again = CalledParcel.objects.filter(package=OuterRef("pk"), released_at__isnull=True)
    packages = Package.objects.filter(
        ~Exists(again), called_for__call=call_id, called_for__released_because__in=(van_calls.MISSED, van_calls.LEFT),
        fulfilment__status=FulfilmentStatus.PACKED, loaded__isnull=True,
    )  # fmt: skip
    return FulfilmentOrder.objects.filter(pk__in=packages.values("fulfilment_id"))


def settle_with(manifest_id: int, *, actor: Actor) -> None:
    """A carrier's van was loaded and left: the collection that was booked for that time has come. Safe to repeat."""
    van = Manifest.objects.get(pk=manifest_id)
    aboard = set(van.parcels.values_list("package_id", flat=True))
    calls = VanCall.objects.filter(
        location=van.location_id, carrier=van.carrier, status=V.BOOKED, since__lte=van.closed_at
    )
    for call in calls.filter(parcels__package__in=aboard, parcels__released_at__isnull=True).distinct():
        mine = set(call.parcels.filter(released_at__isnull=True).values_list("package_id", flat=True))
        van_calls.came(call.pk, left=mine - aboard, actor=actor)


def promise_anew(fulfilment_id: int, *, actor: Actor) -> bool:
    """Promise the order by when its parcels would be there if the next van takes them; never sooner. Safe to repeat."""

    def work() -> bool:
        w = open_work(fulfilment_id, version=None, actor=actor)
        if w.job.status != FulfilmentStatus.PACKED or w.desk.order.promise_by is None:
            return False
        goods = labels.goods(w)
        arrivals = []
        for label in ParcelLabel.objects.live().filter(package__fulfilment=w.job).select_related("service"):
            offered = choosing.quotes(w.job, w.desk.order, weight=label.grams, goods=goods)
            arrivals += [quote.arrives_by for quote in offered if quote.service == label.service.code]
        later = max(arrivals, default=None)
        if later is None or later <= w.desk.order.promise_by or not promises.set_(w.desk, later, WHY):
            return False
        lifecycle.save(w.desk)
        return True

    return retrying(work)


def complain(reason: str, call: VanCall, actor: Actor) -> None:
    words = {
        FAILED: f"{call.carrier} can't be booked for {call.location.name}: {call.words}",
        MISSED: f"{call.carrier} left parcels at {call.location.name} ({call.number}).",
    }
    cases.open_(reason, call.subject, summary=words[reason][:255], site_id=call.location.site_id, actor=actor)


def unanswered() -> QuerySet[VanCall]:
    """Booked, its time over for an hour, and nobody said whether it came."""
    return VanCall.objects.filter(status=V.BOOKED, until__lt=timezone.now() - GRACE)
