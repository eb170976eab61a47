"""Merging selected cases into one of them, after showing what goes over to it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from core import actors, formats, htmx
from core.errors import Refusal
from exceptions.services import cases, merging
from exceptions.views import bulk, queue
from exceptions.views.actions import works


@require_POST
@works
def merge(request: HttpRequest) -> HttpResponse:
    """POST /exceptions/bulk/merge: without `seen` the preview (for the dialog), with it the merge itself."""
    some = bulk.chosen(request)
    if some.whole_view or not 2 <= len(some.ids) <= merging.MOST + 1:
        raise Refusal("nothing_to_merge", f"Select between 2 and {merging.MOST + 1} cases to merge.", status=400)
    text = request.POST.get("keep", "")
    target = int(text) if text.isascii() and text.isdigit() and int(text[:18]) in some.ids else some.ids[0]
    if "seen" not in request.POST or "look" in request.POST:
        context = {"preview": merging.preview(target, some.ids), "ids": some.ids}
        return htmx.part(request, "exceptions/_merge.html", context)
    count = cases.merge(
        target, some.ids, seen=request.POST["seen"][:4000], note=request.POST.get("note", ""),
        actor=actors.person(request.user),
    )  # fmt: skip
    htmx.toast(request, f"{formats.plural(count, 'case')} merged into EX-{target}")
    if not htmx.asked(request):
        return htmx.redirect(request, reverse("exceptions:queue"))
    context = queue.rows_context(request, some.ids)
    return htmx.part(request, ["exceptions/_fresh_row.html", "exceptions/_tally_fresh.html"], context)
