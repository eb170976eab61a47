"""Telling people: a row in the portal at once, and a letter as each person's preferences and quiet hours have it.

A person is told once per key, however often and by however many it is said. Letters are swept by send_letters.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from core import live
from core.actors import Actor, user_id
from core.models import User
from exceptions import quiet
from exceptions.models import Case, Notice

TOPIC = "inbox"  # what open pages listen for


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of notice as a person sees it among their preferences."""

    title: str
    mail: bool  # by letter too, unless the person says otherwise
    optional: bool = True  # may be left out altogether


KINDS = {
    "assignment": Kind("A case is given to me", mail=True),
    "mention": Kind("Somebody names me in a note", mail=True),
    "watch": Kind("Something happens to a case I watch", mail=False),
    "approval": Kind("Something waits for my approval", mail=True, optional=False),
    "escalation": Kind("A case is escalated to me", mail=True, optional=False),
}


@dataclass(frozen=True, slots=True)
class Word:
    """One thing to be told to several people; `site_id` is that of the case, where there is one."""

    users: tuple[int, ...]
    kind: str
    key: str
    subject: str
    text: str = ""
    url: str = ""
    case_id: int | None = None
    site_id: int | None = None
    actor: str = ""
    urgent: bool = False
    letter: bool = True


def tell(
    users: Iterable[User | int],
    *,
    kind: str,
    case: Case | int | None,
    text: str,
    key: str,
    actor: Actor,
    urgent: bool = False,
    subject: str = "",
    url: str = "",
) -> list[int]:
    """Tell these people once per `key`; returns the ids of those who had not been told. Safe to repeat and to race.

    Leaves out whoever did it, whoever is no longer active, and whoever may not see the case's site. `urgent` letters
    go through quiet hours. The subject is the case's number and title unless given; so is the link.
    """
    told = Case.objects.only("pk", "title", "site_id").get(pk=case) if isinstance(case, int) else case
    mine = user_id(actor)
    people = {user if isinstance(user, int) else user.pk for user in users} - {mine}
    word = Word(
        users=tuple(sorted(people)),
        kind=kind,
        key=key,
        subject=subject or (f"{told.number}: {told.title}" if told else text),
        text=text,
        url=url or (link(told.pk) if told else ""),
        case_id=told.pk if told else None,
        site_id=told.site_id if told else None,
        actor=actor.label,
        urgent=urgent,
    )
    return [user for user, _ in tell_many([word])]


def link(case_id: int) -> str:
    return reverse("exceptions:detail", args=[case_id])


def tell_many(words: Sequence[Word], *, now: datetime | None = None) -> list[tuple[int, str]]:
    """Tell many things in two statements; returns (person, key) of whatever was new to somebody."""
    now = now or timezone.now()
    people = _people({user for word in words for user in word.users})
    rows = [
        _row(word, people[user], now)
        for word in words
        for user in word.users
        if user in people and _may_know(people[user], word) and (word.urgent or not silenced(people[user], word.kind))
    ]
    if not rows:
        return []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_INSERT, [now, json.dumps(rows)])
        new = cursor.fetchall()
        if new:
            live.poke(TOPIC)
    return new


# Ordered, so that two who tell the same people the same things wait for each other instead of deadlocking.
_INSERT = """
INSERT INTO exceptions_notice (
    user_id, kind, key, subject, text, url, case_id, actor_label, urgent, mail_at, created_at
)
SELECT user_id, kind, key, subject, text, url, case_id, actor, urgent, mail_at, %s
FROM json_to_recordset(%s::json) AS told(
    user_id bigint, kind text, key text, subject text, text text, url text, case_id bigint, actor text,
    urgent boolean, mail_at timestamptz
)
ORDER BY user_id, key
ON CONFLICT (user_id, key) DO NOTHING RETURNING user_id, key
"""


def _people(ids: Iterable[int]) -> dict[int, User]:
    found = User.objects.filter(pk__in=list(ids), is_active=True).prefetch_related("sites")
    for person in found:
        person.remember_sites(site.pk for site in person.sites.all())
    return {person.pk: person for person in found}


def _may_know(person: User, word: Word) -> bool:
    """A case is only spoken of to people who may see it: its site is one of theirs, or they have no limit."""
    sites = person.site_ids()
    return word.case_id is None or sites is None or word.site_id in sites


def _row(word: Word, person: User, now: datetime) -> dict[str, Any]:
    wanted = word.letter and wants_letter(person, word.kind)
    mail_at = now if word.urgent else quiet.of(person.preferences).until(now)
    return {
        "user_id": person.pk,
        "kind": word.kind[:20],
        "key": word.key[:160],
        "subject": word.subject[:200],
        "text": word.text[:1000],
        "url": word.url[:300],
        "case_id": word.case_id,
        "actor": word.actor[:200],
        "urgent": word.urgent,
        "mail_at": mail_at.isoformat() if wanted else None,
    }


def wants_letter(person: User, kind: str) -> bool:
    """Does this person want a letter about notices of this kind?"""
    said = (person.preferences.get("letters") or {}).get(kind)
    return bool(person.email) and (said if isinstance(said, bool) else kind in KINDS and KINDS[kind].mail)


def silenced(person: User, kind: str) -> bool:
    """Has this person said that notices of this kind aren't for them? Never what only they can answer."""
    return kind in (person.preferences.get("muted") or ()) and kind in KINDS and KINDS[kind].optional


def unread(user: User, most: int = 99) -> int:
    """How many notices this person hasn't read, up to `most`."""
    return Notice.objects.for_user(user).unread().order_by()[:most].count()


def read(user: User, ids: Iterable[int] | None = None) -> int:
    """Mark notices as read (all of this person's, or these); returns how many were not. Safe to repeat."""
    rows = Notice.objects.for_user(user).unread()
    changed = (rows if ids is None else rows.filter(pk__in=list(ids))).update(read_at=timezone.now())
    if changed:
        live.poke(TOPIC)
    return changed
