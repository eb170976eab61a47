"""A period's close: what still blocks it, who looks after it, excusing, locking and opening it again."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from core import events
from core.actors import PERSON, Actor
from core.errors import Invalid, Problem, Refusal
from core.models import User
from finance import closing
from finance import events as facts
from finance.closing import Check
from finance.models import CloseTask, Entity, Period, PeriodStatus
from finance.services import entities

CAP = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the checklist. `blocking` is how many of its rows nobody excused."""

    check: Check
    count: int
    task: CloseTask | None

    @property
    def capped(self) -> bool:
        return self.count > CAP

    @property
    def excused(self) -> bool:
        return bool(self.task and self.task.excused_by_id and self.count <= self.task.excused_count)

    @property
    def blocking(self) -> bool:
        return self.check.blocks and self.count > 0 and not self.excused


def ensure(entity: Entity, day: date) -> Period:
    """The period of a day: the one that is there, else the day's month. Safe to repeat and to race."""
    found = Period.objects.filter(entity=entity, starts_on__lte=day, ends_on__gte=day).first()
    if found is None:
        last = day.replace(day=monthrange(day.year, day.month)[1])
        known = {"starts_on": day.replace(day=1), "ends_on": last}
        found = Period.objects.get_or_create(entity=entity, code=f"{day:%Y-%m}", defaults=known)[0]
    return found


def checklist(period: Period) -> list[Line]:
    tasks = {task.check_code: task for task in period.tasks.select_related("owner", "excused_by")}
    terms = _terms(period)
    return [Line(check, _count(check, terms), tasks.get(check.code)) for check in closing.CHECKS]


def count(period: Period, check: Check) -> int:
    """How many rows stand behind a line, up to one more than the cap."""
    return _count(check, _terms(period))


