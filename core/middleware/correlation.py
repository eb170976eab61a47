"""One id, one log line and one observation for each request."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from core import correlation, metrics, spans

log = logging.getLogger("core.request")

GetResponse = Callable[[HttpRequest], HttpResponse]
QUIET = frozenset({"/livez", "/readyz", "/metrics"})


class CorrelationMiddleware:
    """Outermost: what comes in under X-Correlation-ID, or a fresh id, goes out again and marks everything between.

    The line names the route and the path, never the query: people search for names and e-mail addresses.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        with correlation.using(correlation.accept(request.headers.get(correlation.HEADER))) as cause:
            with spans.span(
                f"{request.method} request", spans.SERVER, **{"http.request.method": request.method}
            ) as span:
                response = self.get_response(request)
                if span is not None:
                    _describe(span, request, response)
            response.headers[correlation.HEADER] = cause
            self._note(request, response, time.perf_counter() - started)
        return response

    def _note(self, request: HttpRequest, response: HttpResponse, seconds: float) -> None:
        match = request.resolver_match
        route = match.route if match else "none"
        metrics.REQUESTS.labels(request.method or "", route, response.status_code).observe(seconds)
        if request.path in QUIET or request.path.startswith("/static/"):
            return
        log.log(
            logging.ERROR if response.status_code >= 500 else logging.INFO,
            "request",
            extra={
                "method": request.method,
                "path": request.path[:200],
                "route": route,
                "status": response.status_code,
                "ms": round(seconds * 1000, 1),
                "who": _who(request),
            },
        )


def _describe(span: Any, request: HttpRequest, response: HttpResponse) -> None:
    """The route, never the path or its query: people search for names and e-mail addresses."""
    route = request.resolver_match.route if request.resolver_match else "none"
    span.update_name(f"{request.method} {route}")
    span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", response.status_code)


def _who(request: HttpRequest) -> str | None:
    """The person, if something has asked for them already; asking here would cost pages without people a query."""
    user = request.__dict__.get("_cached_user")
    return f"user:{user.pk}" if user is not None and user.is_authenticated else None
