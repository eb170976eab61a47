"""How a case reads on a screen: plain values for the templates, worked out once per row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from core import formats, subjects
from core.models import User
from core.subjects import Subject
from exceptions import priority, reasons, wakes
from exceptions.board import Symptoms
from exceptions.models import OUTSIDE, Case, Outcome, Severity, Status, WaitingOn

WAITING_WORDS = {value: label.lower() for value, label in WaitingOn.choices}
OUTCOME_WORDS = dict(Outcome.choices)
SEVERITY_WORDS = dict(Severity.choices)
CLOCK_WORDS = {"acknowledge": "Respond", "resolve": "Resolve", "promise": "Promise"}


@dataclass(slots=True)
class Line:
    """One line of the queue."""

    id: int
    version: int
    title: str
    summary: str
    occurrences: int
    icon: str
    kind: str
    label: str
    subject_url: str | None
    subject_title: str
    where: str
    where2: str
    value: Decimal
    currency: str
    offered: str
    owner: str
    mine: bool
    waiting: str
    ended: str
    due_at: datetime | None
    rank: int | None
    clock: dict[str, Any]
    aside: str
    stopped: bool
    head_start: int
    weight: str
    root: int | None
    under: Symptoms | None


def line(values: Mapping[str, Any], user: User, now: datetime, under: Symptoms | None = None) -> Line:
    """A line from `board.COLUMNS`."""
    reason = reasons.find(values["reason"])
    team = reasons.team(values["queue_id"])
    subject = Subject(values["subject_kind"], values["subject_uid"], values["subject_label"])
    site = values["site__name"]
    return Line(
        id=values["id"],
        version=values["version"],
        title=values["title"],
        summary=values["summary"],
        occurrences=values["occurrences"],
        icon=reason.icon if reason else "triangle-alert",
        kind=team.title,
        label=subject.label or f"{subjects.title(subject.kind)} {subject.uid}",
        subject_url=subjects.url(subject),
        subject_title=subjects.title(subject.kind),
        where=site or team.title,
        where2=team.title if site else "",
        value=values["value"],
        currency=values["currency"],
        offered=reason.actions[0].title if reason and reason.actions else "",
        owner=values["owner__name"] or values["owner__email"] or "",
        mine=values["owner_id"] is not None and values["owner_id"] == user.pk,
        waiting=WAITING_WORDS.get(values["waiting_on"], ""),
        ended=OUTCOME_WORDS.get(values["outcome"], ""),
        due_at=values["due_at"],
        rank=values["rank"],
        clock=clock(values, now),
        aside=aside(values),
        stopped=values["waiting_on"] in OUTSIDE,
        **weight(values),
        root=values["parent_id"],
        under=under,
    )


def lines(
    found: Iterable[Mapping[str, Any]], user: User, now: datetime, under: Mapping[int, Symptoms] | None = None
) -> list[Line]:
    return [line(values, user, now, (under or {}).get(values["id"])) for values in found]


def aside(case: Mapping[str, Any]) -> str:
    """Until when or until what a case is put aside or waits, to end "until …"; "" for one that isn't or has no end."""
    until = case["snoozed_until"] or case["wait_until"]
    words = wakes.words(case["subject_kind"], case["wake_on"])
    return " or ".join([*([_moment(until)] if until else []), *([words] if words else [])])


def _moment(at: datetime) -> str:
    return formats.when(at, timezone.get_current_timezone(), timezone.now())


def weight(case: Mapping[str, Any]) -> dict[str, Any]:
    """By how many minutes a case stands before its time, and why, in one sentence of figures."""
    if case["status"] == Status.RESOLVED:
        return {"head_start": 0, "weight": ""}
    parts = priority.parts(case, formats.money)
    total = sum(part.minutes for part in parts)
    if not total:
        return {"head_start": 0, "weight": "By its time left alone"}
    said = ", ".join(f"{part.name.lower()} {part.figure} +{formats.duration(part.minutes * 60)}" for part in parts)
    return {"head_start": total, "weight": f"Stands {formats.duration(total * 60)} before its time: {said}"}


