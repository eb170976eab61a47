"""The environment our screens are rendered in: filters for values, and the marks that appear once per row.

Marks (`icon`, `badge`, `sla`, `avatar`, `confidence`) are functions rather than macros because a list draws hundreds
of them; everything bigger is a macro in templates/components/. docs/screens.md shows each of them at work.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime, timedelta, tzinfo
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from jinja2 import Environment, StrictUndefined, Undefined
from markupsafe import Markup, escape

from core import barcodes, formats, subjects

SOON = timedelta(hours=1)
_TONES = {"crit": "x", "warn": "triangle-alert", "ok": "check", "info": "refresh-cw", "hold": "pause", "line": "clock"}


@cache
def _sprite() -> str:
    return static("icons.svg")


@lru_cache(maxsize=2048)
def icon(name: str, cls: str = "") -> Markup:
    """One symbol of static/icons.svg. Decoration only: the words beside it carry the meaning."""
    extra = f" {cls}" if cls else ""
    return Markup('<svg class="i{}" viewBox="0 0 24 24" aria-hidden="true"><use href="{}#i-{}"/></svg>').format(
        extra, _sprite(), name
    )


def badge(word: str, tone: str = "hold", symbol: str | None = None) -> Markup:
    """A status: silhouette, word and colour. Tones: crit warn ok info hold line; each has a symbol of its own."""
    cls = "badge" if tone == "hold" else f"badge badge-{tone}"
    mark = icon(symbol or _TONES.get(tone, "circle"))
    return Markup('<span class="{}">{}{}</span>').format(cls, mark, word)


@lru_cache(maxsize=4096)
def avatar(name: str, you: bool = False, large: bool = False) -> Markup:
    """Initials in a circle. Always with the name in words beside it."""
    words = name.replace("@", " ").replace(".", " ").split()
    letters = "".join(w[0] for w in words[:2]).upper()
    cls = "avatar" + (" avatar-you" if you else "") + (" avatar-lg" if large else "")
    if not letters:
        cls += " avatar-none"
    return Markup('<span class="{}" aria-hidden="true">{}</span>').format(cls, letters)


def confidence(share: float) -> Markup:
    """Five bars, a percentage and a word for a likelihood between 0 and 1."""
    percent = round(share * 100)
    bars = max(1, min(5, -(-percent // 18)))
    word = "high" if percent >= 80 else "medium" if percent >= 50 else "low"
    return Markup(
        '<span class="conf" data-n="{}" aria-hidden="true"><i></i><i></i><i></i><i></i><i></i></span> '
        '<span class="num">{}%</span><span class="vh"> confidence, {}</span>'
    ).format(bars, percent, word)


@lru_cache(maxsize=128)
def _ring(arc: int) -> Markup:
    return Markup(  # noqa: S704  (a number)
        '<svg class="ring" viewBox="0 0 20 20" aria-hidden="true"><circle cx="10" cy="10" r="7.5" pathLength="100"/>'
        f'<circle cx="10" cy="10" r="7.5" pathLength="100" stroke-dasharray="{arc} 100"/></svg>'
    )


def ring(share: float) -> Markup:
    """The share of time that is left, as an arc."""
    return _ring(max(2, min(100, round(share * 100))))


def sla_state(due: datetime, now: datetime) -> str:
    return "overdue" if due < now else "soon" if due - now < SOON else "ok"


def sla(
    due: datetime | None,
    *,
    label: str = "Due",
    state: str | None = None,
    started: datetime | None = None,
    left: timedelta | None = None,
    words: str = "",
    large: bool = False,
    now: datetime | None = None,
) -> Markup:
    """A clock: how long until `due`. The page's one timer keeps it true while it stands on screen.

    `state` is overdue, soon, ok, paused, met or missed; without one it follows from `due`. A paused clock shows `left`;
    met and missed show `words`. `started` lets the ring show the share of time left.
    """
    now = now or timezone.now()
    if state is None:
        if due is None:
            return Markup('<span class="muted">No clock</span>')
        state = sla_state(due, now)
    cls = "sla sla-lg" if large else "sla"
    if state in {"met", "missed"}:
        mark = icon("circle-check" if state == "met" else "circle-x")
        return Markup('<span class="{}" data-state="{}">{}<span class="vh">{}, </span>{}</span>').format(
            cls, state, mark, label, words or state.capitalize()
        )
    if state == "paused":
        span = left if left is not None else (due - now if due else timedelta())
        return Markup(
            '<span class="{}" data-state="paused">{}<span aria-hidden="true">{}</span>'
            '<span class="vh">{} paused, {}</span></span>'
        ).format(cls, icon("pause"), _left(span), label, _left_spoken(span))
    if due is None:
        raise ValueError(f"A clock that is {state} needs the time it runs to.")
    span = due - now
    total = due - started if started else max(span, timedelta(hours=4))
    mark = icon("triangle-alert") if state == "overdue" else ring(span / total if total else 0)
    stamp = due.isoformat()
    # An f-string, not Markup.format: a list draws one in every row, and everything but the label is a number of ours.
    return Markup(  # noqa: S704
        f'<span class="{cls}" data-state="{state}" data-due="{stamp}" data-span="{int(total.total_seconds())}">{mark}'
        f'<time datetime="{stamp}" aria-hidden="true">{_left(span)}</time>'
        f'<span class="vh">{escape(label)}, <span>{_left_spoken(span)}</span></span></span>'
    )


def _left(span: timedelta) -> str:
    return _left_words(*_whole(span))[0]


def _left_spoken(span: timedelta) -> str:
    return _left_words(*_whole(span))[1]


def _whole(span: timedelta) -> tuple[int, bool]:
    # Whole minutes, rounded so that "0 m left" is never shown while time remains (as in js/clocks.js).
    seconds = span.total_seconds()
    return (int(-seconds // 60), True) if seconds < 0 else (-int(-seconds // 60), False)


@lru_cache(maxsize=8192)
def _left_words(minutes: int, over: bool) -> tuple[str, str]:
    """The span as it is shown and as it is read aloud."""
    end = "over" if over else "left"
    if not minutes:
        return f"0 m {end}", f"0 minutes {end}"
    return f"{formats.duration(minutes * 60)} {end}", f"{formats.spoken(minutes * 60)} {end}"


def _zone(zone: str | tzinfo | None) -> tzinfo:
    if isinstance(zone, str):
        return ZoneInfo(zone)
    return zone or timezone.get_current_timezone()


def _time(value: datetime | date, words: str, title: str = "") -> Markup:
    if title:
        return Markup('<time datetime="{}" title="{}">{}</time>').format(value.isoformat(), title, words)
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), words)


def when(value: datetime | None, zone: str | tzinfo | None = None) -> Markup | str:
    """`Today 13:57 GMT` in the reader's zone, or the site's when given."""
    return _time(value, formats.when(value, _zone(zone), timezone.now())) if value else ""


def clock(value: datetime | None, zone: str | tzinfo | None = None) -> Markup | str:
    """`13:57`; hover shows the whole moment with its zone."""
    return _time(value, formats.clock(value, _zone(zone)), formats.moment(value, _zone(zone))) if value else ""


def clock_zone(value: datetime) -> str:
    """`13:57 GMT`, in words only."""
    local = value.astimezone(timezone.get_current_timezone())
    return f"{local:%H:%M} {formats.zone_name(local)}"


def day(value: datetime | date | None, zone: str | tzinfo | None = None) -> Markup | str:
    return _time(value, formats.day(value, _zone(zone), timezone.localdate())) if value else ""


def moment(value: datetime | None, zone: str | tzinfo | None = None) -> Markup | str:
    return _time(value, formats.moment(value, _zone(zone))) if value else ""


def ago(value: datetime | None) -> Markup | str:
    """`12 m ago`; hover shows the moment."""
    if not value:
        return ""
    return _time(value, formats.ago(value, timezone.now()), formats.moment(value, _zone(None)))


def pretty(value: Any) -> str:
    """JSON for people to read."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def query(request: HttpRequest, **changes: Any) -> str:
    """This page's URL with some parameters changed (None or "" drops one, a list repeats it). A new filter or order
    starts at the first page, so the cursors always go unless they are what changes."""
    params = request.GET.copy()
    for name in ("after", "before"):
        params.pop(name, None)
    for name, value in changes.items():
        params.pop(name, None)
        if value is None or value == "":
            continue
        many = isinstance(value, Iterable) and not isinstance(value, str)
        params.setlist(name, [str(v) for v in (value if many else [value])])
    words = params.urlencode()
    return f"{request.path}?{words}" if words else request.path


