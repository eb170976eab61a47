"""What every screen needs around it: the reader's time zone, refusals shown, and an ended session told to htmx."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils import timezone

from core import htmx
from core.errors import Refusal

GetResponse = Callable[[HttpRequest], HttpResponse]


class ScreensMiddleware:
    """Stands outside LoginRequiredMiddleware, so that it sees the redirect that one answers."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        timezone.deactivate()
        response = self.get_response(request)
        if htmx.asked(request) and response.status_code == 302 and self._is_sign_in(response.headers["Location"]):
            # htmx would follow a redirect and put the sign-in page into a list; a header takes the whole tab there.
            page = urlsplit(request.headers.get("HX-Current-URL", ""))
            back = page.path + (f"?{page.query}" if page.query else "")
            address = f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': back or '/'})}"
            return htmx.finish(HttpResponse(status=401, headers={"HX-Redirect": address}))
        return response

    def process_view(self, request: HttpRequest, *_: object) -> None:
        if "\0" in request.path and not request.path.startswith("/api/"):
            raise Http404  # no name of ours has one, and the database refuses to look for it
        # Read late: views that never look at the user (webhooks, static files) stay without a query.
        zone = _zone(request)
        if zone is not None:
            timezone.activate(zone)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return htmx.refuse(request, error) if isinstance(error, Refusal) else None

    @staticmethod
    def _is_sign_in(location: str) -> bool:
        return urlsplit(location).path == resolve_url(settings.LOGIN_URL)


def _zone(request: HttpRequest) -> ZoneInfo | None:
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return None
    user = getattr(request, "user", None)
    preferences = getattr(user, "preferences", None)
    name = (preferences.get("time_zone") if isinstance(preferences, dict) else "") or ""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None
