"""/api/v1/cases/<number>/<verb>: what a program does to a case, as itself or for a person it names.

Each is one service call; the answer is the case as it is now. The version seen comes as If-Match or `version`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse

from core.api import ApiView, idempotent, reply
from core.api.problems import answer as told
from core.errors import Refusal
from exceptions import reasons
from exceptions.api.v1 import bodies, described, finding, shapes
from exceptions.models import Case
from exceptions.reasons import Action
from exceptions.services import cases, on_behalf

WORK: dict[str, str] = {"POST": "cases:work"}


class Acknowledge(ApiView):
    scope_required: ClassVar[dict[str, str]] = WORK

    @described.ACKNOWLEDGE
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """Stop the acknowledge clock without anybody taking the case."""
        body = bodies.read(request, bodies.Seen)
        return finding.change(request, finding.case(request, number), body, cases.acknowledge)


class Claim(ApiView):
    scope_required: ClassVar[dict[str, str]] = WORK

    @described.CLAIM
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """Take a free case for a person; 409 while somebody else has it."""
        body = bodies.read(request, bodies.ForPerson)
        found = finding.case(request, number)
        person = on_behalf.person_by_email(body.person)
        return finding.change(request, found, body, on_behalf.claim_for, person=person)


class Assign(ApiView):
    scope_required: ClassVar[dict[str, str]] = WORK

    @described.ASSIGN
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """Give it to a person, whoever has it now."""
        body = bodies.read(request, bodies.ForPerson)
        found = finding.case(request, number)
        return finding.change(request, found, body, cases.assign, to=on_behalf.person_by_email(body.person))


class Release(ApiView):
    scope_required: ClassVar[dict[str, str]] = WORK

    @described.RELEASE
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """Put it back for anyone to take."""
        body = bodies.read(request, bodies.Seen)
        return finding.change(request, finding.case(request, number), body, cases.release)


class Wait(ApiView):
    scope_required: ClassVar[dict[str, str]] = WORK

    @described.WAIT
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """Pause its acknowledge and resolve clocks while somebody else has to act."""
        body = bodies.read(request, bodies.Pause)
        found = finding.case(request, number)
        return finding.change(request, found, body, cases.wait, on=body.on, until=body.until, note=body.note)


class Resume(ApiView):
    scope_required: ClassVar[dict[str, str]] = WORK

    @described.RESUME
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """Let its clocks run again."""
        body = bodies.read(request, bodies.Seen)
        return finding.change(request, finding.case(request, number), body, cases.resume)


class Resolve(ApiView):
    scope_required: ClassVar[dict[str, str]] = WORK

    @described.RESOLVE
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """End it as fixed or as a duplicate; 409 while its reason is still true."""
        body = bodies.read(request, bodies.Resolution)
        found = finding.case(request, number)
        other = finding.case(request, body.duplicate_of).pk if body.duplicate_of else None
        options: dict[str, Any] = {"outcome": body.outcome, "duplicate_of": other, "note": body.note}
        return finding.change(request, found, body, cases.resolve, **options)


class Waive(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": "cases:waive"}

    @described.WAIVE
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """Sign, in the program's name, that it may stay as it is."""
        body = bodies.read(request, bodies.Waiver)
        return finding.change(request, finding.case(request, number), body, cases.waive, reason=body.reason)


class Reopen(ApiView):
    scope_required: ClassVar[dict[str, str]] = WORK

    @described.REOPEN
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """Take back its end, for a few days."""
        body = bodies.read(request, bodies.Again)
        return finding.change(request, finding.case(request, number), body, cases.reopen, note=body.note)


class Act(ApiView):
    """Actions ask for cases:work and for what each says itself."""

    scope_required: ClassVar[dict[str, str]] = WORK

    @described.ACT
    @idempotent()
    def post(self, request: Any, number: str, code: str) -> HttpResponse:
        """Run an action; the case clears itself when that made its reason untrue."""
        body = bodies.read(request, bodies.Seen)
        found = finding.case(request, number)
        action = _action(request, found, code)
        said: list[str] = []

        def run(case_id: int, **options: Any) -> None:
            said.append(cases.act(case_id, action.code, **options))

        try:
            response = finding.change(request, found, body, run)
        except Refusal as refusal:
            if refusal.status in {400, 403, 429, 503}:
                raise
            return told(refusal)  # returned, not raised: that it was tried stays in the timeline
        fresh = Case.objects.select_related("owner", "site").get(pk=found.pk)
        return reply({"said": said[0], "case": shapes.case(fresh)}, headers={"ETag": response.headers["ETag"]})


class PreviewAct(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "cases:read"}

    @described.PREVIEW
    def get(self, request: Any, number: str, code: str) -> HttpResponse:
        """What an action would do; nothing is changed."""
        found = finding.case(request, number)
        action = _offered(found, code)
        seen = action.preview(found.subject_uid) if action.preview else ()
        return reply(
            {
                "code": action.code,
                "title": action.title,
                "confirm": action.confirm,
                "version": found.version,
                "would": [{"name": name, "value": value} for name, value in seen],
            }
        )


def _offered(found: Case, code: str) -> Action:
    reason = reasons.find(found.reason)
    if reason is None:
        raise Refusal("unknown_action", "This case offers no actions.", status=404)
    action = reason.action(code)
    if action.offered is not None and not action.offered(found.subject_uid):
        raise Refusal("not_offered", f"{action.title} is not offered for this case now.", status=409)
    return action


def _action(request: Any, found: Case, code: str) -> Action:
    action = _offered(found, code)
    if not request.auth.may(scope := shapes.scope_of(action)):
        raise Refusal("scope_missing", f"{action.title} asks for the scope {scope}.", status=403, scope=scope)
    return action
