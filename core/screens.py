"""What the shell shows, said by the apps that own it: navigation entries, home panels, search providers.

Apps call the `register_*` functions from AppConfig.ready(). Nothing here imports a higher floor; everything is found
by URL name, and an entry whose page doesn't exist or whose permission is missing simply isn't drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone

from core import subjects

SECTIONS = ("Work", "Sites", "Finance", "Run", "")  # "" stands at the foot, without a heading
INBOX = "inbox"
COUNTS_KEPT = 60  # seconds; pages draw remembered counts, /live/counts makes fresh ones


@dataclass(frozen=True, slots=True)
class Count:
    """A number beside a navigation entry. `late` marks work past its time: a warning sign and the word."""

    value: int
    late: bool = False
    capped: bool = False


@dataclass(frozen=True, slots=True)
class NavEntry:
    section: str
    label: str
    icon: str
    url_name: str | Callable[[HttpRequest], str | None]
    permission: str | None
    count: Callable[[Any], Count | int | None] | None
    order: int
    topic: str

    @property
    def key(self) -> str:
        return f"{self.section}-{self.label}".lower().replace(" ", "-").strip("-")

    def url(self, request: HttpRequest) -> str | None:
        if callable(self.url_name):
            return self.url_name(request)
        return subjects.page(self.url_name)


@dataclass(frozen=True, slots=True)
class Panel:
    key: str
    title: str
    url_name: str
    permission: str | None
    order: int
    wide: bool


@dataclass(frozen=True, slots=True)
class Found:
    """One search result. `exact` says the reference itself was typed: Enter goes straight there."""

    title: str
    url: str
    detail: str = ""
    kind: str = ""
    icon: str = "search"
    exact: bool = False


Search = Callable[[Any, str, int], Iterable[Found]]

_nav: list[NavEntry] = []
_panels: list[Panel] = []
_search: list[tuple[int, str, Search]] = []
_counters: dict[str, Callable[[Any], Count | int | None]] = {}


def register_nav(
    section: str,
    label: str,
    icon: str,
    url_name: str | Callable[[HttpRequest], str | None],
    permission: str | None = None,
    count: Callable[[Any], Count | int | None] | None = None,
    *,
    order: int = 50,
    topic: str = "",
) -> None:
    """Add an entry for people who hold `permission`. `count(user)` gives its number (capped, cheap, scoped to the
    user); `topic` is the live topic that makes it worth asking again. `url_name` may be a function of the request."""
    _nav[:] = [e for e in _nav if (e.section, e.label) != (section, label)]
    _nav.append(NavEntry(section, label, icon, url_name, permission, count, order, topic))
    _nav.sort(key=lambda e: (SECTIONS.index(e.section), e.order, e.label))


def register_panel(
    key: str, title: str, url_name: str, permission: str | None = None, *, order: int = 50, wide: bool = False
) -> None:
    """Add a home panel: its URL answers a fragment. Overdue work has the lowest `order`."""
    _panels[:] = [p for p in _panels if p.key != key]
    _panels.append(Panel(key, title, url_name, permission, order, wide))
    _panels.sort(key=lambda p: (p.order, p.key))


def register_search(name: str, find: Search, *, order: int = 50) -> None:
    """Add a provider: `find(user, text, limit)` yields `Found` for a reference, scoped to what the user may see.

    Providers look at the shape of the text first and use one indexed query; they're asked on every pause in typing."""
    _search[:] = [s for s in _search if s[1] != name]
    _search.append((order, name, find))
    _search.sort(key=lambda s: s[:2])


def register_counter(key: str, count: Callable[[Any], Count | int | None]) -> None:
    """A number that stands elsewhere than in the navigation: any element with data-count-key shows it."""
    _counters[key] = count


def panels_for(user: Any) -> list[tuple[Panel, str]]:
    made = []
    for panel in _panels:
        if panel.permission is None or user.has_perm(panel.permission):
            address = subjects.page(panel.url_name)
            made += [(panel, address)] if address else []
    return made


