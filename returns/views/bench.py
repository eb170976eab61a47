"""Returns on a handheld: what a site has to take in, look at and find a place for."""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import Exists, F, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, idempotency, ids, typed
from core.errors import Invalid, Problem, Refusal
from inventory.models import Item, Location
from inventory.services import naming
from inventory.views import asking
from returns import disposing
from returns.models import (
    Acceptance,
    Disposition,
    Inspection,
    InspectionPhoto,
    OnBench,
    ReturnLabel,
    ReturnLine,
    ReturnRequest,
    ReturnStatus,
)
from returns.services import dispositions, inspection, photos, receiving
from returns.services.inspection import Seen
from returns.services.receiving import Found

SEE, WORK = "returns.view_returnrequest", "returns.inspect_return"
GRADES = list(disposing.GRADES.items())
VERDICTS = [
    (Acceptance.ACCEPTED, "Accept", "The customer gets their money"),
    (Acceptance.REVIEW, "Not sure", "Somebody else decides"),
    (Acceptance.REJECTED, "Reject", "No money; it stays put aside"),
]
PLACES = list(disposing.CHOSEN.items())
CANDIDATES = 8


def place_of(request: HttpRequest, code: str) -> Location:
    return get_object_or_404(Location.objects.for_user(request.user).select_related("site"), site__code=code)


def to_do(place: Location) -> Q:
    """What a place has to do: take in what is announced to it, look at what came, find a place for what was seen."""
    bench = OnBench.objects.filter(line__request=OuterRef("pk"), location=place, inspected__lt=F("received"))
    unplaced = Inspection.objects.filter(
        line__request=OuterRef("pk"), location=place, placed__lt=F("quantity")
    ).exclude(verdict=Acceptance.REVIEW)  # fmt: skip
    awaited = Q(location=place, status=ReturnStatus.OPEN, approved_at__isnull=False) & Exists(
        ReturnLine.objects.filter(request=OuterRef("pk"), quantity__gt=F("received") + F("kept") + F("gone"))
    )
    return awaited | Q(Exists(bench)) | Q(Exists(unplaced))


@require_safe
@permission_required(SEE, raise_exception=True)
def site(request: HttpRequest, code: str, side: str) -> HttpResponse:
    """GET /s/<site>/returns/?q=: what there is to do; a scanned number, label or order leads to its return."""
    place = place_of(request, code)
    words = request.GET.get("q", "").replace("\0", "").strip()[:120]
    if words and (found := find(request, words)):
        return htmx.redirect(request, reverse(f"returns:receive_{side}", args=[code, found.number]))
    rows = ReturnRequest.objects.for_user(request.user).filter(to_do(place))
    page = htmx.keyset_page(rows.select_related("order"), request, order=("id",))
    _enrich(page.rows, place)
    context = {"place": place, "side": side, "page": page, "total": htmx.capped_count(rows), "q": words,
               "go_url": reverse(f"returns:bench_{side}", args=[code]) + "?q="}  # fmt: skip
    return htmx.render(request, "returns/site_returns.html", context, fragment="returns/_site_returns.html")


def find(request: HttpRequest, words: str) -> ReturnRequest | None:
    """The one return a scanned or typed text names: its number, its label, its order. None where several are meant."""
    seen = ReturnRequest.objects.for_user(request.user)
    labels = ReturnLabel.objects.filter(tracking_number=words).values("request")
    rows = seen.filter(
        Q(number__iexact=words) | Q(pk__in=labels) | Q(channel_ref=words) | Q(channel_number=words)
        | Q(order__number__iexact=words)
    )  # fmt: skip
    found = list(rows.order_by("-id")[:2])
    open_ = [each for each in found if each.status == ReturnStatus.OPEN]
    return found[0] if len(found) == 1 else open_[0] if len(open_) == 1 else None


