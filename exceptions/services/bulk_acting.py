"""One action on many cases, as a job: previewed first, then run row by row, each row's end kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction

from core import actors, jobs
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.models import Job
from exceptions import effects, reasons
from exceptions.models import BulkRow, Case, RowOutcome, Status
from exceptions.reasons import Param
from exceptions.services import acting, approvals, handling

PREVIEW, RUN = "exceptions.bulk_preview", "exceptions.bulk_act"
MOST = 10_000
LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Question:
    """One thing an action asks for, with what may be chosen over the cases looked at."""

    param: Param
    choices: dict[str, str]
    uid: str


def offered(ids: Sequence[int]) -> list[tuple[str, str, int]]:
    """The actions these cases' reasons offer: code, title, and how many of the cases have it."""
    counts: Counter[tuple[str, str]] = Counter()
    for code in Case.objects.filter(pk__in=list(ids)).values_list("reason", flat=True):
        reason = reasons.find(code)
        counts.update({(each.code, each.title) for each in (reason.actions if reason else ()) if each.run})
    return [(code, title, count) for (code, title), count in sorted(counts.items(), key=lambda each: -each[1])]


def asks(ids: Sequence[int], action: str) -> list[Question]:
    """What the action has to be told, the same for all of these cases.

    A choice is offered where any of the first cases has it; a case that hasn't is refused when its turn comes.
    """
    found: dict[str, Question] = {}
    for reason_code, uid in Case.objects.filter(pk__in=list(ids)).values_list("reason", "subject_uid")[:LOOKED_AT]:
        reason = reasons.find(reason_code)
        for param in next((each.params for each in (reason.actions if reason else ()) if each.code == action), ()):
            question = found.setdefault(param.name, Question(param, {}, uid))
            if param.choices is not None:
                question.choices.update(param.choices(uid))
    return list(found.values())


def told(questions: Sequence[Question], given: Mapping[str, str]) -> dict[str, str]:
    """The answers as the job keeps them. Invalid (422) by name for each that is missing or wrong."""
    said: dict[str, str] = {}
    problems = []
    for question in questions:
        name, text = question.param.name, given.get(question.param.name, "").replace("\0", "").strip()
        if text and question.choices and text not in question.choices:
            problems.append(Problem(name, "wrong", "Choose one of those offered."))
            continue
        anything = replace(question.param, choices=None)
        try:
            reasons.value_of(anything, text, question.uid)
        except ValueError as error:
            problems.append(Problem(name, "wrong", str(error)))
        if text:
            said[name] = text
    if problems:
        raise Invalid(problems, status=422)
    return said


def start_preview(ids: Sequence[int], action: str, params: dict[str, Any], *, actor: Actor) -> Job:
    """Look at what the action would do to each case; nothing is changed. The caller sends the task on commit."""
    if not ids or len(ids) > MOST:
        raise Refusal("nothing_chosen", f"Choose between 1 and {MOST:,} cases.", status=400)
    given = {"ids": list(ids), "action": action, "params": params}
    words = next((title for code, title, _ in offered(ids) if code == action), action)
    return jobs.start(PREVIEW, actor, given, total=len(ids), title=f"Preview “{words}” for {len(ids):,} cases"[:200])


def start_run(preview_id: int, *, actor: Actor) -> Job:
    """Run what was previewed, on the same cases; once per preview. Refusal while the preview isn't done."""
    with transaction.atomic():
        seen = Job.objects.select_for_update().filter(pk=preview_id, kind=PREVIEW, owner_id=int(actor.uid)).first()
        if seen is None:
            raise Refusal("no_such_preview", "There is no such preview.", status=404)
        if seen.status != "DONE":
            raise Refusal("not_previewed", "Wait until the preview is done.")
        if "run" in (seen.result or {}):
            raise Refusal("started_already", "This was started already.", job=seen.result["run"])
        title = seen.title.removeprefix("Preview ").strip()
        job = jobs.start(RUN, actor, dict(seen.params), total=seen.total, title=title)
        Job.objects.filter(pk=seen.pk).update(result={**(seen.result or {}), "run": job.pk})
    return job