def search(user: Any, text: str, limit: int = 8) -> list[Found]:
    """What any provider finds for `text`, exact hits first."""
    text = text.replace("\0", "").strip()[:200]
    if not text:
        return []
    found: list[Found] = []
    for _, _, find in _search:
        found.extend(list(find(user, text, limit))[:limit])
    unique: dict[str, Found] = {}
    for hit in found:
        if hit.exact or hit.url not in unique:
            unique[hit.url] = hit
    return sorted(unique.values(), key=lambda hit: not hit.exact)


def _allowed(user: Any) -> list[NavEntry]:
    return [e for e in _nav if e.permission is None or user.has_perm(e.permission)]


def _counts_key(user: Any) -> str:
    return f"nav-counts:{user.pk}"


def fresh_counts(user: Any) -> dict[str, Count]:
    """Ask every entry for its number now, and remember the answers for the pages that follow."""
    counts: dict[str, Count] = {}
    for key, ask in [*((e.key, e.count) for e in _allowed(user) if e.count), *_counters.items()]:
        value = ask(user)
        if value is not None:
            counts[key] = value if isinstance(value, Count) else Count(value)
    cache.set(_counts_key(user), counts, COUNTS_KEPT)
    return counts


def forget_counts(user: Any) -> None:
    cache.delete(_counts_key(user))


@dataclass(frozen=True, slots=True)
class Entry:
    """A navigation entry as one page draws it."""

    key: str
    label: str
    icon: str
    url: str
    current: bool
    counted: bool
    count: Count | None


class Shell:
    """Everything base.html needs, worked out only when drawn (a fragment never pays for it)."""

    def __init__(self, request: HttpRequest | None):
        self.request = request
        self.user: Any = getattr(request, "user", None)

    @property
    def now(self) -> str:
        return timezone.now().isoformat(timespec="milliseconds")

    @property
    def signed_in(self) -> bool:
        return bool(self.user and self.user.is_authenticated)

    @cached_property
    def preferences(self) -> dict[str, Any]:
        return self.user.preferences if self.signed_in and isinstance(self.user.preferences, dict) else {}

    @property
    def theme(self) -> str:
        return self.preferences.get("theme") or ""

    @property
    def density(self) -> str:
        return self.preferences.get("density") or ""

    @property
    def keys_off(self) -> bool:
        return self.preferences.get("keys") == "off"

    @property
    def path(self) -> str:
        return self.request.path if self.request is not None else ""

    @property
    def time_zone(self) -> str:
        return timezone.get_current_timezone_name()

    @property
    def organisation(self) -> str:
        return getattr(settings, "ORGANISATION_NAME", "") or "Backroom"

    @cached_property
    def counts(self) -> dict[str, Count]:
        return (cache.get(_counts_key(self.user)) or {}) if self.signed_in else {}

    @property
    def unread(self) -> int:
        count = self.counts.get(INBOX)
        return count.value if count else 0

    @property
    def site(self) -> dict[str, Any] | None:
        return self.preferences.get("site")

    @cached_property
    def nav(self) -> list[tuple[str, list[Entry]]]:
        """Sections with their entries; the current one is the longest whose path begins this page's."""
        if not self.signed_in or self.request is None:
            return []
        request = self.request
        drawn = [(e, url) for e in _allowed(self.user) if (url := e.url(request))]
        counts = self.counts
        here = max((u for _, u in drawn if request.path.startswith(u) and u != "/"), key=len, default=request.path)
        sections: dict[str, list[Entry]] = {}
        for e, url in drawn:
            entry = Entry(e.key, e.label, e.icon, url, url == here, e.count is not None, counts.get(e.key))
            sections.setdefault(e.section, []).append(entry)
        return list(sections.items())

    @cached_property
    def messages(self) -> list[dict[str, Any]]:
        from core import htmx

        return htmx.drain_toasts(self.request) if self.request is not None else []


def context(request: HttpRequest) -> dict[str, Any]:
    """Context processor of the Jinja2 backend: `shell`, `user` and the live stream's address on every page."""
    from core import live

    return {"shell": Shell(request), "user": getattr(request, "user", None), "live_url": live.url()}


def current_site(request: HttpRequest) -> int | None:
    """The site the person narrowed their work to, if they may (still) see it; None is "all my sites"."""
    chosen = Shell(request).site
    if not chosen:
        return None
    allowed = request.user.site_ids()  # type: ignore[union-attr]
    return chosen["id"] if allowed is None or chosen["id"] in allowed else None
