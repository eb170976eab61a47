"""What a browser may load and do on our pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from django.http import HttpRequest, HttpResponse

from core import live

GetResponse = Callable[[HttpRequest], HttpResponse]
KINDS = (("/api/docs", "documents"), ("/accounts/", "accounts"))


@cache
def policy(kind: str, stream: str) -> str:
    """The header for `kind` of page, where the live stream comes from `stream` (an origin, or "" for our own)."""
    connect = f"'self' {stream}".strip()
    base = (
        f"default-src 'self'; connect-src {connect}; img-src 'self' data: blob:; object-src 'none'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    if kind == "documents":
        # ReDoc draws its page with inline styles and a worker made from a blob; it shows no one's data.
        return f"{base}; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:"
    if kind == "accounts":
        # Single sign-on answers a form with a redirect to the identity provider, which form-action covers too.
        return f"{base}; form-action 'self' https:"
    return f"{base}; form-action 'self'"


class ContentSecurityPolicyMiddleware:
    """Everything from ourselves; no inline script or style, no eval, no frames.

    A view that needs another policy sets the header itself, or its path is named here.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        kind = next((k for prefix, k in KINDS if request.path.startswith(prefix)), "strict")
        response.headers.setdefault("Content-Security-Policy", policy(kind, live.origin()))
        response.headers.setdefault("Permissions-Policy", "camera=(self), microphone=(), geolocation=(), payment=()")
        return response