def preview(job_id: int, *, every: int = 20) -> None:
    """How many it can be done to, how many not and why, how many need approval, and what it sums up to."""
    job = Job.objects.select_related("owner").get(pk=job_id)
    if job.owner is None or not jobs.begin(job_id):
        return
    actor, can, asks = actors.person(job.owner), 0, 0
    why: Counter[str] = Counter()
    deltas: list[list[dict[str, Any]]] = []
    for n, case in enumerate(_cases(job.params["ids"])):
        if n % every == 0 and jobs.stopping(job_id):
            jobs.stopped(job_id)
            return
        try:
            plan = _plan(case, job.params, actor)
            if plan.delta.refusal is not None:
                raise plan.delta.refusal
        except Refusal as refusal:
            why[refusal.message] += 1
            jobs.advance(job_id, 0, [{"row": case.number, "reason": refusal.message}])
            continue
        can += 1
        asks += approvals.needed(plan) is not None
        deltas.append(plan.delta.as_json())
        jobs.advance(job_id, 1)
    result = {"can": can, "asks": asks, "why": why.most_common(20), "delta": effects.summed(deltas)}
    jobs.finish(job_id, result)


def run(job_id: int) -> None:
    """Do it, case by case, each for itself. Taken up again after a crash, it goes on with the cases that have no row.

    The stop button is asked before each case; what was done stays done and can be undone one by one.
    """
    job = Job.objects.select_related("owner").get(pk=job_id)
    if job.owner is None or not jobs.begin(job_id):
        return
    actor = actors.person(job.owner)
    known = set(BulkRow.objects.filter(job=job).values_list("case_id", flat=True))
    for case in _cases([pk for pk in job.params["ids"] if pk not in known]):
        if jobs.stopping(job_id):
            jobs.stopped(job_id)
            return
        outcome, code, said, delta = _one(case, job, actor)
        BulkRow.objects.get_or_create(
            job=job, case=case, defaults={"outcome": outcome, "code": code[:60], "said": said[:1000], "delta": delta}
        )
        refused = outcome == RowOutcome.REFUSED
        jobs.advance(job_id, 0 if refused else 1, [{"row": case.number, "reason": said}] if refused else [])
    tally = Counter(BulkRow.objects.filter(job=job).values_list("outcome", flat=True))
    jobs.finish(job_id, {"outcomes": dict(tally)})


def _one(case: Case, job: Job, actor: Actor) -> tuple[str, str, str, list[dict[str, Any]]]:
    try:
        _may(case, job.params["action"], job.owner)
        done = handling.acting_on(
            case.pk, job.params["action"], params=job.params["params"], job_id=job.pk, actor=actor
        )
    except Refusal as refusal:
        return RowOutcome.REFUSED, refusal.code, refusal.message, []
    if done.approval is not None:
        return RowOutcome.ASKED, "", done.said, done.approval.delta
    return RowOutcome.DONE, "", done.said, done.run.delta if done.run else []


def _plan(case: Case, params: dict[str, Any], actor: Actor) -> acting.Plan:
    from core.models import User

    _may(case, params["action"], User.objects.get(pk=int(actor.uid)))
    if case.status == Status.RESOLVED:
        raise Refusal("already_resolved", "It is already resolved.")
    return acting.preview(case, params["action"], params=params["params"], actor=actor)


def _may(case: Case, code: str, person: Any) -> None:
    """Rights are asked for each case anew: somebody may have lost them since the job began."""
    _, action = acting.find(case, code)
    sites = person.site_ids()
    if (
        not person.is_active
        or not person.has_perm(action.permission)
        or (sites is not None and case.site_id not in sites)
    ):
        raise Refusal("may_not", f"You may not do that: {action.title}.", status=403)
    if action.offered is not None and not action.offered(case.subject_uid):
        raise Refusal("not_offered", f"“{action.title}” can't be done here now.")


def _cases(ids: Sequence[int]) -> Any:
    for start in range(0, len(ids), 100):
        yield from Case.objects.filter(pk__in=ids[start : start + 100]).order_by("pk")
