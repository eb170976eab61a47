"""The frame around every endpoint: who calls, what for, how often, and how errors are told."""

from __future__ import annotations

import math
import time
from functools import cache
from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from django.utils.module_loading import import_string
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from core.api import limits, problems
from core.api.callers import Caller
from core.api.lifecycle import Ending
from core.errors import Refusal


@cache
def _by_settings() -> type[BaseAuthentication]:
    return import_string(settings.API_AUTHENTICATION)


class HasScope(BasePermission):
    """The key holds the scope the view names for this method. A method without one answers nobody."""

    def has_permission(self, request: Request, view: Any) -> bool:
        scope = view.scope_required.get("GET" if request.method == "HEAD" else request.method)
        caller = request.auth
        return isinstance(caller, Caller) and scope is not None and caller.may(scope)


class HasKey(BasePermission):
    """Any key may: what it sees is its own."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.auth, Caller)


class ApiView(APIView):
    """An endpoint. Name a scope per method; a key without it is told 403, no key 401."""

    scope_required: ClassVar[dict[str, str]] = {}
    authentication_classes: tuple[type[BaseAuthentication], ...] = ()  # none named: the one of settings
    permission_classes: tuple[type[BasePermission], ...] = (HasScope,)
    parser_classes = ()  # bodies are read by core.api.parse
    ending: ClassVar[Ending | None] = None
    request: Any
    allowance: limits.Allowance | None = None
    begun = 0.0

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        self.begun = time.perf_counter()
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.ending is not None:
            self.ending.check(timezone.now())

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [kind() for kind in self.authentication_classes or (_by_settings(),)]

    def check_throttles(self, request: Request) -> None:
        self.count_calls(request, 1)

    def count_calls(self, request: Request, calls: int) -> None:
        """Count so many calls of this key: a batch is as many as it holds. 429 when they are too many."""
        caller = request.auth
        if isinstance(caller, Caller):
            self.allowance = limits.take(f"{caller.kind}:{caller.uid}", caller.rate_per_minute, calls)
            if self.allowance is not None and self.allowance.wait > 0:
                raise Refusal(
                    "rate_limited", "Too many calls. Slow down.", status=429, retry_after=math.ceil(self.allowance.wait)
                )

    def permission_denied(self, request: Request, message: Any = None, code: Any = None) -> NoReturn:
        if request.auth is None:
            raise exceptions.NotAuthenticated("Send a key as `Authorization: Bearer <key>`.")
        raise exceptions.PermissionDenied(message or "This key may not do that.", code)

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        if isinstance(exc, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
            exc.auth_header = self.get_authenticate_header(self.request)  # type: ignore[union-attr]
        response = problems.answer(exc)
        if isinstance(exc, exceptions.MethodNotAllowed):
            response.headers["Allow"] = ", ".join(self.allowed_methods)
        response.exception = True  # type: ignore[attr-defined]
        return response

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        made = super().finalize_response(request, response, *args, **kwargs)
        if self.allowance is not None:
            _say(made, self.allowance.headers)
        if self.ending is not None:
            _say(made, self.ending.headers)
        # A request that couldn't be read at all has no caller, and asking for one would only fail again.
        caller = getattr(request, "_auth", None)
        if isinstance(caller, Caller):
            account = next(iter(self.authentication_classes), _by_settings())
            account.answered(caller, request, made, time.perf_counter() - self.begun)  # type: ignore[attr-defined]
        return made


def _say(response: Any, headers: dict[str, str]) -> None:
    """Add headers to an answer; one that is there already (Link) says both."""
    for name, value in headers.items():
        given = response.headers.get(name)
        response.headers[name] = f"{given}, {value}" if given else value
