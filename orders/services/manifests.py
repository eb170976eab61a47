"""Loading a carrier's van: each parcel is scanned on, and closing the manifest is the handover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from core import events, live
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from exceptions.services import cases
from inventory.services.locking import retrying
from orders import canonical
from orders import events as facts
from orders.models import (
    FulfilmentOrder,
    FulfilmentStatus,
    Manifest,
    ManifestParcel,
    ManifestStatus,
    Package,
    ParcelLabel,
)
from orders.services import labels, shipping
from orders.services.work import open_work

S = FulfilmentStatus
REASON = "orders.parcel_left_behind"
TOPIC = "manifests"
SSCC_MARKED = 20


@dataclass(frozen=True, slots=True)
class Closing:
    """What closing a manifest would do: work that leaves whole, work with parcels left, loaded work that was ended."""

    leaves: list[FulfilmentOrder] = field(default_factory=list)
    left_behind: list[FulfilmentOrder] = field(default_factory=list)
    ended: list[FulfilmentOrder] = field(default_factory=list)


def open_(location_id: int, *, carrier: str, actor: Actor) -> Manifest:
    """The van of a carrier that is being loaded here, begun now if there is none. Safe to repeat."""
    name = canonical.clean(carrier)[:60]
    if not name:
        raise Invalid([Problem("carrier", "missing", "Say whose van it is.")], status=422)

    def work() -> Manifest:
        made = Manifest(location_id=location_id, carrier=name, created_by=actor.label[:200])
        Manifest.objects.bulk_create([made], ignore_conflicts=True)
        return Manifest.objects.get(location=location_id, carrier=name, status=ManifestStatus.OPEN)

    return retrying(work)


def load(manifest_id: int, *, code: str, actor: Actor) -> ManifestParcel:
    """Scan a parcel on, by SSCC, tracking number, or the number of work with a single parcel. Safe to repeat.

    Refusal("unknown_parcel") 404, ("wrong_carrier"), ("not_packed"), ("cancelled_work"), ("other_van"), ("closed").
    Locks the order, then the manifest.
    """

    def work() -> ManifestParcel:
        van = _find(manifest_id)
        package = _package(van.location_id, code)
        w = open_work(package.fulfilment_id, version=None, actor=actor)
        _require_packed(w.job)
        label = ParcelLabel.objects.live().filter(package=package).select_related("service").first()
        if label is not None and label.service.carrier != van.carrier:
            words = f"This parcel goes with {label.service.carrier}, not {van.carrier}."
            raise Refusal("wrong_carrier", words, carrier=label.service.carrier)
        van = _locked(manifest_id, None)
        known = ManifestParcel.objects.filter(package=package).select_related("manifest").first()
        if known is not None and known.manifest_id != van.pk:
            raise Refusal("other_van", f"This parcel is on {known.manifest.number} already.")
        if known is None:
            known = ManifestParcel.objects.create(manifest=van, package=package, loaded_by=actor.label[:200])
            live.poke(TOPIC)
        return known

    return retrying(work)


def unload(manifest_id: int, *, package_id: int, actor: Actor) -> None:
    """Take a parcel off the van again. Safe to repeat. Refusal("closed") once the van has left."""

    def work() -> None:
        van = _locked(manifest_id, None)
        ManifestParcel.objects.filter(manifest=van, package=package_id).delete()
        live.poke(TOPIC)

    retrying(work)


def preview(manifest: Manifest) -> Closing:
    """What closing it now would do. Changes nothing."""
    here = FulfilmentOrder.objects.filter(location=manifest.location_id)
    here = here.annotate(
        parcels=Count("packages", distinct=True),
        aboard=Count("packages", filter=Q(packages__loaded__manifest=manifest), distinct=True),
        riding=Count("packages", filter=Q(packages__loaded__isnull=False), distinct=True),
    )
    loaded = list(here.filter(packages__loaded__manifest=manifest).order_by("number"))
    packed = [job for job in loaded if job.status == S.PACKED]
    waiting = here.filter(
        status=S.PACKED,
        packages__labels__status="BOUGHT",
        packages__labels__service__carrier=manifest.carrier,
    )
    others = waiting.exclude(pk__in=[job.pk for job in loaded]).distinct().order_by("due_at", "number")
    return Closing(
        leaves=[job for job in packed if _whole(job)],
        left_behind=[job for job in packed if not _whole(job)] + [job for job in others if not _whole(job)],
        ended=[job for job in loaded if job.status in {S.CANCELLED, S.REJECTED}],
    )


def close(manifest_id: int, *, version: int | None = None, actor: Actor) -> Manifest:
    """The van leaves: nothing more is loaded, and what is loaded whole is shipped by whoever hears of it.

    Refusal("empty_van"); ("take_off") while work that was cancelled after loading is still aboard.
    """

    def work() -> Manifest:
        van = _locked(manifest_id, version)
        then = preview(van)
        if then.ended:
            words = ", ".join(job.number for job in then.ended)
            raise Refusal("take_off", f"Cancelled after it was loaded, take it off the van: {words}.")
        if not van.parcels.exists():
            raise Refusal("empty_van", "Nothing is loaded.")
        van.move(ManifestStatus.CLOSED, closed_at=timezone.now(), closed_by=actor.label[:200])
        data = {
            "carrier": van.carrier,
            "parcels": van.parcels.count(),
            "work": [job.pk for job in then.leaves],
            "left_behind": [job.pk for job in then.left_behind],
        }
        place = Subject("location", str(van.location_id))
        events.record(facts.MANIFEST_CLOSED, van.subject, actor=actor, data=data, related=((place, "location"),))
        live.poke(TOPIC)
        return van

    return retrying(work)


def follow(manifest_id: int, left_behind: Sequence[int], *, actor: Actor) -> int:
    """After a van has left: ship what is loaded whole, each by itself; a case for what stayed. Returns how many left.

    Safe to repeat: what was shipped before is skipped. Work that was cancelled in the same moment stays cancelled, and
    is a case too, because its parcel is on the road.
    """
    van = _find(manifest_id)
    sent = 0
    loaded = FulfilmentOrder.objects.filter(packages__loaded__manifest=van).distinct()
    for job in loaded.filter(status=S.PACKED).order_by("pk"):
        if _whole_now(job.pk):
            sent += send(job, actor)
            cases.recheck(Subject("fulfilment", str(job.pk), job.number), actor=actor)
    stayed = {*left_behind, *loaded.filter(status__in=(S.PACKED, S.CANCELLED)).values_list("pk", flat=True)}
    for job in FulfilmentOrder.objects.filter(pk__in=stayed).select_related("location", "order").order_by("pk"):
        if job.status == S.PACKED and is_left_behind(job.pk):
            tell_left_behind(job, van, actor)
    return sent


def send(job: FulfilmentOrder, actor: Actor) -> int:
    """1 when it left now; 0 when somebody was quicker to cancel or ship it."""
    told = labels.told(job)
    try:
        with transaction.atomic():
            shipping.ship(
                job.pk, carrier=told.carrier, service=told.service, tracking_number=told.tracking_number,
                tracking_url=told.tracking_url, actor=actor,
            )  # fmt: skip
    except Refusal as refusal:
        if refusal.code in {"bad_move", "moved_meanwhile"}:
            return 0
        raise
    return 1


def is_left_behind(fulfilment_id: int) -> bool:
    """Packed before its carrier's van left, and not whole on any van."""
    rows = FulfilmentOrder.objects.filter(pk=fulfilment_id, status=S.PACKED)
    return rows.exists() and not _whole_now(fulfilment_id) and vans_missed(fulfilment_id).exists()


