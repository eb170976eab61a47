"""What a fact or a case is about, named without importing it: a kind, a uid (the primary key as text) and a label.

The app that owns a kind registers it with the URL name of its page, so lower floors can link to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from django.urls import NoReverseMatch, get_urlconf, reverse

UUID_LENGTH = 36  # what only a UUID's own converter may accept, so the pattern is asked


@dataclass(frozen=True, slots=True)
class Subject:
    kind: str
    uid: str
    label: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    title: str
    url_name: str | None
    argument: str  # "uid" or "label": which of the two the URL takes


_kinds: dict[str, Kind] = {}


def register(kind: str, *, title: str, url_name: str | None = None, argument: str = "uid") -> None:
    """Make `kind` known. Called from the owning app's AppConfig.ready()."""
    _kinds[kind] = Kind(kind, title, url_name, argument)


def title(kind: str) -> str:
    return _kinds[kind].title if kind in _kinds else kind.replace("_", " ").capitalize()


def url(subject: Subject) -> str | None:
    """The subject's page, or None where its kind has none."""
    known = _kinds.get(subject.kind)
    if known is None or known.url_name is None:
        return None
    value = subject.label if known.argument == "label" else subject.uid
    plain = value.isascii() and value.replace("-", "").isalnum()
    if plain and len(value) != UUID_LENGTH:
        around = _shape(known.url_name, value.isdigit(), get_urlconf())
        return f"{around[0]}{value}{around[1]}" if around else None
    try:
        return reverse(known.url_name, args=[value])
    except NoReverseMatch:
        return None


def page(name: str) -> str | None:
    """The address of a page that takes no arguments, or None where no such page exists (its floor isn't installed)."""
    return _page(name, get_urlconf())


@lru_cache(maxsize=512)
def _page(name: str, urlconf: str | None) -> str | None:
    try:
        return reverse(name, urlconf=urlconf)
    except NoReverseMatch:
        return None


@lru_cache(maxsize=512)
def _shape(url_name: str, digits: bool, urlconf: str | None) -> tuple[str, str] | None:
    """What stands around a plain value in this URL: a list links hundreds, and reverse() takes its time over each."""
    sample = "6" if digits else "Zq6"
    try:
        before, found, after = reverse(url_name, args=[sample * 3], urlconf=urlconf).rpartition(sample * 3)
    except NoReverseMatch:
        return None
    return (before, after) if found else None
