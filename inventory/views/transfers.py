"""Transfers for those who ask for them, approve them, and settle what went wrong."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import F, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import actors, htmx, tabs, timeline, typed
from core.actors import PERSON
from core.errors import Invalid, Problem, Refusal
from inventory import wording
from inventory.models import (
    Location,
    Resolution,
    Stock,
    Transfer,
    TransferDiscrepancy,
    TransferLine,
    TransferStatus,
)
from inventory.services import transfers
from inventory.services.handling import lots_of
from inventory.transfer_filters import NEEDS, TransferFilter
from inventory.views import choosing

COLUMNS = (
    "id", "status", "approved_at", "due_at", "shipped_at", "received_at", "requested_by", "suggested",
    "origin__name", "destination__name", "carrier", "tracking_number",
)  # fmt: skip
VIEWS: tabs.Views = (
    ("All", {}),
    ("To approve", {"needs": ["approval"]}),
    ("To pick and send", {"needs": ["picking", "sending"]}),
    ("On their way", {"status": ["IN_TRANSIT"]}),
    ("Discrepant", {"status": ["DISCREPANT"]}),
)
LABELS = dict(TransferStatus.choices)


@require_safe
@permission_required("inventory.view_transfer", raise_exception=True)
def transfers_list(request: HttpRequest) -> HttpResponse:
    """GET /stock/transfers/: filters and page in the address; the list alone when htmx asks."""
    asked = TransferFilter(request.GET, Transfer.objects.for_user(request.user))
    rows = asked.found()
    page = htmx.keyset_page(rows.values(*COLUMNS), request, order=("-id",))
    _enrich(page.rows)
    context = {
        "page": page,
        "total": htmx.capped_count(rows),
        "views": tabs.of(request, VIEWS),
        "places": choosing.places(request),
        "statuses": TransferStatus.choices,
        "needs": NEEDS,
        "labels": LABELS,
        "narrowed": any(request.GET.get(name) for name in TransferFilter.base_filters),
    }
    return htmx.render(request, "inventory/transfers.html", context, fragment="inventory/_transfers.html")


def _enrich(rows: list[dict[str, Any]]) -> None:
    """Units of each transfer: one query for the page."""
    lines = TransferLine.objects.filter(transfer__in=[row["id"] for row in rows]).order_by().values("transfer_id")
    names = ("wanted", "picked", "shipped", "received")
    sums = {line["transfer_id"]: line for line in lines.annotate(**{f"{n}_units": Sum(n) for n in names})}
    for row in rows:
        row.update(sums.get(row["id"], {f"{n}_units": 0 for n in names}))
        row["number"] = f"TR-{row['id']}"
        row["word"] = "Approved" if row["status"] == "REQUESTED" and row["approved_at"] else LABELS[row["status"]]


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("inventory.request_transfer", raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """GET, POST /stock/transfers/new: ask for units to be brought; the form again (422) where that can't be."""
    values = {n: request.POST.get(n, request.GET.get(n, "")) for n in ("origin", "destination", "lines", "reason")}
    problems: dict[str, str] = {}
    if request.method == "POST":
        try:
            transfer_id = _request(request)
        except Invalid as invalid:
            problems = {problem.path.partition("[")[0]: problem.message for problem in invalid.problems}
        except Refusal as refusal:
            problems = {"lines": refusal.message}
        else:
            htmx.toast(request, f"TR-{transfer_id} is asked for")
            return htmx.redirect(request, reverse("inventory:transfer", args=[transfer_id]))
    everywhere = list(Location.objects.exclude(status="CLOSED").order_by("name").values_list("code", "name"))
    context = {"values": values, "problems": problems, "places": choosing.places(request), "everywhere": everywhere}
    status = 422 if problems else 200
    return htmx.render(
        request, "inventory/transfer_new.html", context, fragment="inventory/_transfer_form.html", status=status
    )


def _request(request: HttpRequest) -> int:
    """Either end may be another site's, but not both: a person speaks for a place of theirs."""
    known = dict(Location.objects.exclude(status="CLOSED").values_list("code", "pk"))
    ends = {name: known.get(request.POST.get(name, "")) for name in ("origin", "destination")}
    problems = [Problem(name, "unknown", "Choose a place.") for name, pk in ends.items() if pk is None]
    mine = Location.objects.for_user(request.user).filter(pk__in=[pk for pk in ends.values() if pk])
    if not problems and not mine.exists():
        problems.append(Problem("destination", "foreign", "One end must be a place of yours."))
    if problems:
        raise Invalid(problems, status=422)
    return transfers.request(
        ends["origin"] or 0,
        ends["destination"] or 0,
        _lines(request.POST.get("lines", "")),
        actor=actors.person(request.user),
        reason=typed.words(request, "reason", 200),
    )


def _lines(text: str) -> list[tuple[int, int]]:
    """`SKU 3` a line: the last word is how many; without one it is a single unit."""
    codes, units = [], []
    for line in (line.strip() for line in text.replace("\0", "").splitlines()):
        code, _, last = line.rpartition(" ")
        counted = bool(code) and last.isascii() and last.isdigit() and len(last) < 10
        if line:
            codes.append(code.strip(" ,;\t") if counted else line)
            units.append(int(last) if counted else 1)
    if any("," in code for code in codes):
        raise Invalid([Problem("lines", "shape", "One item a line: the SKU, a space, and how many.")], status=422)
    try:
        return list(zip(choosing.items_named("\n".join(codes)), units, strict=True))
    except Invalid as invalid:
        raise Invalid([Problem("lines", p.rule, p.message) for p in invalid.problems], status=422) from invalid


