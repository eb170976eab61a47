"""One box for every reference: order, channel reference, SKU, barcode, tracking number, message."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from core import htmx, screens


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """GET /search?q=: results as a fragment for the palette, or a page. `go` (Enter) opens the only exact hit."""
    text = request.GET.get("q", "").strip()[:200]
    found = screens.search(request.user, text) if len(text) > 1 else []
    exact = [f for f in found if f.exact]
    if "go" in request.GET and (len(exact) == 1 or len(found) == 1):
        return htmx.redirect(request, (exact or found)[0].url)
    return htmx.render(request, "core/search.html", {"text": text, "found": found}, fragment="core/_found.html")
