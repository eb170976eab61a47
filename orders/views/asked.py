"""What a person at a site sent: where they are, whole numbers, the version they saw."""

from __future__ import annotations

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from inventory.models import Location


def place(request: HttpRequest, code: str) -> Location:
    """The place of a site's code; 404 where the person may not see it."""
    found: Location = get_object_or_404(Location.objects.for_user(request.user).select_related("site"), site__code=code)
    return found
