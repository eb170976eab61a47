"""The notice centre: what one person was told, from the bell and as a list."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from core import htmx, screens
from core.errors import Invalid, Problem, Refusal
from exceptions.models import Notice
from exceptions.services import notices

IN_MENU = 8
ICONS = {"assignment": "user", "mention": "at-sign", "watch": "eye", "approval": "shield-check", "escalation": "clock"}


def _seen(request: HttpRequest) -> Any:
    return Notice.objects.for_user(request.user)


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """GET /inbox?state=unread&kind=…: one's notices, newest first."""
    state, kind = request.GET.get("state", ""), request.GET.get("kind", "")
    if state not in {"", "unread"} or (kind and kind not in notices.KINDS):
        raise Invalid([Problem("state" if state else "kind", "unknown", "There are no such notices.")])
    rows = _seen(request)
    if state:
        rows = rows.unread()
    if kind:
        rows = rows.filter(kind=kind)
    context = {
        "page": htmx.keyset_page(rows, request),
        "total": htmx.capped_count(rows),
        "unread": notices.unread(request.user),  # type: ignore[arg-type]
        "state": state,
        "kind": kind,
        "kinds": [(code, known.title) for code, known in notices.KINDS.items()],
        "titles": {code: known.title for code, known in notices.KINDS.items()},
        "icons": ICONS,
        "newest": htmx.newest(rows),
        "filtered": bool(state or kind),
    }
    return htmx.render(request, "exceptions/inbox.html", context, fragment="exceptions/_inbox_list.html")


@require_safe
def menu(request: HttpRequest) -> HttpResponse:
    """GET /inbox/menu: the latest few, for the bell."""
    rows = list(_seen(request).order_by("-pk")[:IN_MENU])
    unread = notices.unread(request.user)  # type: ignore[arg-type]
    return htmx.part(request, "exceptions/_inbox_menu.html", {"rows": rows, "unread": unread, "icons": ICONS})


@require_POST
def read(request: HttpRequest) -> HttpResponse:
    """POST /inbox/read: mark these (`id`), or all of them, as read."""
    given = request.POST.getlist("id")
    ids = [int(text) for text in given if text.isascii() and text.isdigit() and len(text) < 19]
    if given and len(ids) != len(given):
        raise Refusal("no_such_notice", "There is no such notice.", status=404)
    notices.read(request.user, ids if given else None)  # type: ignore[arg-type]
    screens.forget_counts(request.user)
    return htmx.redirect(request, reverse("exceptions:inbox"))


@require_safe
def open_(request: HttpRequest, notice_id: int) -> HttpResponse:
    """GET /inbox/<id>: read it, and go to what it is about."""
    notice = _seen(request).filter(pk=notice_id).first()
    if notice is None:
        raise Refusal("no_such_notice", "There is no such notice.", status=404)
    notices.read(request.user, [notice.pk])  # type: ignore[arg-type]
    screens.forget_counts(request.user)
    ours = url_has_allowed_host_and_scheme(notice.url, {request.get_host()}) if notice.url else False
    return htmx.redirect(request, notice.url if ours else reverse("exceptions:inbox"))
