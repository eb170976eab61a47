"""The same verb on the selected rows, or on everything in the view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_POST

from core import actors, formats, htmx, jobs
from core.errors import Refusal
from exceptions import tasks
from exceptions.models import Case
from exceptions.services import cases
from exceptions.services.many import Tally
from exceptions.views import people, queue

INLINE = 50
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a bulk action is for: rows by id, or all that a filter finds."""

    ids: list[int]
    whole_view: bool


def chosen(request: HttpRequest) -> Chosen:
    """The cases a bulk form names. One the person may not see makes the whole request 404.

    For a whole view the count the person saw must still be true (409), so nobody acts on rows they never saw.
    """
    if request.POST.get("scope") == "view":
        wanted = queue.listing(request, QueryDict(request.POST.get("filter", "")[:4000]))
        rows: QuerySet[Case] = wanted.rows.still_open()
        count = htmx.capped_count(rows)
        if str(count) != request.POST.get("expected", ""):
            raise Refusal(
                "count_changed", f"The view holds {count} cases now, not {request.POST.get('expected', '')[:12]}."
            )
        return Chosen(list(rows.order_by("pk").values_list("pk", flat=True)[:MOST]), whole_view=True)
    asked = {int(text) for text in request.POST.getlist("id") if text.isascii() and text.isdigit() and len(text) < 19}
    if not asked or len(asked) > 1_000:
        raise Refusal("nothing_chosen", "Select the cases first.", status=400)
    seen = list(Case.objects.for_user(request.user).filter(pk__in=asked).order_by("pk").values_list("pk", flat=True))
    if len(seen) != len(asked):
        raise Refusal("no_such_case", "There is no such case.", status=404)
    return Chosen(seen, whole_view=False)


@require_POST
@permission_required("exceptions.work_case", raise_exception=True)
def claim(request: HttpRequest) -> HttpResponse:
    """POST /exceptions/bulk/claim: the rows as they are now and what became of them; a job for many."""
    some = chosen(request)
    if len(some.ids) > INLINE:
        return _as_job(request, some.ids, f"Claim {len(some.ids):,} cases", {})
    return _tell(request, some, cases.claim_many(some.ids, actor=actors.person(request.user)), "claimed")


@require_POST
@permission_required("exceptions.assign_case", raise_exception=True)
def assign(request: HttpRequest) -> HttpResponse:
    """POST /exceptions/bulk/assign: without a person the question whom (for the dialog), with one the result."""
    some = chosen(request)
    if "to" not in request.POST:
        sites = set(Case.objects.filter(pk__in=some.ids).values_list("site_id", flat=True))
        context = {
            "ids": [] if some.whole_view else some.ids,
            "count": len(some.ids),
            "people": people.who_may_work(sites),
            "scope": request.POST.get("scope", "page"),
            "filter": request.POST.get("filter", ""),
            "expected": request.POST.get("expected", ""),
        }
        return htmx.part(request, "exceptions/_assign_many.html", context)
    to = people.chosen(request)
    if len(some.ids) > INLINE:
        return _as_job(request, some.ids, f"Assign {len(some.ids):,} cases", {"to": to})
    return _tell(request, some, cases.assign_many(some.ids, to=to, actor=actors.person(request.user)), "assigned")


def _tell(request: HttpRequest, some: Chosen, tally: Tally, done: str) -> HttpResponse:
    words = [f"{formats.plural(len(tally.done), 'case')} {done}"]
    words += [f"{number} {why}" for _, number, why in tally.refused[:3]]
    if len(tally.refused) > 3:
        words.append(f"and {len(tally.refused) - 3} more left alone")
    htmx.toast(request, ". ".join(words) + ".", tone="warn" if tally.refused else "ok")
    if not htmx.asked(request):
        return htmx.redirect(request, reverse("exceptions:queue"))
    context = queue.rows_context(request, some.ids)
    return htmx.part(request, ["exceptions/_fresh_row.html", "exceptions/_tally_fresh.html"], context)


def _as_job(request: HttpRequest, ids: list[int], title: str, params: dict[str, Any]) -> HttpResponse:
    with transaction.atomic():
        job = jobs.start(
            "exceptions.bulk", actors.person(request.user), {"ids": ids, **params}, total=len(ids), title=title
        )
        jobs.send(job.pk, tasks.bulk)
    if not htmx.asked(request):
        return htmx.redirect(request, reverse("core:job", args=[job.pk]))
    return htmx.part(request, "exceptions/_job.html", {"job": job}, status=202)
