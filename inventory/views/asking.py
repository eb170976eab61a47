"""What a person sent with a step: figures, the version they saw, a scan with its key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime

from django.http import HttpRequest
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive

from core import idempotency
from core.errors import Invalid, Problem
from inventory.services.locking import retrying


def whole(request: HttpRequest, name: str, least: int = 0) -> int:
    """The whole number sent under a name; Invalid (422) for anything else."""
    text = request.POST.get(name, "").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10) or int(text) < least:
        words = f"{name.replace('_', ' ').capitalize()} must be a whole number from {least}."
        raise Invalid([Problem(name, "range", words)], status=422)
    return int(text)


def version(request: HttpRequest) -> int | None:
    sent = request.POST.get("v", "")
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else None


def words(request: HttpRequest, name: str, most: int = 200) -> str:
    return request.POST.get(name, "").replace("\0", "").strip()[:most]


def scanned(request: HttpRequest) -> tuple[str, datetime | None]:
    """The code, and when the device read it."""
    try:
        at = parse_datetime(request.POST.get("at", "")[:40])
    except ValueError:
        at = None
    return words(request, "code", 100), (None if at is None or is_naive(at) else at)


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
