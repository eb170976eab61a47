"""What a person sent with a step: figures, the version they saw, a scan with its key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime

from django.http import HttpRequest
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive

from core import idempotency, typed
from core.errors import Invalid, Problem
from inventory.services.locking import retrying


def scanned(request: HttpRequest) -> tuple[str, datetime | None]:
    """The code, and when the device read it."""
    try:
        at = parse_datetime(request.POST.get("at", "")[:40])
    except ValueError:
        at = None
    return typed.words(request, "code", 100), (None if at is None or is_naive(at) else at)


def once(request: HttpRequest, route: str, code: str, work: Callable[[], object]) -> None:
    """Do a scan's work once per key, in one transaction with it: a repeat after a lost answer is harmless."""
    key = request.headers.get("Idempotency-Key", "")
    if not idempotency.valid(key):
        raise Invalid([Problem("Idempotency-Key", "missing", "Each scan brings its own key.")])
    print_ = hashlib.sha256(code.encode("utf-8", "replace")).digest()

    def attempt() -> None:
        if idempotency.once(f"person:{request.user.pk}", route, key, print_):
            work()

    retrying(attempt)
