"""What a person at a site sent: where they are, whole numbers, the version they saw."""

from __future__ import annotations

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from core.errors import Invalid, Problem
from inventory.models import Location


def place(request: HttpRequest, code: str) -> Location:
    """The place of a site's code; 404 where the person may not see it."""
    found: Location = get_object_or_404(Location.objects.for_user(request.user).select_related("site"), site__code=code)
    return found


def whole(request: HttpRequest, name: str, least: int) -> int:
    """The whole number sent under a name; Invalid (422) for anything else."""
    text = request.POST.get(name, "").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10) or int(text) < least:
        raise Invalid([Problem(name, "range", f"{name.capitalize()} must be a whole number from {least}.")], status=422)
    return int(text)


def version(request: HttpRequest) -> int | None:
    sent = request.POST.get("v", "")
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else None


def words(request: HttpRequest, name: str, most: int = 200) -> str:
    return request.POST.get(name, "").replace("\0", "").strip()[:most]