def _enrich(rows: list[ReturnRequest], place: Location) -> None:
    """Units awaited and waiting here of each return on the page: two queries."""
    by_return: dict[int, dict[str, Any]] = {
        row.pk: {"awaited": 0, "waiting": 0, "skus": [], "due": None} for row in rows
    }
    for line in ReturnLine.objects.filter(request__in=by_return).order_by("position"):
        told = by_return[line.request_id]
        told["awaited"] += line.awaited
        told["skus"].append(line.sku or line.title)
    waiting = OnBench.objects.filter(line__request__in=by_return, location=place, inspected__lt=F("received"))
    for request_id, units, due in waiting.values_list("line__request_id", F("received") - F("inspected"), "due_at"):
        told = by_return[request_id]
        told["waiting"] += units
        told["due"] = min(due, told["due"] or due)
    for row in rows:
        row.told = by_return[row.pk]  # type: ignore[attr-defined]


@require_safe
@permission_required(SEE, raise_exception=True)
def walk(request: HttpRequest, code: str, number: str, side: str) -> HttpResponse:
    """GET /s/<site>/returns/<number>: the next thing to take in, to look at or to find a place for."""
    context = _context(request, code, side, _rma(request, number))
    return htmx.render(request, "returns/receive.html", context, fragment="returns/_receive.html")


@require_POST
@permission_required(WORK, raise_exception=True)
def scan(request: HttpRequest, code: str, number: str, side: str) -> HttpResponse:
    """POST …/scan: one unit out of the parcel."""
    place, rma = place_of(request, code), _rma(request, number)
    text, at = asking.scanned(request)
    try:
        line = _receive(request, place, rma, Found(text), at=at)
    except Refusal as refusal:
        context = {"refusal": refusal, "side": side, "site": code, "rma": rma, "code": text, "key": ids.uuid7(),
                   "open_lines": _open_lines(rma), "owners": _owners(rma, refusal)}  # fmt: skip
        return htmx.part(request, "returns/_refused_scan.html", context, status=refusal.status)
    return _answer(request, code, side, number, f"{line.title or line.sku}: {line.received} of {line.quantity}")


def _receive(request: HttpRequest, place: Location, rma: ReturnRequest, found: Found, **about: Any) -> ReturnLine:
    made = receiving.receive(
        rma.pk, found, location_id=place.pk, key=_key(request), actor=actors.person(request.user), **about
    )
    return ReturnLine.objects.get(pk=made.line_id)


def _key(request: HttpRequest) -> str:
    """The key of one step: its own, whoever else sends the same text."""
    sent = request.headers.get("Idempotency-Key", "") or request.POST.get("key", "")
    if not idempotency.valid(sent):
        raise Invalid([Problem("Idempotency-Key", "missing", "Each step brings its own key.")])
    return "p:" + hashlib.sha256(f"{request.user.pk}:{sent}".encode()).hexdigest()[:48]


@require_POST
@permission_required(WORK, raise_exception=True)
def act(request: HttpRequest, code: str, number: str, verb: str, side: str) -> HttpResponse:
    """POST …/<verb>: enter, unexpected, instead, serial, finish, photo, inspect or dispose."""
    place, rma = place_of(request, code), _rma(request, number)
    step = _STEPS.get(verb)
    if step is None:
        raise Refusal("unknown_action", "There is no such step here.", status=404)
    try:
        said = step(request, place, rma)
    except Refusal as refusal:
        if refusal.status != 409 or not htmx.asked(request):
            raise
        fresh = _context(request, code, side, _rma(request, number))
        return htmx.refuse(request, refusal, fresh="returns/_fresh_receive.html", context=fresh)
    if not htmx.asked(request):
        return htmx.redirect(request, reverse(f"returns:receive_{side}", args=[code, number]))
    return _answer(request, code, side, number, said)


def _enter(request: HttpRequest, place: Location, rma: ReturnRequest) -> str:
    line = get_object_or_404(ReturnLine.objects.select_related("item"), request=rma, pk=typed.count(request, "line", 1))
    text = typed.words(request, "code", 100) or (line.item.sku if line.item else "")
    found = _receive(request, place, rma, Found(text, typed.count(request, "units", 1), line=line.pk))
    return f"{found.title or found.sku}: {found.received} of {found.quantity}"


