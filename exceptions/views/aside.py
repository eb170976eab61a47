"""Putting a case aside, and taking it back."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from exceptions import wakes
from exceptions.services import cases
from exceptions.views.actions import ask, moment, perform, version_of, visible, works


@require_http_methods(["GET", "POST"])
@works
def snooze(request: HttpRequest, case_id: int) -> HttpResponse:
    """/exceptions/<id>/snooze: out of the way until a time or a fact; its clocks run on."""
    case = visible(request, case_id)
    if request.method == "GET":
        return ask(request, case, "exceptions/_snooze.html", wakes=wakes.offered(case.subject_kind))
    options: dict[str, Any] = {
        "until": moment(request.POST.get("until", "")),
        "wake_on": request.POST.get("wake_on", "")[:40],
        "note": request.POST.get("note", "").strip(),
    }
    said = f"{case.number} is put aside"
    return perform(request, case_id, cases.snooze, said, version=version_of(request), **options)


@require_POST
@works
def wake(request: HttpRequest, case_id: int) -> HttpResponse:
    """POST /exceptions/<id>/wake: back to where its clocks put it."""
    return perform(request, case_id, cases.wake, version=version_of(request))