def clock(case: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The nearest clock nobody has met, named, as arguments of the sla() mark."""
    if case["status"] == Status.RESOLVED:
        late = case["resolved_at"] > case["resolve_by"]
        return {
            "due": None,
            "state": "missed" if late else "met",
            "label": "Resolve",
            "words": "Late" if late else "In time",
        }
    if case["status"] == Status.WAITING and case["waiting_on"] in OUTSIDE:
        promise = case["promise_by"]
        if promise is not None and promise <= now:
            return {"due": promise, "label": "Promise", "started": case["started_at"]}
        left = case["resolve_by"] - (case["waiting_since"] or now)
        return {"due": case["resolve_by"], "state": "paused", "label": "Resolve", "left": left}
    due = case["due_at"]
    if case["acknowledged_at"] is None and due == case["acknowledge_by"]:
        label = "Respond"
    else:
        label = "Resolve" if due == case["resolve_by"] else "Promise"
    return {"due": due, "label": label, "started": case["started_at"]}


def clocks(case: Case, calendar: str, now: datetime) -> list[dict[str, Any]]:
    """Every clock of a case for its page, the nearest unmet first, each with the words beside it."""
    resolved = case.status == Status.RESOLVED
    paused = case.paused
    found: list[dict[str, Any]] = []
    if case.acknowledged_at is not None:
        taken = case.acknowledged_at - case.started_at
        met = case.acknowledged_at <= case.acknowledge_by
        found.append(
            {"kind": "acknowledge", "state": "met" if met else "missed", "taken": taken, "due": case.acknowledge_by}
        )
    elif not resolved:
        found.append({"kind": "acknowledge", "state": "paused" if paused else None, "due": case.acknowledge_by})
    if resolved:
        met = bool(case.resolved_at and case.resolved_at <= case.resolve_by)
        taken = (case.resolved_at or now) - case.started_at
        found.append({"kind": "resolve", "state": "met" if met else "missed", "taken": taken, "due": case.resolve_by})
    else:
        found.append({"kind": "resolve", "state": "paused" if paused else None, "due": case.resolve_by})
    if case.promise_by:
        end = case.resolved_at if resolved else None
        state = ("met" if end <= case.promise_by else "missed") if end else None
        found.append({"kind": "promise", "state": state, "due": case.promise_by})
    for item in found:
        item["word"] = CLOCK_WORDS[item["kind"]]
        item["minutes"] = {"acknowledge": case.acknowledge_minutes, "resolve": case.resolve_minutes}.get(item["kind"])
        item["hours"] = calendar
        item["left"] = item["due"] - (case.waiting_since or now) if item["state"] == "paused" else None
    return sorted(found, key=lambda item: (item["state"] in {"met", "missed"}, item["state"] == "paused", item["due"]))


_ICONS = {
    "case.opened": ("triangle-alert", "crit"),
    "case.warned": ("clock", ""),
    "case.breached": ("triangle-alert", "crit"),
    "case.paused": ("pause", ""),
    "case.resumed": ("play", ""),
    "case.resolved": ("circle-check", "ok"),
    "case.cleared": ("circle-check", "ok"),
    "case.waived": ("shield-check", ""),
    "case.reopened": ("rotate-ccw", "crit"),
    "case.linked": ("link", ""),
    "case.unlinked": ("x", ""),
    "case.snoozed": ("moon", ""),
    "case.woken": ("play", ""),
    "case.merged": ("layers", ""),
    "case.attached": ("file-text", ""),
}


def words(event: Any) -> dict[str, Any]:
    """What one event of a timeline says; nothing where the type's own name has to do."""
    said = _SAID.get(event.type)
    if said is None:
        return {}
    text, detail = said(event.data)
    icon, tone = _ICONS.get(event.type, ("", ""))
    return {"text": text, "detail": detail, "icon": icon, "tone": tone, **_by(event.data)}


def _by(data: Mapping[str, Any]) -> dict[str, str]:
    """The page of the fact that cleared a case."""
    by = data.get("by")
    if not isinstance(by, Mapping):
        return {}
    subject = Subject(str(by.get("kind", "")), str(by.get("uid", "")), str(by.get("label", "")))
    return {"url": subjects.url(subject) or "", "link": subject.label or subjects.title(subject.kind)}


def _opened(data: Mapping[str, Any]) -> tuple[str, str]:
    return (
        f"Opened: {data.get('title', '')}",
        f"{formats.duration(60 * int(data.get('resolve_minutes') or 0))} to resolve",
    )


_BACK = {"time": "its time has come", "clock": "a clock ran out"}


def _until(data: Mapping[str, Any]) -> str:
    """The end of "until …": a time, a fact or whichever is first."""
    found = (
        [formats.when(at, timezone.get_current_timezone(), timezone.now())]
        if (at := parse_datetime(data.get("until") or ""))
        else []
    )
    if data.get("words"):
        found.append(str(data["words"]))
    return " or ".join(found)


def _ended(word: str) -> Any:
    return lambda data: (word, str(data.get("note") or ""))


def _cleared(data: Mapping[str, Any]) -> tuple[str, str]:
    note, by = str(data.get("note") or ""), str((data.get("by") or {}).get("words") or "")
    return "Cleared by itself", f"{note} {by}" if by and by != note else note


_SAID: dict[str, Any] = {
    "case.opened": _opened,
    "case.acknowledged": lambda d: ("First response" if d.get("in_time") else "First response, late", ""),
    "case.claimed": lambda d: ("Claimed it", ""),
    "case.released": lambda d: ("Put it back", f"was with {d['was']}" if d.get("was") else ""),
    "case.assigned": lambda d: (f"Gave it to {d.get('to', '')}", ""),
    "case.paused": lambda d: (
        f"Paused, waiting for {WAITING_WORDS.get(d.get('on', ''), d.get('on', ''))}",
        d.get("note") or "",
    ),
    "case.resumed": lambda d: ("Clock runs again", ""),
    "case.noted": lambda d: (str(d.get("text", "")), ""),
    "case.acted": lambda d: (d.get("title", ""), str(d.get("said", ""))),
    "case.warned": lambda d: ("Due soon", ""),
    "case.breached": lambda d: (f"{CLOCK_WORDS.get(d.get('clock', ''), '')} clock ran out", ""),
    "case.resolved": _ended("Resolved"),
    "case.cleared": _cleared,
    "case.waived": _ended("Waived"),
    "case.reopened": lambda d: ("Reopened", str(d.get("note") or "")),
    "case.linked": lambda d: (
        f"A symptom of {d.get('root', '')}",
        "found by its reason" if d.get("by_itself") else str(d.get("title") or ""),
    ),
    "case.unlinked": lambda d: (f"No symptom of {d.get('root', '')} any more", str(d.get("why") or "")),
    "case.snoozed": lambda d: ("Put aside until " + _until(d), str(d.get("note") or "")),
    "case.woken": lambda d: ("Back in the queue", _BACK.get(d.get("because", ""), str(d.get("because") or ""))),
    "case.merged": lambda d: (f"Merged {', '.join(d.get('cases', ()))} into this", ""),
    "case.attached": lambda d: (f"Attached {d.get('label', '')}", formats.size(int(d.get("size") or 0))),
}
