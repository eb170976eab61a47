"""/api/v1/cases: what is wrong, how we know, and what happened; with the queues and reasons they belong to."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Count
from django.http import HttpResponse
from django.utils import timezone

from core.api import ApiView, etag, idempotent, keyset, page_reply, reply
from core.errors import Invalid, Problem
from core.models import Event
from exceptions import reasons
from exceptions.api.v1 import bodies, described, finding, shapes
from exceptions.api.v1.filters import CallerCaseFilter
from exceptions.filters import ORDERS, order_of
from exceptions.models import Case, CaseNote, Queue, Status
from exceptions.services import clocks, notes

TIMELINE = 50
READ: dict[str, str] = {"GET": "cases:read"}


class Cases(ApiView):
    scope_required: ClassVar[dict[str, str]] = READ

    @described.LIST
    def get(self, request: Any) -> HttpResponse:
        """A page of cases, the one nearest its time first; open ones unless `status` says otherwise."""
        rows = CallerCaseFilter(request.GET, Case.objects.for_caller(request.auth)).found()
        sort = order_of(request.GET.get("sort", ""), resolved=Status.RESOLVED in request.GET.getlist("status"))
        page = keyset(rows.select_related("owner", "site"), request, ORDERS[sort])
        return page_reply(request, page, shapes.case)


class OneCase(ApiView):
    scope_required: ClassVar[dict[str, str]] = READ

    @described.READ
    def get(self, request: Any, number: str) -> HttpResponse:
        """The case with its evidence as it stands now, its clocks, its latest facts and what can be done."""
        found = finding.case(request, number)
        return reply(_detail(request, found), headers={"ETag": etag(found.version)})


def _detail(request: Any, found: Case) -> dict[str, Any]:
    reason = reasons.find(found.reason)
    uid = found.subject_uid
    calendar = clocks.calendar_of(found.site_id, business_time=found.business_time)
    hours = "round the clock" if calendar.always else calendar.name
    over = found.status == Status.RESOLVED
    return {
        **shapes.case(found),
        "description": reason.description if reason else "",
        "clears_when": reason.clears_when if reason else None,
        "still_true": None if over else reasons.holds(found.reason, uid),
        "clocks": shapes.clocks(found, hours, timezone.now()),
        "evidence": shapes.evidence(reason, uid),
        "context": shapes.context(reason.context(uid)) if reason and reason.context else None,
        "actions": shapes.actions(found, request.auth),
        "symptoms": Case.objects.for_caller(request.auth).filter(parent=found)[:1_000].count(),
        "timeline": [shapes.fact(event) for event in _facts(found).order_by("-pk")[:TIMELINE]],
    }


def _facts(found: Case) -> Any:
    return Event.objects.filter(subject_kind="case", subject_uid=str(found.pk))


class Timeline(ApiView):
    scope_required: ClassVar[dict[str, str]] = READ

    @described.TIMELINE
    def get(self, request: Any, number: str) -> HttpResponse:
        """Every fact about the case, newest first."""
        _only_pages(request)
        return page_reply(request, keyset(_facts(finding.case(request, number)), request), shapes.fact)


class Notes(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "cases:read", "POST": "cases:work"}

    @described.NOTES
    def get(self, request: Any, number: str) -> HttpResponse:
        """What people and programs left for the next one, newest first, in full."""
        _only_pages(request)
        rows = CaseNote.objects.filter(case=finding.case(request, number))
        return page_reply(request, keyset(rows, request), _note)

    @described.NOTE
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """Leave a note for the next one, and tell whom it names (@amira.khan). It needs no version."""
        body = bodies.read(request, bodies.Note)
        left = notes.leave(finding.case(request, number).pk, text=body.text, actor=request.auth.actor)
        told = [{"name": person.get_full_name(), "email": person.email} for person in left.told]
        missed = [{"name": name, "why": why} for name, why in left.missed]
        return reply({**_note(CaseNote.objects.get(pk=left.id)), "told": told, "missed": missed}, status=201)


def _note(row: CaseNote) -> dict[str, Any]:
    return {
        "id": row.pk,
        "text": row.text,
        "by": {"kind": row.author_kind, "label": row.author_label},
        "at": row.created_at,
    }


def _only_pages(request: Any) -> None:
    if unknown := sorted(set(request.GET) - {"after", "before", "page_size"}):
        raise Invalid([Problem(name[:60], "unknown", "The list isn't narrowed by it.") for name in unknown[:50]])


class Queues(ApiView):
    scope_required: ClassVar[dict[str, str]] = READ

    @described.QUEUES
    def get(self, request: Any) -> HttpResponse:
        """The queues this key sees, with how many cases are open in each."""
        counts = _open_by(request, "queue_id")
        rows = Queue.objects.all()
        if request.auth.queues is not None:
            rows = rows.filter(pk__in=request.auth.queues)
        items = [{"code": row.code, "name": row.name, "open": counts.get(row.code, 0)} for row in rows]
        return reply({"items": items})


class Reasons(ApiView):
    scope_required: ClassVar[dict[str, str]] = READ

    @described.REASONS
    def get(self, request: Any) -> HttpResponse:
        """Every way things can go wrong in the queues this key sees, with how many cases of it are open."""
        counts = _open_by(request, "reason")
        queues = request.auth.queues
        known = [each for each in reasons.every() if queues is None or each.queue in queues]
        return reply({"items": [shapes.reason(each, counts.get(each.code, 0)) for each in known]})


def _open_by(request: Any, field: str) -> dict[str, int]:
    rows = Case.objects.for_caller(request.auth).still_open().order_by().values_list(field)
    return dict(rows.annotate(open=Count("pk")))
