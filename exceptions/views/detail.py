"""One case: what is wrong, how we know, what can be done, and everything that happened."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from core import formats, htmx
from core.errors import Refusal
from core.htmx import Capped
from core.models import Event, User
from core.subjects import Subject
from core.subjects import url as subject_url
from exceptions import present, priority, reasons
from exceptions.models import Case, CaseNote, Status
from exceptions.reasons import Evidence, Reason
from exceptions.services import clocks
from exceptions.views import queue, steps

TIMELINE = 100
ABOUT = 15


@require_safe
@permission_required("exceptions.view_case", raise_exception=True)
def detail(request: HttpRequest, case_id: int) -> HttpResponse:
    """GET /exceptions/<id>?list=<the queue's query>: the case, and its neighbours in that queue."""
    case = (
        Case.objects.for_user(request.user)
        .select_related("owner", "site__calendar", "policy", "parent", "previous", "queue")
        .filter(pk=case_id)
        .first()
    )
    if case is None:
        raise Refusal("no_such_case", "There is no such case.", status=404)
    context = context_of(request, case) | {"text": "", "problems": {}}
    context["place"] = _place(request, case)
    return htmx.render(request, "exceptions/detail.html", context)


def context_of(request: HttpRequest, case: Case) -> dict[str, Any]:
    """Everything the page's fragments show of one case."""
    user: Any = request.user
    now = timezone.now()
    reason = reasons.find(case.reason)
    subject = Subject(case.subject_kind, case.subject_uid, case.subject_label)
    calendar = clocks.calendar_of(case.site_id, business_time=case.business_time)
    return {
        "case": case,
        "reason": reason,
        "team": reasons.team(case.queue_id),
        "subject": subject,
        "subject_url": subject_url(subject),
        "clocks": present.clocks(case, "round the clock" if calendar.always else f"in {calendar.name.lower()}", now),
        "waiting": present.WAITING_WORDS.get(case.waiting_on, ""),
        "ended": present.OUTCOME_WORDS.get(case.outcome, ""),
        "severity": present.SEVERITY_WORDS[case.severity],
        "holds": reasons.holds(case.reason, case.subject_uid) if case.status != Status.RESOLVED else None,
        "evidence": _evidence(reason, case.subject_uid),
        "panel": reason.context(case.subject_uid) if reason and reason.context else None,
        **steps.panel(reason, case, user),
        "priority": _priority(case),
        "has_symptoms": Case.objects.for_user(user).filter(parent=case, is_open=True).exists(),
        "aside": present.aside(vars(case)),
        "related": _related(case, user),
        "timeline": _timeline(case),
        "words": present.words,
        "mine": case.owner_id == user.pk,
        "may_work": user.has_perm("exceptions.work_case"),
        "may_assign": user.has_perm("exceptions.assign_case"),
        "may_waive": user.has_perm("exceptions.waive_case"),
        "link_of": _link_of,
    }


def _link_of(cell: Any) -> str:
    return cell.url or (subject_url(cell.subject) if cell.subject else "") or ""


def _priority(case: Case) -> dict[str, Any] | None:
    """What brings the case forward, in figures; nothing once it is over."""
    if case.status == Status.RESOLVED:
        return None
    parts = priority.parts(vars(case), formats.money)
    return {"parts": parts, "minutes": sum(part.minutes for part in parts)}


def _evidence(reason: Reason | None, uid: str) -> list[Evidence]:
    if reason is None or reason.evidence is None:
        return []
    found = reason.evidence(uid)
    return [found] if isinstance(found, Evidence) else list(found)


def _related(case: Case, user: User) -> list[dict[str, Any]]:
    """Cases that belong to this one's story, each only if the person may see it."""
    seen = Case.objects.for_user(user)
    found: list[dict[str, Any]] = []

    def add(icon: str, text: str, url: str) -> None:
        found.append({"icon": icon, "text": text, "url": url})

    def page(other: Case) -> str:
        return reverse("exceptions:detail", args=[other.pk])

    wanted = Q(pk__in=[pk for pk in (case.parent_id, case.previous_id) if pk])
    same = Q(subject_kind=case.subject_kind, subject_uid=case.subject_uid, is_open=True)
    for other in seen.filter(wanted | same).exclude(pk=case.pk).order_by("-pk")[:8]:
        if other.pk == case.parent_id:
            add("link", f"Root: {other.title}, {other.number}", page(other))
        elif other.pk == case.previous_id:
            ended = present.OUTCOME_WORDS.get(other.outcome, "open").lower()
            add("history", f"Came back after {other.number}, {ended}", page(other))
        else:
            add("circle-dot", f"Also open here: {other.title}, {other.number}", page(other))
    alike = seen.still_open().filter(reason=case.reason, site_id=case.site_id).exclude(pk=case.pk)
    count = htmx.capped_count(alike, 100)
    if count.value:
        where = f" at {case.site.name}" if case.site else ""
        address = f"{reverse('exceptions:queue')}?reason={case.reason}"
        if case.site:
            address += f"&site={case.site.code}"
        add("layers", f"{count} more open for the same reason{where}", address)
    return found


def _timeline(case: Case) -> list[Event]:
    """The case's own facts and the latest of its subject, newest first."""
    # Notes of the cases merged into this one stand here, too.
    merged = CaseNote.objects.filter(case=case, carried_from__isnull=False).values_list("carried_from_id", flat=True)
    ids = [str(case.pk), *(str(pk) for pk in merged.order_by("carried_from_id").distinct()[:50])]
    own = Event.objects.filter(subject_kind="case", subject_uid__in=ids[:1]).order_by("-pk")[:TIMELINE]
    if len(ids) > 1:
        noted = Event.objects.filter(subject_kind="case", subject_uid__in=ids[1:], type="case.noted")
        own = [*own, *noted.order_by("-pk")[:TIMELINE]]  # type: ignore[assignment]
    about = Event.objects.filter(subject_kind=case.subject_kind, subject_uid=case.subject_uid).order_by("-pk")[:ABOUT]
    return sorted([*own, *about], key=lambda event: (event.occurred_at, event.pk), reverse=True)


def _place(request: HttpRequest, case: Case) -> dict[str, Any]:
    """Where the case stands in the queue it was opened from, and its neighbours there."""
    address = request.GET.get("list", "")[:2000]
    base = reverse("exceptions:queue")
    place: dict[str, Any] = {"back": f"{base}?{address}" if address else base, "at": None, "total": None}
    if case.status == Status.RESOLVED:
        return place
    try:
        rows = queue.listing(request, QueryDict(address)).rows.still_open()
    except Refusal:
        return place | {"back": base}
    rank = case.rank
    before = Q(rank__lt=rank) | Q(rank=rank, pk__lt=case.pk)
    after = Q(rank__gt=rank) | Q(rank=rank, pk__gt=case.pk)
    earlier = rows.filter(before, rank__lte=rank)
    previous = earlier.order_by("-rank", "-pk").values_list("pk", flat=True).first()
    following = rows.filter(after, rank__gte=rank).order_by("rank", "pk").values_list("pk", flat=True).first()
    total: Capped = htmx.capped_count(rows)
    at = htmx.capped_count(earlier)
    tail = f"?list={queue.wrapped(address)}" if address else ""
    return place | {
        "at": None if at.over else at.value + 1,
        "total": total,
        "previous": reverse("exceptions:detail", args=[previous]) + tail if previous else "",
        "next": reverse("exceptions:detail", args=[following]) + tail if following else "",
    }
