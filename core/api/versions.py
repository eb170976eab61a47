"""Optimistic concurrency over HTTP: an ETag is the row's version."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from core.errors import Refusal


def etag(version: Any) -> str:
    return f'"v{version}"'


def require_match(request: Any, version: Any) -> None:
    """Refuse a change made without having seen the present state: 428 without If-Match, 412 with a stale one."""
    given = request.META.get("HTTP_IF_MATCH", "").strip()
    if not given:
        raise Refusal("if_match_missing", "Send If-Match with the ETag you read.", status=428, etag=etag(version))
    if given != "*" and etag(version) not in _tags(given):
        raise Refusal("stale", "It has changed since you read it.", status=412, etag=etag(version))


def not_modified(request: Any, version: Any) -> HttpResponse | None:
    """304 where the caller has this version already."""
    given = request.META.get("HTTP_IF_NONE_MATCH", "")
    if etag(version) in {tag.removeprefix("W/") for tag in _tags(given)}:
        return HttpResponse(status=304, headers={"ETag": etag(version)})
    return None


def _tags(header: str) -> list[str]:
    return [tag.strip() for tag in header.split(",")]
