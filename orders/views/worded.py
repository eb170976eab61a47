"""The pages that sourcing and return policies have in common: all of them, a new one, its versions, their stages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from core import actors, htmx, typed
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from orders.models import Channel

CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True)
class Pages:
    """Of one kind of policy. `app` names its addresses and templates; `moves` are a version's stages by their verb."""

    app: str
    policies: Any
    versions: Any
    create: Callable[[str, str, Channel | None, Actor], Any]
    draft_of: Callable[..., Any]
    moves: Mapping[str, Callable[..., Any]]

    def listed(self, request: HttpRequest) -> HttpResponse:
        """Every policy with the versions in use."""
        current = self.versions.objects.exclude(status="RETIRED").order_by("number")
        rows = self.policies.objects.for_user(request.user).select_related("channel")
        found = rows.prefetch_related(Prefetch("versions", current, "current"))
        page = htmx.keyset_page(found, request, order=("code",))
        return self._render(request, "policies", {"page": page, "total": htmx.capped_count(rows)})

    def new(self, request: HttpRequest) -> HttpResponse:
        """A policy with a first draft, or the form again (422)."""
        values = {name: request.POST.get(name, "").replace("\0", "").strip() for name in ("code", "name", "channel")}
        problems: dict[str, str] = {}
        if request.method == "POST":
            try:
                made = self.create(values["code"], values["name"], _channel(values), actors.person(request.user))
            except Invalid as invalid:
                problems = {problem.path: problem.message for problem in invalid.problems}
            except Refusal as refusal:
                problems = {"code": refusal.message}
            else:
                htmx.toast(request, f"{made.policy.name} has its first draft")
                return htmx.redirect(request, self.address(made))
        context = {"values": values, "problems": problems, "channels": channels()}
        return self._render(request, "policy_new", context, status=422 if problems else 200)

    def policy(self, request: HttpRequest, code: str) -> HttpResponse:
        """Its versions, newest first."""
        found = self._policy(request, code)
        rows = found.versions.all()
        page = htmx.keyset_page(rows, request, order=("-number",))
        return self._render(request, "policy", {"policy": found, "page": page, "total": htmx.capped_count(rows)})

    def draft(self, request: HttpRequest, code: str) -> HttpResponse:
        """A new draft from the version named, or the draft there is."""
        number = typed.whole(request.POST.get("from", ""), 8)
        found = self._policy(request, code)
        made = self.draft_of(found.pk, from_number=number, actor=actors.person(request.user))
        return htmx.redirect(request, self.address(made))

    def launch(self, request: HttpRequest, code: str, number: int, verb: str) -> HttpResponse:
        """The version's next stage."""
        found = self.find(request, code, number)
        if verb not in self.moves:
            raise Refusal("unknown_step", "There is no such step.", status=404)
        self.moves[verb](found.pk, version=typed.version(request), actor=actors.person(request.user))
        htmx.toast(request, f"{found} {_DONE[verb]}")
        return htmx.redirect(request, self.address(found))

    def find(self, request: HttpRequest, code: str, number: int) -> Any:
        rows = self.versions.objects.for_user(request.user).select_related("policy__channel")
        return get_object_or_404(rows, policy__code=code, number=number)

    def address(self, found: Any) -> str:
        return reverse(f"{self.app}:policy_version", args=[found.policy.code, found.number])

    def _policy(self, request: HttpRequest, code: str) -> Any:
        return get_object_or_404(self.policies.objects.for_user(request.user).select_related("channel"), code=code)

    def _render(self, request: HttpRequest, name: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
        part = _PARTS[name]
        context["app"] = self.app
        return htmx.render(request, f"{self.app}/{name}.html", context, fragment=part, status=status)


_DONE = {"shadow": "runs in shadow now", "live": "is live now", "retire": "is retired"}
_PARTS = {
    "policies": "orders/_policies.html",
    "policy_new": "orders/_policy_new.html",
    "policy": "orders/_policy_versions.html",
}


def channels() -> list[tuple[str, str]]:
    return list(Channel.objects.order_by("name").values_list("code", "name"))


def _channel(values: Mapping[str, str]) -> Channel | None:
    """The channel a new policy is for, None for all; Invalid (422) for what is wrong with any of its fields."""
    found = []
    if not CODE.fullmatch(values["code"]) or values["code"] == "new":
        found.append(Problem("code", "shape", "Small letters, digits and hyphens, at most 40; not “new”."))
    if not 0 < len(values["name"]) <= 120 or "\0" in values["name"]:
        found.append(Problem("name", "required", "Give it a name of at most 120 characters."))
    channel = Channel.objects.filter(code=values["channel"]).first() if "\0" not in values["channel"] else None
    if values["channel"] and channel is None:
        found.append(Problem("channel", "unknown", "There is no such channel."))
    if found:
        raise Invalid(found, status=422)
    return channel
