"""What a count means: second looks, approval by somebody else, and its way into the books."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from core.actors import PERSON, Actor
from core.errors import Refusal
from exceptions.services import cases
from inventory import counting as rules
from inventory import events as facts
from inventory.models import Count, CountLine, CountLot, CountStatus
from inventory.services import findings
from inventory.services.counting import open_count, record
from inventory.services.findings import Found
from inventory.services.locking import retrying
from inventory.services.settling import counted_by, post

IN_REVIEW = "inventory.count_in_review"


def finish(count_id: int, *, rest_is_zero: bool = False, version: int | None = None, actor: Actor) -> Count:
    """Everything was looked at. Differences over tolerance are counted again, once; then the count is posted, or waits
    for somebody else's approval where its value asks for that.

    `rest_is_zero` says that what nobody found isn't there; else Refusal("not_all_counted") names what is missing.
    """

    def work() -> Count:
        count = open_count(count_id, version)
        if count.status != CountStatus.COUNTING:
            raise Refusal("bad_move", f"{count.number} is {count.get_status_display().lower()}, not being counted.",
                          status_now=count.status, version=count.version)  # fmt: skip
        found = findings.of(count)
        _close_gaps(count, [each.line for each in found], rest_is_zero)
        shelf = findings.judge(count, found)
        count.move(CountStatus.COUNTED, counted_at=timezone.now())
        record(count, facts.COUNT_FINISHED, actor, findings.sums(found))
        doubtful = findings.doubtful(count, found) if count.round == 1 else []
        if doubtful:
            _again(count, doubtful, actor)
        elif why := rules.why_approve(findings.findings(found), findings.rule_of(count)):
            _ask_for_review(count, found, why, actor)
        else:
            post(count, found, shelf, actor)
        return count

    return retrying(work)


def recount(count_id: int, *, line_ids: Sequence[int] | None = None, version: int | None = None, actor: Actor) -> Count:
    """Send a reviewed count back to the shelf: these lines, or every line that differs."""

    def work() -> Count:
        count = open_count(count_id, version)
        if count.status != CountStatus.IN_REVIEW:
            raise Refusal("bad_move", f"{count.number} is {count.get_status_display().lower()}, not in review.",
                          status_now=count.status, version=count.version)  # fmt: skip
        chosen = [
            each for each in findings.of(count) if (each.line.pk in line_ids if line_ids is not None else each.differs)
        ]
        if not chosen:
            raise Refusal("nothing_to_recount", "No line of it differs.", status=422)
        _again(count, chosen, actor)
        cases.recheck(count.subject, cause="It is being counted again.", actor=actor)
        return count

    return retrying(work)


def approve(count_id: int, *, version: int | None = None, actor: Actor) -> Count:
    """Somebody who didn't count says the differences are to be posted.

    Refusal("own_count") for whoever counted, ("changed_since") when a fact told meanwhile changed a difference: the
    count then shows the new figures and waits for another look.
    """

    def work() -> Count | None:
        count = open_count(count_id, version)
        if count.status != CountStatus.IN_REVIEW:
            raise Refusal("bad_move", f"{count.number} is {count.get_status_display().lower()}, not in review.",
                          status_now=count.status, version=count.version)  # fmt: skip
        if actor.kind != PERSON or counted_by(count, actor):
            raise Refusal("own_count", "Somebody who didn't count it must approve it.", status=403)
        found = findings.of(count)
        shown = [_shown(each) for each in found]
        shelf = findings.judge(count, found)
        if [_shown(each) for each in found] != shown:
            Count.objects.filter(pk=count.pk).update(version=count.version + 1)
            return None
        post(count, found, shelf, actor, approved_by=actor.label[:200])
        return count

    approved = retrying(work)
    if approved is None:
        raise Refusal("changed_since", "Something that happened before the count was told meanwhile. Look again.")
    return approved


def _shown(found: Found) -> object:
    return found.line.difference, [(lot.code, lot.difference) for lot in found.lots if lot.difference]


def _close_gaps(count: Count, lines: Sequence[CountLine], rest_is_zero: bool) -> None:
    missing = [line for line in lines if line.counted is None]
    if missing and not rest_is_zero:
        names = [line.item.sku for line in missing]
        raise Refusal(
            "not_all_counted",
            f"Nobody has counted {', '.join(names[:5])}{' and more' if len(names) > 5 else ''} yet.",
            status=422,
            missing=names,
        )
    now = timezone.now()
    for line in missing:
        line.counted, line.first_at, line.last_at = 0, count.round_at or now, now


def _again(count: Count, chosen: Sequence[Found], actor: Actor) -> None:
    for line in (each.line for each in chosen):
        line.earlier, line.counted, line.round = line.counted, None, count.round + 1
        line.first_at = line.last_at = None
        line.expected_low = line.expected_high = line.difference = None
        line.aside_low = line.aside_high = 0
    CountLine.objects.bulk_update(
        [each.line for each in chosen],
        ["earlier", "counted", "round", "first_at", "last_at", "expected_low", "expected_high", "difference",
         "aside_low", "aside_high"],
    )  # fmt: skip
    for lot in (lot for each in chosen for lot in each.lots):
        lot.earlier, lot.counted = lot.counted, None
        lot.expected_low = lot.expected_high = lot.difference = None
        lot.aside_low = lot.aside_high = 0
    CountLot.objects.bulk_update(
        [lot for each in chosen for lot in each.lots],
        ["earlier", "counted", "expected_low", "expected_high", "difference", "aside_low", "aside_high"],
    )
    count.move(CountStatus.COUNTING, round=count.round + 1, round_at=timezone.now())
    skus = [each.line.item.sku for each in chosen]
    record(count, facts.COUNT_RECOUNT, actor, {"round": count.round, "skus": skus})


def _ask_for_review(count: Count, found: Sequence[Found], why: str, actor: Actor) -> None:
    count.move(CountStatus.IN_REVIEW, note=why[:500])
    record(count, facts.COUNT_REVIEW, actor, {"why": why})
    worth = max(rules.total(findings.findings(found)).items(), key=lambda each: abs(each[1]), default=None)
    cases.open_(
        IN_REVIEW,
        count.subject,
        summary=f"{count.location.name}: {why}",
        site_id=count.location.site_id,
        value=abs(worth[1]) if worth else None,
        currency=worth[0] if worth else "",
        actor=actor,
    )