def url(name: str, *args: Any, **kwargs: Any) -> str:
    """reverse(); keyword arguments that start with an underscore go to the query string: url("a:b", 7, _tab="x")."""
    if not args and not kwargs and (fixed := subjects.page(name)):
        return fixed
    params = {k[1:]: v for k, v in kwargs.items() if k.startswith("_") and v not in (None, "")}
    path = reverse(name, args=args, kwargs={k: v for k, v in kwargs.items() if not k.startswith("_")})
    return f"{path}?{urlencode(params, doseq=True)}" if params else path


def maybe_url(name: str, *args: Any) -> str:
    """The URL, or nothing where no such page exists (a higher floor that isn't installed)."""
    if not args:
        return subjects.page(name) or ""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def path_of(address: str) -> str:
    """Path and query of an address, never its host: safe to link back to."""
    parts = urlsplit(address)
    path = "/" + parts.path.lstrip("/\\")
    return f"{path}?{parts.query}" if parts.query else path


def subject_link(kind: str, uid: str, label: str = "") -> Markup | str:
    """A link to whatever (kind, uid) names, or its words where it has no page."""
    text = label or f"{subjects.title(kind)} {uid}"
    target = subjects.url(subjects.Subject(kind, uid, label))
    return Markup('<a class="a" href="{}">{}</a>').format(target, text) if target else escape(text)


FILTERS = {
    "money": formats.money,
    "number": formats.number,
    "plural": formats.plural,
    "duration": formats.duration,
    "size": formats.size,
    "when": when,
    "clock": clock,
    "clock_zone": clock_zone,
    "day": day,
    "moment": moment,
    "ago": ago,
    "pretty": pretty,
    "path_of": path_of,
}
GLOBALS = {
    "static": static,
    "url": url,
    "maybe_url": maybe_url,
    "query": query,
    "icon": icon,
    "badge": badge,
    "avatar": avatar,
    "confidence": confidence,
    "sla": sla,
    "subject_link": subject_link,
    "barcode": barcodes.svg,
    "now": timezone.now,
}


def environment(**options: Any) -> Environment:
    # A misspelt name fails loudly everywhere but in front of a customer.
    strict = not getattr(settings, "PRODUCTION", False)
    defaults = {"undefined": StrictUndefined if strict else Undefined, "trim_blocks": True, "lstrip_blocks": True}
    made = Environment(**{**defaults, **options})  # noqa: S701  (autoescape comes from settings)
    made.filters.update(FILTERS)
    made.globals.update(GLOBALS)
    return made
