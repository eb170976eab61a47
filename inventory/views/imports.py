"""Stock lists people upload: choose a file, see what it would say, confirm it, watch it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST, require_safe

from core import actors, downloads, htmx, sheets
from core.errors import Invalid, Problem, Refusal
from inventory.models import LineOutcome, StockSource, StockUpload, UploadStatus
from inventory.services import uploads
from inventory.uploads import NEEDED, TITLES
from inventory.wording_snapshots import FIGURES, PROBLEMS

COLUMNS = (
    "id", "file_name", "kind", "size", "as_of", "status", "reason", "created_at", "source__name", "owner__name",
    "snapshot_id",
)  # fmt: skip
SHOWN = 20
_PATH_IN_NAME = re.compile(rb'filename\*?="?[^"\r\n]*[/\\]')
PERMISSION = "inventory.import_stock"


@require_safe
@permission_required(PERMISSION, raise_exception=True)
def imports(request: HttpRequest) -> HttpResponse:
    """GET /stock/imports/: what was uploaded, and the form for the next."""
    return htmx.render(request, "inventory/imports.html", _list(request), fragment="inventory/_imports.html")


@csrf_exempt  # the bytes are looked at before Django reads the form; _upload itself is protected
@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """POST /stock/imports/upload: keep a file and show it. 400 or 413 for what is no list; then nothing is kept."""
    try:
        named_a_path = bool(_PATH_IN_NAME.search(request.body[:16_384]))
    except RequestDataTooBig:
        return _refused(request, sheets.refused("too_large", "The file is too large to be imported.", status=413))
    return _upload(request, named_a_path)


@csrf_protect
@permission_required(PERMISSION, raise_exception=True)
def _upload(request: HttpRequest, named_a_path: bool) -> HttpResponse:
    file = request.FILES.get("file")
    try:
        if named_a_path:
            raise Invalid([Problem("file", "name", "A file name can't hold a path.")])
        if file is None or file.name is None:
            raise Invalid([Problem("file", "required", "Choose a file.")], status=422)
        if (file.size or 0) > sheets.MAX_BYTES:
            raise sheets.refused("too_large", "The file is too large to be imported.", status=413)
        kept = uploads.keep(
            _source(request).pk,
            file.name,
            file.read(),
            as_of=_as_of(request),
            complete=request.POST.get("complete") == "1",
            user=request.user,
        )
    except Refusal as refusal:
        return _refused(request, refusal)
    return htmx.redirect(request, reverse("inventory:import", args=[kept.pk]))


@require_safe
@permission_required(PERMISSION, raise_exception=True)
def shown(request: HttpRequest, upload_id: object) -> HttpResponse:
    """GET /stock/imports/<id>: what the file would say, row by row, before anything happens."""
    return htmx.render(request, "inventory/import.html", _context(_find(request, upload_id)))


@require_POST
@permission_required(PERMISSION, raise_exception=True)
def arrange(request: HttpRequest, upload_id: object) -> HttpResponse:
    """POST …/arrange: which column is what, and what stands in for a missing one."""
    found = _find(request, upload_id)
    given = {need: request.POST.get(need, "") for need in NEEDED}
    columns = {need: int(at) for need, at in given.items() if at.isascii() and at.isdigit() and len(at) < 4}
    try:
        uploads.arrange(
            found.pk,
            columns=columns,
            place=request.POST.get("default_place", "").strip(),
            status=request.POST.get("default_status", "").strip(),
            leave_out_bad=request.POST.get("leave_out_bad") == "1",
        )
    except Refusal as refusal:
        return htmx.refuse(request, refusal)
    return htmx.redirect(request, reverse("inventory:import", args=[found.pk]))


@require_POST
@permission_required(PERMISSION, raise_exception=True)
def confirm(request: HttpRequest, upload_id: object) -> HttpResponse:
    """POST …/confirm: a job takes the list, whole or not at all."""
    found = _find(request, upload_id)
    uploads.confirm(found.pk, actor=actors.person(request.user))
    return htmx.redirect(request, reverse("inventory:import", args=[found.pk]))


@require_POST
@permission_required(PERMISSION, raise_exception=True)
def discard(request: HttpRequest, upload_id: object) -> HttpResponse:
    """POST …/discard: it is not needed; its bytes stay."""
    found = _find(request, upload_id)
    uploads.discard(found.pk)
    htmx.toast(request, f"{found.file_name} is discarded")
    return htmx.redirect(request, reverse("inventory:imports"))


@require_safe
@permission_required(PERMISSION, raise_exception=True)
def bad_rows(request: HttpRequest, upload_id: object) -> HttpResponseBase:
    """GET …/bad-rows.csv: every row that can't be taken or isn't understood, why not, and what stood in it."""
    seen = uploads.preview(_find(request, upload_id))
    found = [(bad.number, bad.message, bad.cells) for bad in seen.parsed.bad]
    found += [
        (number, PROBLEMS.get(line.problem, line.problem), seen.cells[number])
        for number, line in zip(seen.parsed.numbers, seen.lines, strict=True)
        if line.outcome == LineOutcome.UNRESOLVED
    ]
    width = max((len(cells) for _, _, cells in found), default=0)
    titles = ["Row", "Why not", *[seen.header[n] if n < len(seen.header) else "" for n in range(width)]]
    rows = [[number, message, *cells] for number, message, cells in sorted(found)[: downloads.MOST]]
    return downloads.csv_file("bad-rows", [str(downloads.cell(title)) for title in titles], rows)


def _refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The page again, with what is wrong above the form; what was typed stays."""
    if htmx.asked(request):
        return htmx.refuse(request, refusal)
    problems = refusal.problems if isinstance(refusal, Invalid) else []
    words = {("file" if p.path.startswith("row") else p.path): _worded(p) for p in problems} or {"": refusal.message}
    may_post = refusal.status != 413 or not request.META.get("CONTENT_TYPE", "").startswith("multipart")
    typed = request.POST if may_post else None
    context = _list(request) | {"problems": words, "typed": typed}
    return htmx.render(request, "inventory/imports.html", context, status=refusal.status)


