"""What a connection's words and codes mean: the list, its history, and the missing one said where a message failed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx
from core.errors import Invalid, Problem
from integrations import aliases as mapping
from integrations import codes, inbox, replaying
from integrations.failures import Wanted
from integrations.models import AliasKind, Connection, InboundMessage
from integrations.models.aliases import SAID
from integrations.views.messages import find
from inventory.models import Location

SEE = "integrations.view_connection"
SAY = "integrations.map_connection"
HINTS = {
    AliasKind.ITEM: ("Our SKU", "What this system calls an article, and the article it is."),
    AliasKind.LOCATION: ("Our place", "What this system calls a place, and the place it is."),
    AliasKind.STATUS: ("Means", "A status of its own, and the one its vendor documents that it stands for."),
    AliasKind.PAYMENT: ("Our name", "A way to pay as this system names it, and as it is kept here."),
    AliasKind.TAX: ("Rate in percent", "A tax code of this system, and the rate of ours it is for."),
    AliasKind.CARRIER: ("Its code", "A carrier of ours, and the code this system wants to hear."),
}
Status = InboundMessage.Status


@require_safe
@permission_required(SEE, raise_exception=True)
def aliases(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """GET /ops/links/<id>/aliases?kind=&q=: one kind of its words, by code; the list alone when htmx asks."""
    found = _find(request, connection_id)
    return htmx.render(
        request, "integrations/aliases.html", _listed(request, found), fragment="integrations/_aliases.html"
    )


@require_safe
@permission_required(SEE, raise_exception=True)
def history(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """GET /ops/links/<id>/aliases/history: every version of its mapping, the newest first."""
    found = _find(request, connection_id)
    rows = found.alias_changes.all()
    page = htmx.keyset_page(rows, request, order=("-version",))
    context = {"link": found, "page": page, "total": htmx.capped_count(rows)}
    return htmx.render(request, "integrations/alias_history.html", context, fragment="integrations/_alias_history.html")


@require_POST
@permission_required(SAY, raise_exception=True)
def say(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """POST …/say: what a word means, or with `forget` that it means nothing any more."""
    found = _find(request, connection_id)
    kind, code = request.POST.get("kind", ""), request.POST.get("code", "")
    means = "" if request.POST.get("forget") == "1" else request.POST.get("means", "")
    try:
        if not means.strip() and request.POST.get("forget") != "1":
            raise Invalid([Problem("means", "required", "Say what it means.")], status=422)
        mapping.say(found.pk, kind, code, means, actor=actors.person(request.user))
    except Invalid as invalid:
        if htmx.asked(request):
            return htmx.refuse(request, invalid)
        problems = {problem.path: problem.message for problem in invalid.problems}
        context = _listed(request, found) | {"problems": problems, "typed": request.POST}
        return htmx.render(request, "integrations/aliases.html", context, status=422)
    htmx.toast(request, f"{code.strip()[:60]} is forgotten" if not means else f"{code.strip()[:60]} means {means[:60]}")
    if request.POST.get("from") == "missing":
        return htmx.redirect(request, reverse("integrations:missing", args=[found.pk]))
    where = reverse("integrations:aliases", args=[found.pk])
    return htmx.redirect(request, f"{where}?kind={kind}" if kind in AliasKind.values else where)


@require_safe
@permission_required(SAY, raise_exception=True)
def wanted(request: HttpRequest, message_id: int) -> HttpResponse:
    """GET /ops/messages/<id>/mapping: what it lacks, each with a form to say it and how many failed for the same."""
    found = find(request, message_id)
    wants = mapping.wanted(found) if found.status == Status.FAILED else []
    return htmx.part(request, "integrations/_mapping.html", {"message": found, "wants": _shown(found, wants)})


@require_POST
@permission_required(SAY, raise_exception=True)
def test(request: HttpRequest, message_id: int) -> HttpResponse:
    """POST …/mapping/test: what the message would come to with this meaning; nothing of it stays."""
    found, want, means = _asked(request, message_id)
    with mapping.trying():
        mapping.say(found.connection_id, want.kind, want.code, means, actor=actors.person(request.user))
        outcome = inbox.rehearse(found.pk)
    context = {
        "message": found,
        "want": want,
        "means": means,
        "outcome": outcome,
        "words": Status(outcome.status).label,
    }
    return htmx.part(request, "integrations/_mapping_tried.html", context)


@require_POST
@permission_required(SAY, raise_exception=True)
def save(request: HttpRequest, message_id: int) -> HttpResponse:
    """POST …/mapping/save: keep it and try again all that failed for want of it, as a job; refused on another count."""
    found, want, means = _asked(request, message_id)
    actor = actors.person(request.user)
    rows = mapping.failed_for(found.connection_id, want)
    count = rows.order_by()[: mapping.LIKE_AT_MOST + 1].count()
    mapping.expect(count, request.POST.get("expected", ""))
    with transaction.atomic():
        mapping.say(found.connection_id, want.kind, want.code, means, actor=actor)
        ids = list(rows.order_by("pk").values_list("pk", flat=True)[: mapping.LIKE_AT_MOST])
        words = f"{found.connection.name}, {want.code[:60]} means {means[:60]}"
        job = replaying.start("messages", replaying.RETRY, ids, words=words, actor=actor)
    if htmx.asked(request):
        return htmx.part(request, "integrations/_job.html", {"job": job}, status=202)
    return htmx.redirect(request, reverse("integrations:message", args=[found.pk]))


def _asked(request: HttpRequest, message_id: int) -> tuple[InboundMessage, Wanted, str]:
    found = find(request, message_id)
    means = request.POST.get("means", "").strip()
    want = mapping.needs(found.connection_id, request.POST.get("kind", ""), request.POST.get("code", ""), found.pk)
    if not means:
        raise Invalid([Problem("means", "required", "Say what it means.")], status=422)
    return found, want, means


def _shown(message: InboundMessage, wants: list[Wanted]) -> list[dict[str, Any]]:
    return [
        {
            "n": n,
            "want": want,
            "kind": AliasKind(want.kind).label,
            "label": HINTS[AliasKind(want.kind)][0],
            "choices": _choices(want),
            "count": mapping.failed_for(message.connection_id, want).order_by()[: mapping.LIKE_AT_MOST].count(),
        }
        for n, want in enumerate(wants)
    ]


def _choices(want: Wanted) -> list[tuple[str, str]]:
    if want.kind == AliasKind.LOCATION:
        rows = Location.objects.order_by("code").values_list("code", "name")[:500]
        return [("", "Choose a place"), *((code, f"{code}, {name}") for code, name in rows)]
    return [("", "Choose"), *((word, word) for word in want.choices)] if want.choices else []


def _listed(request: HttpRequest, found: Connection) -> dict[str, Any]:
    kind = request.GET.get("kind", AliasKind.ITEM.value)
    if kind not in SAID:
        raise Invalid([Problem("kind", "unknown", "There is no such kind of word.")], code="bad_filter")
    text = request.GET.get("q", "").replace("\0", "")[:200]
    rows = mapping.listed(found, kind, text)
    fields = ("id", "code", "means", *(("about",) if kind in {AliasKind.ITEM, AliasKind.LOCATION} else ()))
    page = htmx.keyset_page(rows.order_by().values(*fields), request, order=("code", "id"))
    places = Location.objects.order_by("code").values_list("code", "name")[:500] if kind == AliasKind.LOCATION else []
    return {
        "link": found,
        "page": page,
        "total": htmx.capped_count(rows.order_by()),
        "kind": kind,
        "kinds": [(kind.value, kind.label) for kind in SAID],
        "label": HINTS[AliasKind(kind)][0],
        "hint": HINTS[AliasKind(kind)][1],
        "places": [("", "Choose a place"), *((code, f"{code}, {name}") for code, name in places)] if places else [],
        "missing": htmx.capped_count(codes.missing(found)) if kind == AliasKind.ITEM else None,
        "may": request.user.has_perm(SAY),
        "problems": {},
        "typed": None,
        "narrowed": bool(text),
    }


def _find(request: HttpRequest, connection_id: UUID) -> Connection:
    found = Connection.objects.for_user(request.user).select_related("channel").filter(pk=connection_id).first()
    if found is None:
        raise Http404("There is no such connection.")
    return found
