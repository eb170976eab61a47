"""Taking a connection live in phases, on its page: how the shadow compares, what a change would do, and back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, tabs
from core.errors import Invalid, Problem
from integrations import phases
from integrations.cutover import Setting
from integrations.models import Connection, ShadowResult
from integrations.views.link import find

sees = permission_required("integrations.view_connection", raise_exception=True)
cuts_over = permission_required("integrations.cut_over_connection", raise_exception=True)
PLACES_AT_MOST = 500
VIEWS: tabs.Views = (
    ("All", {}),
    *((str(label), {"outcome": value}) for value, label in ShadowResult.Outcome.choices),
)


@require_safe
@sees
def panel(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """GET /ops/links/<id>/cutover: the panel of the connection's page."""
    return htmx.part(request, "integrations/_cutover.html", _context(request, find(request, connection_id)))


@require_safe
@sees
def shadow(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """GET /ops/links/<id>/shadow?outcome=: what it would have done, newest first."""
    found = find(request, connection_id)
    rows = ShadowResult.objects.filter(connection=found)
    outcome = request.GET.get("outcome", "")
    if outcome:
        if outcome not in ShadowResult.Outcome.values:
            raise Invalid([Problem("outcome", "unknown", "There is no such outcome.")], code="bad_filter")
        rows = rows.filter(outcome=outcome)
    context = {
        "link": found, "page": htmx.keyset_page(rows, request), "total": htmx.capped_count(rows), "outcome": outcome,
        "views": tabs.of(request, VIEWS),
    }  # fmt: skip
    return htmx.render(request, "integrations/shadow.html", context, fragment="integrations/_shadow.html")


@require_POST
@cuts_over
def preview(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """POST …/cutover/preview: what this setting would change, with the button that does it."""
    found = find(request, connection_id)
    then = _asked(request)
    context = {"link": found, "seen": phases.preview(found, then), "reason": request.POST.get("reason", "")}
    return htmx.part(request, "integrations/_cutover_preview.html", context)


@require_POST
@cuts_over
def change(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """POST …/cutover/change: refused where it is not what was looked at any more."""
    found = find(request, connection_id)
    then = _asked(request)
    phases.change(
        found.pk, then, reason=_reason(request), actor=actors.person(request.user), now=_setting(request, "was_")
    )
    htmx.toast(request, f"{found.name} is {then.words}")
    return _home(request, found)


@require_POST
@cuts_over
def back(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """POST …/cutover/back: as it was before the last change."""
    found = find(request, connection_id)
    then = phases.roll_back(found.pk, reason=_reason(request), actor=actors.person(request.user))
    htmx.toast(request, f"{found.name} is {then.words} again")
    return _home(request, found)


@require_POST
@cuts_over
def take_in(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """POST …/cutover/take-in: what was only compared, nobody has and is live by now, as a job."""
    job = phases.take_in(find(request, connection_id), actor=actors.person(request.user))
    return htmx.redirect(request, reverse("core:job", args=[job.pk]))


def _context(request: HttpRequest, found: Connection) -> dict[str, Any]:
    tally = phases.tally(found)
    return {
        "link": found,
        "setting": Setting.of(found),
        "tally": [(value, label, tally.get(value, 0)) for value, label in ShadowResult.Outcome.choices],
        "before": phases.before(found),
        "modes": Connection.Mode.choices,
        "may": request.user.has_perm("integrations.cut_over_connection"),
    }


def _home(request: HttpRequest, found: Connection) -> HttpResponse:
    return htmx.redirect(request, reverse("integrations:link", args=[found.pk]))


def _asked(request: HttpRequest) -> Setting:
    return _setting(request, "")


def _setting(request: HttpRequest, prefix: str) -> Setting:
    text = request.POST.get(f"{prefix}share", "").strip() or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise Invalid([Problem("share", "range", "Between 0 and 100 percent.")])
    words = request.POST.get(f"{prefix}places", "").replace("\0", "").replace(",", " ").split()
    return Setting(request.POST.get(f"{prefix}mode", ""), int(text), tuple(dict.fromkeys(words[:PLACES_AT_MOST])))


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "").replace("\0", "")