def _worded(problem: Problem) -> str:
    return f"{problem.path.capitalize()}: {problem.message}" if problem.path.startswith("row") else problem.message


def _list(request: HttpRequest) -> dict[str, Any]:
    rows = StockUpload.objects.for_user(request.user)
    return {
        "page": htmx.keyset_page(rows.values(*COLUMNS), request, order=("-created_at", "id")),
        "total": htmx.capped_count(rows),
        "statuses": dict(UploadStatus.choices),
        "sources": [(str(pk), name) for pk, name in _sources(request).values_list("pk", "name")],
        "local_now": timezone.localtime().strftime("%Y-%m-%dT%H:%M"),
        "problems": {},
        "typed": None,
    }


def _context(found: StockUpload) -> dict[str, Any]:
    seen = uploads.preview(found)
    waiting = found.status == UploadStatus.UPLOADED or (
        found.job is not None and found.status == UploadStatus.CONFIRMED and found.job.status in {"FAILED", "STOPPED"}
    )
    rows = list(zip(seen.parsed.numbers, seen.lines, strict=True))
    titles = list(enumerate(seen.header))
    return {
        "upload": found,
        "seen": seen,
        "waiting": waiting,
        "rows": rows[:SHOWN],
        "counts": seen.counts,
        "bad": seen.parsed.bad[:SHOWN],
        "ready": waiting and not seen.missing and seen.lines and (found.leave_out_bad or not seen.parsed.bad),
        "needed": [(need, TITLES[need], str(found.columns.get(need, ""))) for need in NEEDED],
        "choices": [("", "No such column"), *((str(n), title or f"Column {n + 1}") for n, title in titles)],
        "missing": [TITLES[need].lower() for need in seen.missing],
        "figures": FIGURES,
        "problems_words": PROBLEMS,
        "statuses": dict(UploadStatus.choices),
    }


def _find(request: HttpRequest, upload_id: object) -> StockUpload:
    rows = StockUpload.objects.for_user(request.user).select_related("source", "job", "owner", "snapshot")
    found: StockUpload = get_object_or_404(rows, pk=upload_id)
    return found


def _sources(request: HttpRequest) -> Any:
    return StockSource.objects.for_user(request.user).filter(active=True)


def _source(request: HttpRequest) -> StockSource:
    given = request.POST.get("source", "")
    found = _sources(request).filter(pk=int(given)).first() if given.isascii() and given.isdigit() else None
    if found is None:
        raise Invalid([Problem("source", "choice", "Choose the system this list comes from.")], status=422)
    chosen: StockSource = found
    return chosen


def _as_of(request: HttpRequest) -> datetime:
    """The moment the list speaks of, as read off the wall where this person works."""
    try:
        moment = parse_datetime(request.POST.get("as_of", "")[:40])
    except ValueError:
        moment = None
    if moment is None:
        raise Invalid([Problem("as_of", "moment", "Say when these figures were true.")], status=422)
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
