"""A warehouse's floor: what is planned, what is out, what waits at each step. Waves are planned with a preview."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, timeline, typed
from core.errors import Refusal
from inventory.models import Location
from orders.models import FulfilmentOrder, FulfilmentStatus, PickBatch, PutBack, StorePolicy, VanCall, Wave
from orders.models.wave import RUNNING
from orders.services import batches, waves
from orders.views import asked

SEE, WORK, PLAN = "orders.view_wave", "orders.work_fulfilment", "orders.plan_wave"
S = FulfilmentStatus


def tabs(place: Location, current: str) -> list[dict[str, Any]]:
    """The steps of the floor, from the plan to the van, each with what waits there."""
    code = place.site.code if place.site else ""
    here = FulfilmentOrder.objects.filter(location=place)
    steps = here.aggregate(pack=Count("pk", filter=Q(status=S.PICKED)), ship=Count("pk", filter=Q(status=S.PACKED)))
    steps["waves"] = Wave.objects.running().filter(location=place).count()
    steps["collect"] = VanCall.objects.coming().filter(location=place).count()
    steps["back"] = PutBack.objects.waiting().filter(location=place).count()
    named = (
        ("waves", "Waves", "orders:floor"),
        ("pack", "Pack", "orders:bench"),
        ("ship", "Load", "orders:vans"),
        ("collect", "Collections", "orders:van_calls"),
        ("back", "Put back", "orders:put_backs"),
    )
    return [
        {"label": label, "url": reverse(url, args=[code]), "current": key == current, "count": steps[key]}
        for key, label, url in named
    ]


@require_safe
@permission_required(SEE, raise_exception=True)
def floor(request: HttpRequest, code: str) -> HttpResponse:
    """GET /w/<site>/: the loose work as waves to plan, and those that are planned, held or out."""
    place = asked.place(request, code)
    return htmx.render(request, "orders/floor.html", _floor(request, place), fragment="orders/_floor.html")


def _floor(request: HttpRequest, place: Location) -> dict[str, Any]:
    rows = Wave.objects.for_user(request.user).filter(location=place)
    counted = rows.annotate(
        orders=Count("works"),
        begun=Count("works", filter=~Q(works__fulfilment__status__in=(S.OPEN, S.ACCEPTED))),
        picked=Count("works", filter=~Q(works__fulfilment__status__in=waves.TO_PICK)),
    )
    page = htmx.keyset_page(counted.exclude(status__in=RUNNING), request, order=("-id",), size=20)
    may = request.user.has_perm(PLAN)
    return {
        "place": place,
        "site": place.site.code if place.site else "",
        "tabs": tabs(place, "waves"),
        "groups": waves.propose(place.pk) if may else [],
        "running": list(counted.running().order_by("priority", "departs_at", "pk")[:200]),
        "page": page,
        "may": may,
    }


@require_POST
@permission_required(PLAN, raise_exception=True)
def plan(request: HttpRequest, code: str) -> HttpResponse:
    """POST /w/<site>/waves: each group that was ticked becomes a wave; what was taken on meanwhile is left out."""
    place, actor = asked.place(request, code), actors.person(request.user)
    made, refused = [], ""
    for value in request.POST.getlist("group")[:100]:
        numbers = value.split(",")[: waves.MOST]
        try:
            made.append(
                waves.plan(place.pk, numbers=numbers, priority=typed.count(request, "priority", 1), actor=actor)
            )
        except Refusal as refusal:
            if not made and refusal.status == 422:
                raise
            refused = refusal.message
    if not made:
        raise Refusal("nothing_to_plan", refused or "Tick at least one group.", status=409 if refused else 422)
    if request.POST.get("release"):
        for wave in made:
            waves.release(wave.pk, actor=actor)
    verb = "planned and released" if request.POST.get("release") else "planned"
    htmx.toast(request, f"{', '.join(wave.number for wave in made)} {verb}")
    if not htmx.asked(request):
        return htmx.redirect(request, reverse("orders:floor", args=[code]))
    return htmx.part(request, "orders/_floor.html", _floor(request, place))


@require_safe
@permission_required(SEE, raise_exception=True)
def wave(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """GET /w/<site>/waves/<id>: its orders and how far each is."""
    return htmx.render(
        request, "orders/wave.html", _wave(request, _find(request, code, pk)), fragment="orders/_wave.html"
    )


@require_POST
@permission_required(SEE, raise_exception=True)
def act(request: HttpRequest, code: str, pk: int, verb: str) -> HttpResponse:
    """POST /w/<site>/waves/<id>/<verb>: release, hold, resume, cancel, drop an order, or walk with the next totes."""
    found, actor = _find(request, code, pk), actors.person(request.user)
    if not request.user.has_perm(WORK if verb == "walk" else PLAN):
        raise Refusal("not_allowed", "Your role can't do this step.", status=403)
    about: dict[str, Any] = {"version": typed.version(request), "actor": actor}
    try:
        if verb == "walk":
            return htmx.redirect(request, reverse("orders:batch", args=[code, _walk(request, found, actor).pk]))
        if verb == "hold":
            waves.hold(found.pk, because=typed.words(request, "because"), **about)
        elif verb == "drop":
            waves.drop(found.pk, number=typed.words(request, "number", 40), **about)
        elif verb in STEPS:
            STEPS[verb](found.pk, **about)
        else:
            raise Refusal("unknown_action", "There is no such step.", status=404)
    except Refusal as refusal:
        if refusal.status != 409 or not htmx.asked(request):
            raise
        fresh = _wave(request, _find(request, code, pk))
        return htmx.refuse(request, refusal, fresh="orders/_fresh_wave.html", context=fresh)
    if not htmx.asked(request):
        return htmx.redirect(request, reverse("orders:wave", args=[code, pk]))
    return htmx.part(request, "orders/_wave.html", _wave(request, _find(request, code, pk)))


STEPS = {"release": waves.release, "resume": waves.resume, "cancel": waves.cancel}


def _walk(request: HttpRequest, found: Wave, actor: actors.Actor) -> PickBatch:
    """The next orders of the wave on one walk, in the totes whose labels were scanned, or in lettered ones."""
    if found.status != "RELEASED":
        raise Refusal("wave_waits", f"{found.number} is not released.", status_now=found.status)
    totes = typed.words(request, "totes", 500).replace(",", " ").split()
    most = StorePolicy.of(found.location_id).batch_size
    numbers = waves.next_walk(found.pk, most=min(most, len(totes)) if totes else most)
    if not numbers:
        raise Refusal("nothing_to_pick", f"All of {found.number} is being picked or picked.")
    return batches.start(found.location_id, numbers=numbers, totes=totes, actor=actor)


def _find(request: HttpRequest, code: str, pk: int) -> Wave:
    rows = Wave.objects.for_user(request.user).select_related("location__site")
    found: Wave = get_object_or_404(rows, pk=pk, location__site__code=code)
    return found


def _wave(request: HttpRequest, found: Wave) -> dict[str, Any]:
    works = FulfilmentOrder.objects.filter(wave_works__wave=found).select_related("order__channel")
    rows = list(works.order_by("due_at", "pk").distinct())
    user = request.user
    return {
        "wave": found,
        "place": found.location,
        "site": found.location.site.code if found.location.site else "",
        "works": rows,
        "left": sum(job.status in waves.TO_PICK for job in rows),
        "unbegun": sum(job.status in waves.UNBEGUN for job in rows),
        "events": timeline.of(found.subject),
        "words": timeline.words,
        "may_plan": user.has_perm(PLAN),
        "may_walk": found.status == "RELEASED" and user.has_perm(WORK),
    }