@require_safe
@permission_required("inventory.view_transfer", raise_exception=True)
def transfer(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /stock/transfers/<id>: its lines from end to end, and what may be done about it."""
    context = _context(request, _find(request, pk))
    return htmx.render(request, "inventory/transfer.html", context, fragment="inventory/_transfer.html")


@require_safe
@permission_required("inventory.view_transfer", raise_exception=True)
def discrepancy(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /stock/transfers/discrepancies/<id>: to its transfer."""
    found = get_object_or_404(TransferDiscrepancy.objects.for_user(request.user), pk=pk)
    return htmx.redirect(request, reverse("inventory:transfer", args=[found.transfer_id]))


@require_POST
@permission_required("inventory.view_transfer", raise_exception=True)
def act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """POST /stock/transfers/<id>/<verb>: submit, approve, cancel or settle; the fresh page, or why not."""
    found = _find(request, pk)
    if verb not in VERBS:
        raise Refusal("unknown_action", "There is no such step.", status=404)
    permission, said = VERBS[verb]
    if not request.user.has_perm(permission):
        raise Refusal("not_allowed", "Your role can't do this step.", status=403)
    about: dict[str, Any] = {"version": typed.version(request), "actor": actors.person(request.user)}
    try:
        if verb == "approve":
            transfers.approve(found.pk, quantities=_granted(request, found), **about)
        elif verb == "submit":
            transfers.submit(found.pk, **about)
        elif verb == "cancel":
            transfers.cancel(found.pk, reason=typed.words(request, "reason", 255), **about)
        else:
            _settle(request, found, about["actor"])
    except Refusal as refusal:
        if refusal.status != 409 or not htmx.asked(request):
            raise
        fresh = _context(request, _find(request, pk))
        return htmx.refuse(request, refusal, fresh="inventory/_fresh_transfer.html", context=fresh)
    htmx.toast(request, f"{found.number} {said}")
    if not htmx.asked(request):
        return htmx.redirect(request, reverse("inventory:transfer", args=[pk]))
    return htmx.part(request, "inventory/_transfer.html", _context(request, _find(request, pk)))


VERBS = {
    "submit": ("inventory.request_transfer", "is asked for"),
    "approve": ("inventory.approve_transfer", "is approved; the units are promised"),
    "cancel": ("inventory.request_transfer", "is cancelled"),
    "settle": ("inventory.settle_transfer", "is put right"),
}


def _granted(request: HttpRequest, found: Transfer) -> dict[int, int] | None:
    lines = found.lines.values_list("pk", flat=True)
    return {pk: typed.count(request, f"line_{pk}") for pk in lines if f"line_{pk}" in request.POST} or None


def _settle(request: HttpRequest, found: Transfer, actor: actors.Actor) -> None:
    wanted = typed.count(request, "discrepancy", 1)
    if not found.discrepancies.filter(pk=wanted).exists():
        raise Refusal("not_found", "No such discrepancy.", status=404)
    transfers.resolve(wanted, request.POST.get("resolution", ""), actor=actor)


def _find(request: HttpRequest, pk: int) -> Transfer:
    rows = Transfer.objects.for_user(request.user).select_related("origin__site", "destination__site")
    return get_object_or_404(rows, pk=pk)


def _context(request: HttpRequest, found: Transfer) -> dict[str, Any]:
    user: Any = request.user
    own = (found.requested_by_kind, found.requested_by_uid) == (PERSON, str(user.pk))
    waits = found.status == TransferStatus.REQUESTED and not found.approved_at
    lines = list(found.lines.select_related("item").order_by("item__sku"))
    here = Stock.objects.filter(location=found.origin_id, item__in=[line.item_id for line in lines])
    return {
        "transfer": found,
        "lines": lines,
        "lots": lots_of(lines),
        "free": dict(here.values_list("item_id", F("sellable") - F("reserved"))),
        "word": "Approved" if found.status == "REQUESTED" and found.approved_at else found.get_status_display(),
        "discrepancies": [
            {"row": each, "choices": [(c.value, Resolution(c).label) for c in transfers.choices(each.kind)]}
            for each in found.discrepancies.select_related("item").order_by("pk")
        ],
        "events": wording.history(found.subject),
        "words": timeline.words,
        "tasks": _tasks(user, found),
        "own": own and waits,
        "may": {
            "submit": found.status == TransferStatus.DRAFT and user.has_perm("inventory.request_transfer"),
            "approve": waits and not own and user.has_perm("inventory.approve_transfer"),
            "cancel": Transfer.may(found.status, TransferStatus.CANCELLED)
            and user.has_perm("inventory.request_transfer"),
            "settle": user.has_perm("inventory.settle_transfer"),
        },
    }


def _tasks(user: Any, found: Transfer) -> list[tuple[str, str]]:
    """Links to the handheld of the site whose turn it is."""
    if not user.has_perm("inventory.work_transfer"):
        return []
    picking = found.status == TransferStatus.PICKED or (found.status == "REQUESTED" and found.approved_at)
    place, words = (found.origin, "Pick and send") if picking else (found.destination, "Receive")
    if not (picking or found.status == TransferStatus.IN_TRANSIT) or place.site is None:
        return []
    sites = user.site_ids()
    if sites is not None and place.site_id not in sites:
        return []
    return [(words, reverse("inventory:transfer_walk", args=[place.site.code, found.pk]))]
