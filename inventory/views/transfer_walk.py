"""Transfers on a handheld: what a site has to pick and send, and what comes to it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, typed
from core.errors import Refusal
from inventory.models import Location, Tracking, Transfer, TransferLine, TransferStatus
from inventory.services import naming, transfers
from inventory.services.arriving import parcels
from inventory.views import asking

OWNERS, SEEN = 8, 50  # items an unknown code is offered to; lots and serials shown of the line at hand
CARRIERS = ("Own van", "Royal Mail", "DPD", "Evri", "PostNL", "DHL")


def _work(place: Location) -> Q:
    """What a place has to do: pick and send what was approved, receive what is on its way."""
    sending = Q(origin=place) & (
        Q(status=TransferStatus.PICKED) | Q(status=TransferStatus.REQUESTED, approved_at__isnull=False)
    )
    return sending | Q(destination=place, status=TransferStatus.IN_TRANSIT)


@require_safe
@permission_required("inventory.view_transfer", raise_exception=True)
def site(request: HttpRequest, code: str) -> HttpResponse:
    """GET /s/<site>/transfers/: what this site has to send and to receive."""
    place = get_object_or_404(Location.objects.for_user(request.user).select_related("site"), site__code=code)
    rows = Transfer.objects.for_user(request.user).filter(_work(place))
    page = htmx.keyset_page(
        rows.select_related("origin", "destination").annotate(
            units=Sum("lines__approved", default=0), done=Sum("lines__picked", default=0),
            sent=Sum("lines__shipped", default=0), seen=Sum("lines__found", default=0),
        ),
        request,
        order=("id",),
    )  # fmt: skip
    context = {"place": place, "page": page, "total": htmx.capped_count(rows)}
    return htmx.render(request, "inventory/site_transfers.html", context, fragment="inventory/_site_transfers.html")


@require_safe
@permission_required("inventory.view_transfer", raise_exception=True)
def walk(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """GET /s/<site>/transfers/<id>: the next thing to pick, send or unpack."""
    context = _context(request, code, _find(request, code, pk))
    return htmx.render(request, "inventory/transfer_walk.html", context, fragment="inventory/_transfer_walk.html")


@require_POST
@permission_required("inventory.work_transfer", raise_exception=True)
def scan(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """POST /s/<site>/transfers/<id>/scan: one unit picked, or one unit out of the box."""
    found = _find(request, code, pk)
    text, _ = asking.scanned(request)
    lines: list[TransferLine] = []
    step = transfers.unpack if _receives(found, code) else transfers.pick

    def work() -> None:
        lines.append(step(found.pk, code=text, actor=actors.person(request.user)))

    try:
        asking.once(request, f"transfer:{found.pk}", text, work)
    except Refusal as refusal:
        arrives = _receives(found, code)
        words = {"refusal": refusal, "unexpected": refusal.code == "not_on_this_transfer" and arrives,
                 "owners": _owners(found, refusal) if arrives else [],
                 "site": code, "transfer": found, "code": text}  # fmt: skip
        return htmx.part(request, "inventory/_refused_unpack.html", words, status=refusal.status)
    line = lines[-1] if lines else None
    said = f"{text} was taken down already"
    if line is not None:
        said = f"{line.item.name}: {line.found if _receives(found, code) else line.picked}"
    return _answer(request, code, pk, said, line.pk if line else 0)


@require_POST
@permission_required("inventory.work_transfer", raise_exception=True)
def act(request: HttpRequest, code: str, pk: int, verb: str) -> HttpResponse:
    """POST /s/<site>/transfers/<id>/<verb>: picked, ship, enter, unexpected or receive."""
    found = _find(request, code, pk)
    try:
        said = _step(request, code, found, verb)
    except Refusal as refusal:
        if refusal.status != 409 or not htmx.asked(request):
            raise
        fresh = _context(request, code, _find(request, code, pk))
        return htmx.refuse(request, refusal, fresh="inventory/_fresh_walk.html", context=fresh)
    if not htmx.asked(request):
        return htmx.redirect(request, reverse("inventory:transfer_walk", args=[code, pk]))
    return _answer(request, code, pk, said, 0)


def _step(request: HttpRequest, code: str, found: Transfer, verb: str) -> str:
    about: dict[str, Any] = {"actor": actors.person(request.user)}
    version = typed.version(request)
    here = verb in ({"enter", "unexpected", "receive"} if _receives(found, code) else {"picked", "ship"})
    if not here:
        raise Refusal("unknown_action", "There is no such step here.", status=404)
    if verb == "picked":
        transfers.finish_pick(found.pk, version=version, **about)
        return "Picked. What was missing is counted"
    if verb == "ship":
        transfers.ship(
            found.pk, carrier=typed.words(request, "carrier", 80),
            tracking_number=typed.words(request, "tracking", 120), version=version, **about,
        )  # fmt: skip
        return "On its way"
    if verb == "enter":
        line = transfers.enter(
            found.pk, line_id=typed.count(request, "line", 1), found=typed.count(request, "found"),
            damaged=typed.count(request, "damaged"), code=typed.words(request, "code", 100), **about,
        )  # fmt: skip
        return f"{line.item.name}: {line.found}"
    if verb == "unexpected":
        item = typed.count(request, "item", 1) if request.POST.get("item") else None
        text = typed.words(request, "code", 100)
        line = transfers.unpack(found.pk, code=text, unexpected=True, item_id=item, **about)
        return f"{line.item.name} came, too"
    transfers.receive(found.pk, accept_differences=bool(request.POST.get("differs")), version=version, **about)
    return "Received"


def _owners(found: Transfer, refusal: Refusal) -> list[TransferLine]:
    """Whose an unknown code may be: the person sees the article and says so."""
    if refusal.code not in {"unknown_name", "ambiguous_code"}:
        return []
    lines = found.lines.select_related("item").exclude(item__tracking=Tracking.NONE)
    return list(lines.order_by("item__sku")[:OWNERS])


def _receives(found: Transfer, code: str) -> bool:
    """Whether this is the destination's screen; a site that is both ends of nothing never gets here."""
    site = found.destination.site
    return site is not None and site.code == code


