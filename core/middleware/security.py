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
            "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )
        self.strict = base
        # ReDoc draws its page with inline styles and a worker made from a blob; it shows no one's data.
        self.documents = f"{base}; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:"

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        loose = request.path.startswith("/api/docs")
        response.headers.setdefault("Content-Security-Policy", self.documents if loose else self.strict)
        response.headers.setdefault("Permissions-Policy", "camera=(self), microphone=(), geolocation=(), payment=()")
        return response
