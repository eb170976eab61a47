"""What a browser may load and do on our pages."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from core import live

GetResponse = Callable[[HttpRequest], HttpResponse]


class ContentSecurityPolicyMiddleware:
    """Everything from ourselves; no inline script or style, no eval, no frames.

    A view that needs another policy (the API's documentation, Django's admin) sets the header itself, or names a
    looser path here.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        connect = " ".join(["'self'", live.origin()]).strip()
        base = (
            f"default-src 'self'; connect-src {connect}; img-src 'self' data: blob:; object-src 'none'; "
            "base-uri 'none'; frame-ancestors 'none'"
        )
        self.strict = f"{base}; form-action 'self'"
        # Single sign-on answers a form with a redirect to the identity provider, which form-action covers too.
        self.accounts = f"{base}; form-action 'self' https:"
        # ReDoc draws its page with inline styles and a worker made from a blob; it shows no one's data.
        self.documents = f"{base}; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:"

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", self._policy(request.path))
        response.headers.setdefault("Permissions-Policy", "camera=(self), microphone=(), geolocation=(), payment=()")
        return response

    def _policy(self, path: str) -> str:
        if path.startswith("/api/docs"):
            return self.documents
        return self.accounts if path.startswith("/accounts/") else self.strict