def _count(check: Check, terms: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({check.sql} LIMIT {CAP + 1}) AS rows", terms)  # noqa: S608
        return int(cursor.fetchone()[0])


def page(period: Period, sql: str, *, after: int = 0, size: int = 50) -> list[dict[str, Any]]:
    """Rows behind a line or figure, from a key on."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT * FROM ({sql}) AS rows WHERE key > %(after)s ORDER BY key LIMIT %(size)s",  # noqa: S608
            {**_terms(period), "after": after, "size": size},
        )
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def rows(period: Period, sql: str, *, size: int = 5000) -> Iterator[dict[str, Any]]:
    """All of them, page by page."""
    after = 0
    while found := page(period, sql, after=after, size=size):
        yield from found
        after = found[-1]["key"]


def figures(period: Period) -> list[dict[str, Any]]:
    """Sums per role of the postings, with the ERP's account, and per kind of the charges."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT 'posting' AS of, role, ledger, currency, count(*) AS rows,
                sum(amount) FILTER (WHERE amount > 0) AS debit, -sum(amount) FILTER (WHERE amount < 0) AS credit,
                sum(amount) AS net
            FROM ({closing.LINES}) AS rows GROUP BY role, ledger, currency
            UNION ALL
            SELECT 'charge', role, '', currency, count(*), sum(amount) FILTER (WHERE amount > 0),
                -sum(amount) FILTER (WHERE amount < 0), sum(amount)
            FROM ({closing.CHARGES}) AS rows GROUP BY role, currency
            ORDER BY 1 DESC, 2, 4, 3
            """,  # noqa: S608
            _terms(period),
        )
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _terms(period: Period) -> dict[str, Any]:
    main = entities.main()
    return {
        "entity": period.entity_id, "main": main.pk == period.entity_id, "first": period.starts_on,
        "last": period.ends_on,
    }  # fmt: skip


# --- Changing it ---------------------------------------------------------------------------------------------------


@transaction.atomic
def assign(period_id: int, code: str, *, owner_id: int | None, actor: Actor) -> CloseTask:
    """Say who looks after a line."""
    period = _open(period_id)
    _known(code)
    if owner_id is not None and not User.objects.filter(pk=owner_id, is_active=True).exists():
        raise Refusal("unknown_person", "There is no such person.", status=404)
    task = CloseTask.objects.get_or_create(period=period, check_code=code)[0]
    if task.excused_by_id and task.excused_by_id == owner_id:
        raise Refusal("own_excuse", "Who excused a line can't look after it.", status=403)
    CloseTask.objects.filter(pk=task.pk).update(owner_id=owner_id)
    return CloseTask.objects.get(pk=task.pk)


@transaction.atomic
def excuse(period_id: int, code: str, *, note: str, expected: int, actor: Actor) -> CloseTask:
    """Let a line stand in spite of its rows, with the reason. More rows than these block again.

    Refusal 403 for whoever looks after the line, "rows_changed" when there are others than were looked at.
    """
    period, check = _open(period_id), _known(code)
    words = note.replace("\0", "").strip()[:500]
    if len(words) < 3:
        raise Invalid([Problem("note", "missing", "must say why")], status=422)
    if not check.excusable:
        raise Refusal("not_excusable", f"“{check.title}” can't be excused: put it right.")
    person = _person(actor)
    task = CloseTask.objects.get_or_create(period=period, check_code=code)[0]
    if task.owner_id == person.pk:
        raise Refusal("own_line", "Somebody else has to excuse what you look after.", status=403)
    found = count(period, check)
    if found != expected:
        raise Refusal("rows_changed", "There are other rows by now: look again.", rows=found)
    CloseTask.objects.filter(pk=task.pk).update(
        excused_by=person, excused_at=timezone.now(), excused_count=found, note=words
    )
    _tell(facts.CHECK_EXCUSED, period, actor, {"check": code, "rows": found, "note": words})
    return CloseTask.objects.get(pk=task.pk)


@transaction.atomic
def prepare(period_id: int, *, version: int | None = None, actor: Actor) -> Period:
    """A person worked through the checklist: somebody else may lock it now."""
    period = _open(period_id, version)
    _require_clear(period)
    _write(period, prepared_by=_person(actor), prepared_at=timezone.now())
    return Period.objects.get(pk=period_id)


@transaction.atomic
def lock(period_id: int, *, version: int | None = None, note: str = "", actor: Actor) -> Period:
    """Nothing is booked into it from now on: a trigger refuses. Its figures are kept as they were.

    Waits for whoever is booking into it at this moment. Refusal("blocked") with what still blocks, "not_prepared",
    403 for whoever prepared it.
    """
    period = _open(period_id, version)
    person = _person(actor)
    if period.prepared_by_id is None:
        raise Refusal("not_prepared", "Somebody has to work through the checklist first.")
    if period.prepared_by_id == person.pk:
        raise Refusal("own_period", "Somebody else has to lock what you prepared.", status=403)
    _require_clear(period)
    today = entities.local_day(period.entity, timezone.now())
    if period.ends_on >= today:
        raise Refusal("not_over", f"{period.code} isn't over before {period.ends_on.isoformat()} is.")
    kept = {
        "checks": {line.check.code: line.count for line in checklist(period)},
        "figures": [{key: _text(value) for key, value in row.items()} for row in figures(period)],
    }
    period.move(
        PeriodStatus.LOCKED, locked_by=person, locked_at=timezone.now(), note=note.replace("\0", "")[:500], figures=kept
    )
    _tell(facts.PERIOD_LOCKED, period, actor, {"figures": kept["figures"]})
    return period


@transaction.atomic
def reopen(period_id: int, *, note: str, version: int | None = None, actor: Actor) -> Period:
    """Open a locked period again, with the reason. Refusal("later_locked") while a later one is locked."""
    words = note.replace("\0", "").strip()[:500]
    if len(words) < 3:
        raise Invalid([Problem("note", "missing", "must say why")], status=422)
    _person(actor)
    period = Period.objects.select_for_update(of=("self",)).select_related("entity").get(pk=period_id)
    _current(period, version)
    later = Period.objects.filter(entity=period.entity_id, status=PeriodStatus.LOCKED, starts_on__gt=period.ends_on)
    if later.exists():
        raise Refusal("later_locked", "A later period is locked: open that one first.")
    period.move(
        PeriodStatus.OPEN, locked_by=None, locked_at=None, prepared_by=None, prepared_at=None, note=words, figures={}
    )
    _tell(facts.PERIOD_REOPENED, period, actor, {"note": words})
    return period


def _open(period_id: int, version: int | None = None) -> Period:
    """The period under a lock that waits for whoever books into it."""
    period = Period.objects.select_for_update(of=("self",)).select_related("entity").get(pk=period_id)
    _current(period, version)
    if period.status != PeriodStatus.OPEN:
        raise Refusal("locked", f"{period.code} is locked.", status_now=period.status)
    return period


def _current(period: Period, version: int | None) -> None:
    if version is not None and period.version != version:
        raise Refusal("stale", "This period changed meanwhile.", version=period.version, status_now=period.status)


def _require_clear(period: Period) -> None:
    blocking = [line for line in checklist(period) if line.blocking]
    if blocking:
        words = ", ".join(f"{line.check.title.lower()} ({line.count})" for line in blocking)
        raise Refusal("blocked", f"Still open: {words}.", checks=[line.check.code for line in blocking])


def _known(code: str) -> Check:
    found = closing.BY_CODE.get(code)
    if found is None:
        raise Refusal("unknown_check", "There is no such line.", status=404)
    return found


def _person(actor: Actor) -> User:
    found = User.objects.filter(pk=int(actor.uid), is_active=True).first() if actor.kind == PERSON else None
    if found is None:
        raise Refusal("not_a_person", "Only a person can do this.", status=403)
    return found


def _write(period: Period, **changes: Any) -> None:
    Period.objects.filter(pk=period.pk).update(**changes, version=period.version + 1, updated_at=timezone.now())


def _tell(type_: str, period: Period, actor: Actor, data: dict[str, Any]) -> None:
    about = {"entity": period.entity.code, "period": period.code}
    events.record(type_, period.subject, actor=actor, data={**about, **data})


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value