def _unexpected(request: HttpRequest, place: Location, rma: ReturnRequest) -> str:
    item = typed.count(request, "item", 1) if request.POST.get("item") else None
    line = _receive(request, place, rma, Found(typed.words(request, "code", 100), unexpected=True, item=item))
    return f"{line.title or line.sku} came, too"


def _instead(request: HttpRequest, place: Location, rma: ReturnRequest) -> str:
    replaced = typed.count(request, "line", 1)
    line = _receive(request, place, rma, Found(typed.words(request, "code", 100), instead_of=replaced))
    return f"{line.title or line.sku} came instead"


def _serial(request: HttpRequest, place: Location, rma: ReturnRequest) -> str:
    told = Found(typed.words(request, "code", 100), line=typed.count(request, "line", 1), other_serial=True)
    line = _receive(request, place, rma, told)
    return f"{line.title or line.sku}: another unit than was sold"


def _finish(request: HttpRequest, place: Location, rma: ReturnRequest) -> str:
    short = receiving.finish(
        rma.pk, location_id=place.pk, actor=actors.person(request.user), version=typed.version(request)
    )
    return "Somebody asks the customer about the rest" if short else "Everything is here"


def _photo(request: HttpRequest, place: Location, rma: ReturnRequest) -> str:
    files = request.FILES.getlist("photo")
    if not files:
        raise Invalid([Problem("photo", "required", "Choose a photo.")], status=422)
    line = get_object_or_404(ReturnLine, request=rma, pk=typed.count(request, "line", 1))
    for file in files[: photos.MOST]:
        if (file.size or 0) > photos.LARGEST:
            raise Refusal("too_large", photos.ACCEPTED, status=413)
        photos.keep(rma.pk, line.pk, file.read(), person=request.user, actor=actors.person(request.user))  # type: ignore[arg-type]
    return "Photo kept" if len(files) == 1 else f"{len(files)} photos kept"


def _inspect(request: HttpRequest, place: Location, rma: ReturnRequest) -> str:
    bench = get_object_or_404(OnBench, line__request=rma, location=place, pk=typed.count(request, "bench", 1))
    missing = bool(request.POST.get("missing"))
    seen = Seen(
        grade=typed.words(request, "grade", 1), verdict=typed.words(request, "verdict", 8) or Acceptance.ACCEPTED,
        quantity=typed.count(request, "units", 1), disposition=typed.words(request, "disposition", 16),
        serial=typed.words(request, "serial", 100), note=typed.words(request, "note", 500), missing=missing,
    )  # fmt: skip
    if seen.disposition == "RULE":
        line = ReturnLine.objects.select_related("item").get(pk=bench.line_id)
        proposed = dispositions.propose(line.item, seen.grade, dispositions.worth(line)).kind
        seen = Seen(seen.grade, seen.verdict, seen.quantity, _allowed(proposed, seen.verdict), seen.serial, seen.note)
    made = inspection.inspect(bench.pk, seen, key=_key(request), actor=actors.person(request.user))
    placed = made.dispositions.order_by("pk").first()
    said = f"{made.quantity} {made.get_verdict_display().lower()}"
    return f"{said}: {placed.get_kind_display().lower()}" if placed else said


def _allowed(proposed: str, verdict: str) -> str:
    """The rule's word where the goods are ours to dispose of; what the customer still owns is put aside."""
    return proposed if verdict == Acceptance.ACCEPTED else disposing.QUARANTINE


def _dispose(request: HttpRequest, place: Location, rma: ReturnRequest) -> str:
    seen = get_object_or_404(Inspection, line__request=rma, location=place, pk=typed.count(request, "inspection", 1))
    after = typed.count(request, "after", 1) if request.POST.get("after") else None
    made = dispositions.dispose(
        seen.pk, typed.words(request, "disposition", 16), quantity=typed.count(request, "units", 1), after=after,
        key=_key(request), note=typed.words(request, "note", 500), actor=actors.person(request.user),
    )  # fmt: skip
    return f"{made.quantity}: {made.get_kind_display().lower()}"


