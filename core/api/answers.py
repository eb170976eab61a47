"""Turning a result into a response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from pydantic_core import to_json


def reply(
    data: Any, *, status: int = 200, headers: Mapping[str, str] | None = None, content_type: str = "application/json"
) -> HttpResponse:
    """JSON of dicts, dataclasses, pydantic models, datetimes and Decimals (as strings: money is never a float)."""
    body = b"" if data is None and status == 204 else to_json(data)
    return HttpResponse(body, status=status, headers=dict(headers or {}), content_type=content_type)
