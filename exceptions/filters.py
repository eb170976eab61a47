"""What a list of cases may be narrowed by: one FilterSet for the screen, its download and the API."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import django_filters as df
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from core.errors import Invalid, Problem
from core.models import Site, User
from exceptions import reasons
from exceptions.models import PAUSED_RANK, ActionRun, Case, CaseWatcher, Queue, Severity, Status, microseconds

SOON = timedelta(hours=1)
NUMBER = re.compile(r"(?:ex-?)?(\d{1,18})", re.IGNORECASE)

# What may be asked for, in the order it is shown. The last column of each is unique, so pages never overlap.
ORDERS: dict[str, tuple[str, ...]] = {
    "due": ("rank", "id"),
    "-due": ("-rank", "-id"),
    "priority": ("priority", "id"),
    "-priority": ("-priority", "-id"),
    "-value": ("-value", "id"),
    "value": ("value", "-id"),
    "-opened": ("-id",),
    "opened": ("id",),
}
TIMELESS = ("-opened", "opened")  # what resolved cases, which have no clock left, can be ordered by


def _reasons() -> list[tuple[str, str]]:
    return [(r.code, r.title) for r in reasons.every()]


class CaseFilter(df.FilterSet):
    """Filters of a queue. Without `status`, what is open; several values of one filter are alternatives."""

    q = df.CharFilter(method="filter_words", max_length=200)
    # No `distinct`: they ask the case itself, so none can come twice, and looking for twins reads the whole list.
    reason = df.MultipleChoiceFilter(choices=_reasons, distinct=False)
    queue = df.MultipleChoiceFilter(
        choices=lambda: [(q, q) for q in Queue.objects.values_list("code", flat=True)], distinct=False
    )
    site = df.ModelMultipleChoiceFilter(
        queryset=lambda request: Site.objects.all(), to_field_name="code", distinct=False
    )
    owner = df.CharFilter(method="filter_owner", max_length=20)
    status = df.MultipleChoiceFilter(choices=Status.choices, distinct=False)
    sla = df.MultipleChoiceFilter(
        distinct=False,
        method="filter_sla",
        choices=[("overdue", "Overdue"), ("soon", "Due within 1 hour"), ("later", "Later"), ("paused", "Paused")],
    )
    severity = df.MultipleChoiceFilter(choices=[(str(v), label) for v, label in Severity.choices], distinct=False)
    subject = df.CharFilter(method="filter_subject", max_length=120)
    parent = df.NumberFilter(field_name="parent_id")
    watching = df.ChoiceFilter(method="filter_watching", choices=[("me", "Me")])

    class Meta:
        model = Case
        fields = ()

    def __init__(self, data: Any, queryset: QuerySet[Case], *, user: User, now: Any = None):
        super().__init__(data, queryset)
        self.user = user
        self.now = now or timezone.now()

    def found(self) -> QuerySet[Case]:
        """The cases asked for. Invalid (400) names every parameter that makes no sense."""
        if not self.form.is_valid():
            raise Invalid(
                [Problem(name, "unknown", str(said[0])) for name, said in self.form.errors.items()], code="bad_filter"
            )
        rows = self.filter_queryset(self.queryset)
        return rows if self.form.cleaned_data["status"] else rows.still_open()

    def filter_words(self, rows: QuerySet[Case], name: str, value: str) -> QuerySet[Case]:
        words = value.replace("\0", "").strip().lower()
        if not words:
            return rows
        found = Q(search__contains=words)
        if number := NUMBER.fullmatch(words):
            found |= Q(pk=int(number.group(1)))
        return rows.filter(found)

    def filter_owner(self, rows: QuerySet[Case], name: str, value: str) -> QuerySet[Case]:
        if value == "me":
            return rows.filter(owner=self.user)
        if value == "none":
            return rows.filter(owner=None)
        if value.isascii() and value.isdigit():
            return rows.filter(owner_id=int(value))
        raise Invalid([Problem("owner", "unknown", "Ask for me, none or a person's id.")], code="bad_filter")

    def filter_sla(self, rows: QuerySet[Case], name: str, value: list[str]) -> QuerySet[Case]:
        wanted = Q()
        for state in value:
            wanted |= clock_state(state, self.now)
        return rows.filter(wanted, is_open=True) if value else rows

    def filter_watching(self, rows: QuerySet[Case], name: str, value: str) -> QuerySet[Case]:
        return rows.filter(Exists(CaseWatcher.objects.filter(case=OuterRef("pk"), user=self.user)))

    def filter_subject(self, rows: QuerySet[Case], name: str, value: str) -> QuerySet[Case]:
        kind, _, uid = value.partition(":")
        return rows.filter(subject_kind=kind, subject_uid=uid)


def clock_state(state: str, now: Any) -> Q:
    """The cases of one group of the queue: by the nearest unmet clock, or paused."""
    at, soon = microseconds(now), microseconds(now + SOON)
    return {
        "overdue": Q(rank__lte=at) | Q(status=Status.WAITING, promise_by__lte=now),
        "soon": Q(rank__gt=at, rank__lte=soon),
        "later": Q(rank__gt=soon, rank__lt=PAUSED_RANK),
        "paused": Q(rank__gte=PAUSED_RANK),
    }[state]


def order_of(asked: str, *, resolved: bool) -> str:
    """The order to show: what was asked for where it can be had, else the default. Invalid (400) for an unknown one."""
    if asked and asked not in ORDERS:
        raise Invalid([Problem("sort", "unknown", f"The list can't be ordered by {asked[:40]}.")], code="bad_sort")
    if resolved and asked not in TIMELESS:
        return "-opened"
    return asked or "due"


class RunFilter(df.FilterSet):
    """Filters of the log of runs."""

    reason = df.ChoiceFilter(choices=_reasons)
    action = df.CharFilter(max_length=50)
    ok = df.BooleanFilter()
    case = df.NumberFilter(field_name="case_id")
    job = df.NumberFilter(field_name="job_id")

    class Meta:
        model = ActionRun
        fields = ()


def rooted(rows: Any, site_ids: frozenset[int] | None) -> Any:
    """A list grouped by root cause: symptoms stand with their root, unless this person doesn't see that."""
    own = Q(parent__isnull=True)
    if site_ids is not None:
        own |= Q(parent__site__isnull=True) | ~Q(parent__site__in=site_ids)
    return rows.filter(own)


def grouping_of(asked: str) -> str:
    """How to group: by clock, or by root cause. Invalid (400) for an unknown one."""
    if asked not in {"", "clock", "root"}:
        raise Invalid([Problem("group", "unknown", f"The list can't be grouped by {asked[:40]}.")], code="bad_group")
    return asked or "clock"