_STEPS = {
    "enter": _enter, "unexpected": _unexpected, "instead": _instead, "serial": _serial, "finish": _finish,
    "photo": _photo, "inspect": _inspect, "dispose": _dispose,
}  # fmt: skip


@require_safe
@permission_required(WORK, raise_exception=True)
def rule(request: HttpRequest, code: str, number: str, side: str) -> HttpResponse:
    """GET …/rule?bench=&grade=: what the rules say of a unit of this grade, before anything is decided."""
    place_of(request, code)
    line = get_object_or_404(
        ReturnLine.objects.select_related("item"), request=_rma(request, number), pk=_number(request, "line")
    )
    grade = request.GET.get("grade", "")
    proposal = dispositions.propose(line.item, grade, dispositions.worth(line)) if grade in disposing.GRADES else None
    return htmx.part(request, "returns/_rule.html", {"proposal": proposal, "kinds": disposing.KINDS})


def _number(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    return typed.whole(text) or 0


def _rma(request: HttpRequest, number: str) -> ReturnRequest:
    rows = ReturnRequest.objects.for_user(request.user).select_related("order", "location")
    return get_object_or_404(rows, number=number)


def _open_lines(rma: ReturnRequest) -> list[ReturnLine]:
    return [line for line in rma.lines.select_related("item").order_by("position") if line.awaited]


def _owners(rma: ReturnRequest, refusal: Refusal) -> list[Item]:
    """Whose an unknown number may be: the person sees the article and says so."""
    if refusal.code not in {"unknown_name", "ambiguous_code"}:
        return []
    items = {line.item for line in rma.lines.select_related("item") if line.item and naming.tracked(line.item)}
    return sorted(items, key=lambda item: item.sku)[:CANDIDATES]


def _answer(request: HttpRequest, code: str, side: str, number: str, said: str) -> HttpResponse:
    context = _context(request, code, side, _rma(request, number))
    return htmx.part(request, "returns/_receive.html", context | {"said": said})


def _context(request: HttpRequest, code: str, side: str, rma: ReturnRequest) -> dict[str, Any]:
    place = place_of(request, code)
    lines = list(rma.lines.select_related("item").order_by("position"))
    bench = list(OnBench.objects.filter(line__in=lines, location=place).select_related("line__item").order_by("pk"))
    waiting = [row for row in bench if row.waiting]
    seen = list(
        Inspection.objects.filter(line__in=lines, location=place).select_related("line__item").order_by("-pk")[:30]
    )
    stream = Disposition.objects.filter(inspection__in=seen).order_by("pk")
    may = request.user.has_perm(WORK)
    takes = rma.status == ReturnStatus.OPEN and rma.approved_at is not None
    awaited = [line for line in lines if line.awaited] if takes else []
    asked = request.GET.get("bench", "")
    chosen = next((row for row in waiting if str(row.pk) == asked), None)
    current = chosen or (None if awaited else next(iter(waiting), None))
    return {
        "rma": rma, "place": place, "site": code, "side": side, "lines": lines, "awaited": awaited,
        "waiting": waiting, "looking": current, "may": may, "key": ids.uuid7(), "grades": GRADES,
        "verdicts": VERDICTS, "kinds": PLACES, "seen": seen,
        "photos": list(InspectionPhoto.objects.filter(line=current.line, inspection=None).values("pk"))
        if current else [],
        "unplaced": [each for each in seen if each.left and each.verdict != Acceptance.REVIEW],
        "theirs": {each.pk for each in seen if each.verdict == Acceptance.REJECTED and not each.chosen},
        "aside": [each for each in stream if each.here and each.kind not in disposing.GONE and each.kind != "RESTOCK"],
        "taking": awaited[0] if awaited else None, "said": "", "template": "returns/_receive.html",
        "codes": naming.device_codes([line.item for line in awaited if line.item]) if may and awaited else {},
        "scan_url": reverse(f"returns:scan_{side}", args=[code, rma.number]) if may and takes else "",
    }  # fmt: skip
