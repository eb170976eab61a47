"""/api/v1/cases/<number>/<verb>: what a program does to a case, as itself or for a person it names.

Each is one service call; the answer is the case as it is now. The version seen comes as If-Match or `version`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.http import HttpResponse

from core.api import ApiView, idempotent
from exceptions.api.v1 import bodies, described, finding
from exceptions.services import cases, on_behalf, watching

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


class Snooze(ApiView):
    scope_required: ClassVar[dict[str, str]] = WORK

    @described.SNOOZE
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """Put it aside until a time or a fact; its clocks run on."""
        body = bodies.read(request, bodies.Aside)
        found = finding.case(request, number)
        options: dict[str, Any] = {"until": body.until, "wake_on": body.wake_on, "note": body.note}
        return finding.change(request, found, body, cases.snooze, **options)


class Wake(ApiView):
    scope_required: ClassVar[dict[str, str]] = WORK

    @described.WAKE
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """Bring it back to where its clocks put it."""
        body = bodies.read(request, bodies.Seen)
        return finding.change(request, finding.case(request, number), body, cases.wake)


class Link(ApiView):
    scope_required: ClassVar[dict[str, str]] = WORK

    @described.LINK
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """Say which case it is a symptom of."""
        body = bodies.read(request, bodies.Under)
        root = finding.case(request, body.root).pk
        return finding.change(request, finding.case(request, number), body, cases.link, parent=root)


class Unlink(ApiView):
    scope_required: ClassVar[dict[str, str]] = WORK

    @described.UNLINK
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """Say that it stands for itself."""
        body = bodies.read(request, bodies.Again)
        return finding.change(request, finding.case(request, number), body, cases.unlink, why=body.note)


class Merge(ApiView):
    scope_required: ClassVar[dict[str, str]] = WORK

    @described.MERGE
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """End these as duplicates of it; their notes, watchers, files and symptoms go over."""
        body = bodies.read(request, bodies.Merging)
        found = finding.case(request, number)
        others = [finding.case(request, each).pk for each in body.cases]
        return finding.change(request, found, body, on_behalf.merge_into, ids=others, note=body.note)


class Watch(ApiView):
    scope_required: ClassVar[dict[str, str]] = WORK

    @described.WATCH
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """Let a person hear of what happens to it."""
        return _watching(request, number, on_behalf.watch_for)


class Unwatch(ApiView):
    scope_required: ClassVar[dict[str, str]] = WORK

    @described.UNWATCH
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """The person doesn't hear of it any more."""
        return _watching(request, number, watching.unwatch)


def _watching(request: Any, number: str, verb: Callable[[int, int], None]) -> HttpResponse:
    body = bodies.read(request, bodies.Watching)
    found = finding.case(request, number)
    verb(found.pk, on_behalf.person_by_email(body.person))
    return finding.answer(request, found.pk)
