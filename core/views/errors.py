"""The pages for what went wrong, in the same look. They ask the database nothing: it may be what failed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from core import correlation, htmx
from core.api.problems import problem

WORDS = {
    400: ("This request can’t be understood", "Something in the address or the form isn’t in the shape we expect."),
    403: (
        "You don’t have access to this",
        "Your role doesn’t include this page or action. An administrator can add it.",
    ),
    404: ("There is nothing here", "It may have moved, or it belongs to a site you don’t see."),
    405: ("That isn’t possible here", "The page was asked for in a way it doesn’t offer."),
    500: ("Something went wrong on our side", "Nothing you typed was lost if you go back. We have been told."),
}
STALE = (
    "This page is out of date",
    "You signed in or out in another tab since it was opened. Reload it and try again; nothing was changed.",
)


def show(request: HttpRequest, status: int, words: tuple[str, str] | None = None) -> HttpResponse:
    title, text = words or WORDS[status]
    context = {"status": status, "title": title, "text": text, "reference": correlation.current()}
    if htmx.asked(request) and status < 500:
        return htmx.finish(HttpResponse(render_to_string("components/_notice_error.html", context), status=status))
    return htmx.finish(HttpResponse(render_to_string("core/error.html", context), status=status))


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return show(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return show(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """A program that missed its address is told so in its own language."""
    if request.path.startswith("/api/"):
        return problem(404, "not_found", "No such address is part of the API.")
    return show(request, 404)


def failed(request: HttpRequest) -> HttpResponse:
    return show(request, 500)


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    return show(request, 403, STALE)
