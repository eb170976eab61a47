"""Files of orders: drop one, say which column is what, see what would come of it, have it read."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import permission_required
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST, require_safe

from core import actors, downloads, htmx, sheets
from core.errors import Invalid, Refusal
from integrations.files.orders import drops as files_of_orders
from integrations.files.orders import fields, formats
from integrations.models import Connection, DropStatus, FileDrop

SEE, DROP = "integrations.view_connection", "integrations.drop_file"
COLUMNS = ("id", "file_name", "kind", "size", "status", "created_at", "owner_label")
_PATH_IN_NAME = re.compile(rb'filename\*?="?[^"\r\n]*[/\\]')
TONES = {"DONE": "ok", "RUNNING": "info", "UPLOADED": "line", "DISCARDED": "hold"}


@require_safe
@permission_required(SEE, raise_exception=True)
def files(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """GET /ops/links/<id>/files: what was dropped, and the form for the next."""
    context = _list(request, _connection(request, connection_id))
    return htmx.render(request, "integrations/files.html", context, fragment="integrations/_files.html")


@csrf_exempt  # the bytes are looked at before Django reads the form; _upload itself is protected
@require_POST
def upload(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """POST …/files/upload: keep a file and show it. 400 or 413 for what is no table; then nothing is kept."""
    try:
        named_a_path = bool(_PATH_IN_NAME.search(request.body[:16_384]))
    except RequestDataTooBig:
        named_a_path = False
        return _refused(request, None, sheets.refused("too_large", "The file is too large.", status=413))
    return _upload(request, connection_id, named_a_path)


@csrf_protect
@permission_required(DROP, raise_exception=True)
def _upload(request: HttpRequest, connection_id: UUID, named_a_path: bool) -> HttpResponse:
    found = _connection(request, connection_id)
    file = request.FILES.get("file")
    try:
        if file is None or not file.name:
            raise sheets.refused("required", "Choose a file.", status=422)
        if named_a_path:
            raise sheets.refused("name", "A file name can't hold a path.")
        if file.size is None or file.size > sheets.MAX_BYTES:
            raise sheets.refused("too_large", "At most 8 MB.", status=413)
        label = str(request.user)
        encoding = request.POST.get("encoding", "")
        kept = files_of_orders.keep(found, file.name, file.read(), user=request.user, label=label, encoding=encoding)
    except Refusal as refusal:
        return _refused(request, found, refusal)
    return htmx.redirect(request, reverse("integrations:file", args=[kept.pk]))


@require_safe
@permission_required(SEE, raise_exception=True)
def shown(request: HttpRequest, drop_id: UUID) -> HttpResponse:
    """GET /ops/files/<id>: which column is what, and what would come of the first orders."""
    return htmx.render(request, "integrations/file.html", _context(request, _find(request, drop_id)))


@require_POST
@permission_required(DROP, raise_exception=True)
def arrange(request: HttpRequest, drop_id: UUID) -> HttpResponse:
    """POST …/arrange: read it this way, and show what comes of that."""
    found = _find(request, drop_id)
    settings = _settings(request)
    try:
        files_of_orders.arrange(found.pk, settings)
    except Invalid as invalid:
        if htmx.asked(request):
            return htmx.refuse(request, invalid)
        found.draft = settings
        return htmx.render(request, "integrations/file.html", _context(request, found), status=422)
    return htmx.redirect(request, reverse("integrations:file", args=[found.pk]))


@require_POST
@permission_required(DROP, raise_exception=True)
def confirm(request: HttpRequest, drop_id: UUID) -> HttpResponse:
    """POST …/confirm: a job reads it, order by order."""
    found = _find(request, drop_id)
    files_of_orders.confirm(found.pk, actor=actors.person(request.user))
    return htmx.redirect(request, reverse("integrations:file", args=[found.pk]))


@require_POST
@permission_required(DROP, raise_exception=True)
def discard(request: HttpRequest, drop_id: UUID) -> HttpResponse:
    """POST …/discard: it is not needed; its bytes stay."""
    found = _find(request, drop_id)
    files_of_orders.discard(found.pk)
    htmx.toast(request, f"{found.file_name} is discarded")
    return htmx.redirect(request, reverse("integrations:files", args=[found.connection_id]))


@require_safe
@permission_required(DROP, raise_exception=True)
def refused(request: HttpRequest, drop_id: UUID) -> HttpResponseBase:
    """GET …/refused.csv: the rows of every order that failed, with why, harmless to open in a spreadsheet."""
    found = list(files_of_orders.refused(_find(request, drop_id)))[: downloads.MOST]
    titles = list(found[0][0].cells) if found else []
    safe = [str(downloads.cell(title)) for title in titles]
    rows = [[row.number, reason, *(row.cells.get(title, "") for title in titles)] for row, reason in found]
    return downloads.csv_file("refused-rows", ["Row", "Why not", *safe], rows)


@require_safe
@permission_required("integrations.see_message_payload", raise_exception=True)
def raw(request: HttpRequest, drop_id: UUID) -> HttpResponse:
    """GET …/raw: the file as it came, as a download no browser will interpret."""
    found = _find(request, drop_id)
    name = f"file-{found.pk}.{found.kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(bytes(found.content), content_type="application/octet-stream", headers=headers)


def _settings(request: HttpRequest) -> dict[str, Any]:
    """What the form says, for `formats.read` to judge."""
    given = {field.name: request.POST.get(f"c-{field.name}", "")[:2000] for field in fields.FIELDS}
    columns = {name: title for name, title in given.items() if title}
    said: dict[str, Any] = {
        name: request.POST.get(name, "")[:60].replace("\\t", "\t")
        for name in ("delimiter", "encoding", "decimal", "thousands", "dates", "time_zone", "currency")
    }
    said["currency"] = said["currency"].strip().upper()
    return {"columns": columns, **said, "tax_included": request.POST.get("tax_included") == "1"}


def _context(request: HttpRequest, found: FileDrop) -> dict[str, Any]:
    seen = files_of_orders.preview(found)
    draft, columns = found.draft, found.draft.get("columns", {})
    channel = found.connection.channel
    waiting = found.status == DropStatus.UPLOADED
    return {
        "drop": found,
        "seen": seen,
        "waiting": waiting,
        "may": request.user.has_perm(DROP),
        "ready": waiting and not seen.missing and not seen.problems and seen.orders,
        "tone": TONES[found.status],
        "columns": [(field, columns.get(field.name, "")) for field in fields.FIELDS],
        "others": sum(1 for field in fields.FIELDS if not field.needed and columns.get(field.name)),
        "titles": [("", "No such column"), *((title, title) for title in seen.titles)],
        "choices": {
            "delimiter": [(key.replace("\t", "\\t"), words) for key, words in formats.DELIMITERS.items()],
            "encoding": list(formats.ENCODINGS.items()),
            "decimal": list(formats.DECIMALS.items()),
            "thousands": list(formats.THOUSANDS.items()),
            "dates": [(key, example) for key, (example, _) in formats.DATES.items()],
        },
        "draft": {
            "delimiter": draft.get("delimiter", "").replace("\t", "\\t"),
            "encoding": draft.get("encoding", ""),
            "decimal": draft.get("decimal", "."),
            "thousands": draft.get("thousands", ""),
            "dates": draft.get("dates", "Y-M-D"),
            "time_zone": draft.get("time_zone") or (channel.time_zone if channel else "UTC"),
            "currency": draft.get("currency") or (channel.currency if channel else ""),
            "tax_included": draft.get("tax_included", False),
        },
    }


def _list(request: HttpRequest, found: Connection) -> dict[str, Any]:
    rows = FileDrop.objects.for_user(request.user).filter(connection=found)
    return {
        "link": found,
        "page": htmx.keyset_page(rows.values(*COLUMNS), request, order=("-created_at", "id")),
        "total": htmx.capped_count(rows),
        "statuses": dict(DropStatus.choices),
        "tones": TONES,
        "may": request.user.has_perm(DROP),
        "encodings": list(formats.ENCODINGS.items()),
        "problems": {},
    }


def _refused(request: HttpRequest, found: Connection | None, refusal: Refusal) -> HttpResponse:
    if htmx.asked(request) or found is None:
        return htmx.refuse(request, refusal)
    problems = refusal.problems if isinstance(refusal, Invalid) else []
    words = {("file" if p.path.startswith("row") else p.path): _worded(p.path, p.message) for p in problems}
    context = _list(request, found) | {"problems": words or {"": refusal.message}}
    return htmx.render(request, "integrations/files.html", context, status=refusal.status)


def _worded(path: str, message: str) -> str:
    return f"{path.capitalize()}: {message}" if path.startswith("row") else message


def _connection(request: HttpRequest, connection_id: UUID) -> Connection:
    rows = Connection.objects.for_user(request.user).select_related("channel")
    found = rows.filter(pk=connection_id, vendor=files_of_orders.NAME).first()
    if found is None:
        raise Http404("There is no such connection.")
    return found


def _find(request: HttpRequest, drop_id: UUID) -> FileDrop:
    rows = FileDrop.objects.for_user(request.user).select_related("connection__channel", "job", "mapping")
    found = rows.filter(pk=drop_id).first()
    if found is None:
        raise Http404("There is no such file.")
    return found