def vans_missed(fulfilment_id: int) -> QuerySet[Manifest]:
    """The vans of its carrier that left its node since it was packed."""
    job = FulfilmentOrder.objects.get(pk=fulfilment_id)
    carriers = set(
        ParcelLabel.objects.live().filter(package__fulfilment=job).values_list("service__carrier", flat=True)
    ) | set(ManifestParcel.objects.filter(package__fulfilment=job).values_list("manifest__carrier", flat=True))
    return Manifest.objects.filter(
        location=job.location_id, carrier__in=carriers, status=ManifestStatus.CLOSED, closed_at__gte=job.packed_at
    ).order_by("-closed_at")


def tell_left_behind(job: FulfilmentOrder, van: Manifest, actor: Actor) -> None:
    cases.open_(
        REASON,
        Subject("fulfilment", str(job.pk), job.number),
        summary=f"The van of {van.carrier} left {job.location.name} without it ({van.number}).",
        site_id=job.location.site_id,
        value=job.order.total,
        currency=job.order.currency,
        promise_by=job.order.promise_by,
        actor=actor,
    )


def _whole(job: FulfilmentOrder) -> bool:
    """From `preview`'s counts: every parcel is on a van, one at least on this."""
    return bool(job.parcels) and job.riding == job.parcels  # type: ignore[attr-defined]


def _whole_now(fulfilment_id: int) -> bool:
    packages = Package.objects.filter(fulfilment=fulfilment_id)
    return packages.exists() and not packages.filter(loaded__isnull=True).exists()


def _package(location_id: int, code: str) -> Package:
    text = canonical.sku_text(canonical.clean(code))[:120]
    bare = text.removeprefix("(00)")  # how GS1-128 marks an SSCC; scanners send the brackets or not
    bare = bare.removeprefix("00") if len(bare) == SSCC_MARKED else bare
    here = Package.objects.filter(fulfilment__location=location_id)
    found = list(here.filter(Q(sscc=bare) | Q(tracking_number=text)).exclude(sscc="", tracking_number="")[:2])
    if not found and text:
        found = list(here.filter(fulfilment__number=text.upper()).order_by("pk")[:2])
        if len(found) > 1:
            raise Refusal("several", f"{text} has several parcels: scan the label of this one.", status=422)
    if len(found) != 1:
        raise Refusal("unknown_parcel", f"No parcel here goes by {text or 'that'}.", status=404, scanned=text)
    return found[0]


def _require_packed(job: FulfilmentOrder) -> None:
    if job.status in {S.CANCELLED, S.REJECTED}:
        words = f"{job.number} was cancelled: open the parcel and put the goods back."
        raise Refusal("cancelled_work", words, status_now=job.status)
    if job.status != S.PACKED:
        state = job.get_status_display().lower()
        raise Refusal("not_packed", f"{job.number} is {state}.", status_now=job.status)


def _find(manifest_id: int) -> Manifest:
    van = Manifest.objects.select_related("location").filter(pk=manifest_id).first()
    if van is None:
        raise Refusal("not_found", "No such manifest.", status=404)
    return van


def _locked(manifest_id: int, version: int | None) -> Manifest:
    van = Manifest.objects.select_for_update(no_key=True).filter(pk=manifest_id).first()
    if van is None:
        raise Refusal("not_found", "No such manifest.", status=404)
    if van.status != ManifestStatus.OPEN:
        raise Refusal("closed", f"{van.number} has left.", status_now=van.status)
    if version is not None and version != van.version:
        raise Refusal("stale", f"Somebody changed {van.number} meanwhile.", version=van.version, sent=version)
    return van
