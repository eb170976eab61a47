"""On-duty rotas: one page a queue, with the weeks to come and the hours nobody covers."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import actors, htmx
from core.errors import Invalid
from core.models import User
from exceptions import forms
from exceptions.models import Queue
from exceptions.services import rotas

SEE, CHANGE = "exceptions.view_rota", "exceptions.change_rota"
PEOPLE_SHOWN = 500
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@require_safe
@permission_required(SEE, raise_exception=True)
def listing(request: HttpRequest) -> HttpResponse:
    """GET /ops/rotas/: every queue, who is on duty now and whether hours stand open."""
    now = timezone.now()
    rows = []
    for queue in Queue.objects.all():
        duties, gaps = rotas.outlook(rotas.of(queue.code), now)
        on_now = next((names for duty, names in duties if duty.start <= now < duty.end), "")
        rows.append((queue, on_now, len(gaps) if duties else None))
    return htmx.render(request, "exceptions/rotas.html", {"rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(CHANGE, raise_exception=True)
def edit(request: HttpRequest, queue: str) -> HttpResponse:
    """GET, POST /ops/rotas/<queue>: its hours, shifts and gaps; POST adds a shift; 422 with what is wrong."""
    team = get_object_or_404(Queue, code=queue)
    problems: dict[str, str] = {}
    if request.method == "POST":
        try:
            _add(request, queue)
        except Invalid as wrong:
            problems = {problem.path: problem.message for problem in wrong.problems}
        else:
            htmx.toast(request, "The shift is on the rota.")
            return htmx.redirect(request, request.path)
    return _page(request, team, problems)


def _page(request: HttpRequest, team: Queue, problems: dict[str, str], form: Any = None) -> HttpResponse:
    found = rotas.of(team.code)
    duties, gaps = rotas.outlook(found, timezone.now())
    people = User.objects.filter(is_active=True).order_by("name", "email")[:PEOPLE_SHOWN]
    context = {
        "team": team, "rota": found, "duties": duties, "gaps": gaps, "problems": problems, "days": DAYS,
        "shifts": [(s, rotas.in_words(s)) for s in found.shifts.select_related("user")] if found.pk else [],
        "people": [("", "Choose"), *((person.pk, person.get_full_name()) for person in people)],
        "form": form or forms.RotaForm(instance=found), "values": request.POST, "today": timezone.now().date(),
    }  # fmt: skip
    return htmx.render(request, "exceptions/rota.html", context, status=422 if problems else 200)


def _add(request: HttpRequest, queue: str) -> None:
    posted = request.POST
    person, weeks = posted.get("person", ""), posted.get("every_weeks", "1")
    rotas.add(
        queue, user_id=int(person) if person.isdecimal() else 0,
        days=[int(day) for day in posted.getlist("days") if day.isdecimal()], opens=posted.get("opens", ""),
        closes=posted.get("closes", ""), first_day=_date(posted.get("first_day", "")) or timezone.now().date(),
        last_day=_date(posted.get("last_day", "")), every_weeks=int(weeks) if weeks.isdecimal() else 0,
        cover=bool(posted.get("cover")), actor=actors.person(request.user),
    )  # fmt: skip


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


@require_POST
@permission_required(CHANGE, raise_exception=True)
def settle(request: HttpRequest, queue: str) -> HttpResponse:
    """POST /ops/rotas/<queue>/hours: its zone, the hours to be covered, and who is told in a gap."""
    team = get_object_or_404(Queue, code=queue)
    form = forms.RotaForm(request.POST, instance=rotas.of(queue))
    if not form.is_valid():
        return _page(request, team, {name: str(messages[0]) for name, messages in form.errors.items()}, form)
    rotas.settle(queue, actor=actors.person(request.user), **form.cleaned_data)
    htmx.toast(request, "Saved.")
    return htmx.redirect(request, reverse("exceptions:rota", args=[queue]))


@require_POST
@permission_required(CHANGE, raise_exception=True)
def drop(request: HttpRequest, queue: str, shift_id: int) -> HttpResponse:
    """POST /ops/rotas/<queue>/<shift>/drop: take a shift off. Safe to repeat."""
    rotas.drop(queue, shift_id, actor=actors.person(request.user))
    return htmx.redirect(request, reverse("exceptions:rota", args=[queue]))
