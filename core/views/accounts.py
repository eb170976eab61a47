"""Sign-in lives in allauth; this is the short address people remember."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse


@login_not_required
def login(request: HttpRequest) -> HttpResponse:
    """GET /login: to the sign-in page, keeping where to go afterwards."""
    words = request.GET.urlencode()
    return redirect(reverse("account_login") + (f"?{words}" if words else ""))
