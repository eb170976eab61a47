"""What the OpenAPI description says of every endpoint beyond its shapes: who answers for it, an example, its end."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from drf_spectacular.openapi import AutoSchema

from core.api import lifecycle

_VERSION = re.compile(r"^/api/v[0-9]+")


@cache
def _examples() -> dict[str, Any]:
    return import_string(settings.API_EXAMPLES)


class Schema(AutoSchema):
    """`x-service-owner`: settings.API_OWNERS by the view's app. A body's example: settings.API_EXAMPLES by its path."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        operation["x-service-owner"] = settings.API_OWNERS[type(self.view).__module__.partition(".")[0]]
        example = _examples().get(f"{self.method} {_VERSION.sub('', self.path)}")
        for body in operation.get("requestBody", {}).get("content", {}).values():
            if example is not None and not body.get("examples"):
                body["examples"] = {"example": {"value": example}}
        return lifecycle.described(self.view, operation)