def _find(request: HttpRequest, code: str, pk: int) -> Transfer:
    place = get_object_or_404(Location.objects.for_user(request.user), site__code=code)
    rows = Transfer.objects.for_user(request.user).filter(Q(origin=place) | Q(destination=place))
    return get_object_or_404(rows.select_related("origin__site", "destination__site"), pk=pk)


def _answer(request: HttpRequest, code: str, pk: int, said: str, current: int) -> HttpResponse:
    context = _context(request, code, _find(request, code, pk), current)
    return htmx.part(request, "inventory/_transfer_walk.html", context | {"said": said})


def _context(request: HttpRequest, code: str, found: Transfer, current: int = 0) -> dict[str, Any]:
    receives = _receives(found, code)
    lines = [
        line
        for line in found.lines.select_related("item").order_by("item__sku")
        if (line.shipped or line.found if receives else line.approved)
    ]
    picking = not receives and found.status == TransferStatus.REQUESTED and found.approved_at is not None
    arriving = receives and found.status == TransferStatus.IN_TRANSIT
    left = [line for line in lines if (line.found < line.shipped if receives else line.picked < line.approved)]
    asked = request.GET.get("line", "")
    chosen = next((line for line in lines if line.pk == current or str(line.pk) == asked), None)
    current_line = chosen or (left[0] if left else lines[-1] if lines else None)
    seen = Q(found__gt=0) if arriving else Q(picked__gt=0)
    may = (picking or arriving) and request.user.has_perm("inventory.work_transfer")
    return {
        "transfer": found,
        "site": code,
        "place": found.destination if receives else found.origin,
        "other": found.origin if receives else found.destination,
        "receives": receives,
        "picking": picking,
        "arriving": arriving,
        "lines": lines,
        "left": left,
        "current": current_line,
        "hint": naming.hint(current_line.item) if current_line else "",
        "seen": list(current_line.lots.filter(seen).order_by("code")[:SEEN])
        if current_line and naming.tracked(current_line.item)
        else [],
        "differ": [p for p in parcels(lines) if p.found != p.shipped] if arriving else [],
        "may": may,
        "carriers": [(name, name) for name in CARRIERS],
        "template": "inventory/_transfer_walk.html",
        "codes": naming.device_codes([line.item for line in lines]) if may else {},
        "scan_url": reverse("inventory:transfer_scan", args=[code, found.pk]) if may else "",
        "said": "",
    }
