"""What a person wants to hear of, how, and when: quiet hours, letters by kind of notice, kinds left out."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from core import htmx
from core.models import User
from exceptions import quiet
from exceptions.services import notices

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LETTER, INBOX, NOTHING = "letter", "inbox", "nothing"


@require_http_methods(["GET", "HEAD", "POST"])
def mine(request: HttpRequest) -> HttpResponse:
    """GET and POST /me/notices."""
    person = cast(User, request.user)  # LoginRequiredMiddleware lets nobody else in
    stored = dict(person.preferences)
    problems: dict[str, str] = {}
    ways = {kind: _way(person, kind) for kind in notices.KINDS}
    hours = stored.get("quiet") or {}
    if request.method == "POST":
        ways = {kind: request.POST.get(f"way-{kind}", "") for kind in notices.KINDS}
        days = sorted({int(day) for day in request.POST.getlist("days") if day in set("0123456")})
        hours = {"from": request.POST.get("from", "")[:5], "to": request.POST.get("to", "")[:5], "days": days}
        problems = _wrong(ways, hours, stored.get("time_zone") or "UTC")
        if not problems:
            letters = {kind: way == LETTER for kind, way in ways.items()}
            muted = sorted(kind for kind, way in ways.items() if way == NOTHING)
            person.preferences = {**stored, "quiet": hours, "letters": letters, "muted": muted}
            person.save(update_fields=["preferences"])
            htmx.toast(request, "Saved")
            return htmx.redirect(request, reverse("exceptions:my_notices"))
    context = {
        "kinds": [(kind, known, _offered(known)) for kind, known in notices.KINDS.items()],
        "ways": ways,
        "hours": hours,
        "days": list(enumerate(DAYS)),
        "zone": stored.get("time_zone") or "UTC",
        "until": _now_quiet(person),
        "problems": problems,
    }
    return htmx.render(request, "exceptions/my_notices.html", context, status=422 if problems else 200)


def _offered(kind: notices.Kind) -> list[tuple[str, str]]:
    both = [(LETTER, "Inbox and e-mail"), (INBOX, "Inbox alone")]
    return [*both, (NOTHING, "Not at all")] if kind.optional else both


def _way(person: User, kind: str) -> str:
    if notices.silenced(person, kind):
        return NOTHING
    return LETTER if notices.wants_letter(person, kind) else INBOX


def _wrong(ways: dict[str, str], hours: dict[str, Any], zone: str) -> dict[str, str]:
    problems = {
        f"way-{kind}": "Choose one of those offered."
        for kind, way in ways.items()
        if way not in dict(_offered(notices.KINDS[kind]))
    }
    try:
        quiet.parse(hours["from"], hours["to"], hours["days"], zone)
    except (ValueError, LookupError) as error:
        problems["from"] = str(error)
    return problems


def _now_quiet(person: User) -> Any:
    """Until when letters wait at this moment, where they do."""
    now = timezone.now()
    until = quiet.of(person.preferences).until(now)
    return until if until > now else None
