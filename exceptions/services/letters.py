"""The letters about notices: claimed by lease, sent outside any transaction, tried again, and given up in the end."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import connection, transaction
from django.utils import timezone

from exceptions.models import Notice

BATCH = 100
LEASE = timedelta(minutes=5)  # a sender that died leaves its letters to the next after this long
ATTEMPTS = 8
SHOWN = 20  # notices in one letter; the rest is a count and the link to the inbox
log = logging.getLogger(__name__)

# What was read meanwhile needs no letter any more. The attempt is counted before it is made, and fences what follows.
_CLAIM = """
WITH owed AS (
    SELECT n.id, n.read_at IS NOT NULL AS known FROM exceptions_notice n
    WHERE n.mail_at <= %(now)s AND n.mailed_at IS NULL AND n.mail_failed_at IS NULL
    ORDER BY n.mail_at LIMIT %(batch)s FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE exceptions_notice n SET
    mail_at = CASE WHEN owed.known THEN NULL ELSE %(lease)s END, mail_attempts = n.mail_attempts + 1
FROM owed WHERE owed.id = n.id
RETURNING n.id, n.user_id, owed.known, n.mail_attempts
"""


def send_letters(*, now: datetime | None = None, batch: int = BATCH) -> int:
    """Send what is owed, one letter a person however many notices it is about; returns how many letters left.

    Any number may run at once. A letter is sent again only where a sender died between sending and saying so; its
    Message-ID stays the same, so a mail server that has it drops the second.
    """
    sent = 0
    while claimed := _claim(now or timezone.now(), batch):
        ids = [pk for pk, _, known, _ in claimed if not known]
        rows = Notice.objects.filter(pk__in=ids).select_related("user").order_by("user_id", "pk")
        for _, theirs in groupby(rows, key=lambda notice: notice.user_id):
            sent += _send(list(theirs), now or timezone.now())
        if len(claimed) < batch:
            break
    return sent


@transaction.atomic
def _claim(now: datetime, batch: int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"now": now, "lease": now + LEASE, "batch": batch})
        return cursor.fetchall()


def _send(notices: list[Notice], now: datetime) -> bool:
    """One letter to one person. A failure puts it off, or gives it up after ATTEMPTS."""
    try:
        _letter(notices).send()
    except Exception as error:  # noqa: BLE001  (mail servers fail in many ways; the next person's letter still goes)
        log.warning("notices.letter_failed", extra={"error": type(error).__name__, "notices": len(notices)})
        for notice in notices:
            spent = notice.mail_attempts >= ATTEMPTS
            later = now + timedelta(minutes=2**notice.mail_attempts)
            _mark(notice, **({"mail_failed_at": now} if spent else {"mail_at": later}))
        return False
    for notice in notices:
        _mark(notice, mailed_at=now)
    return True


def _mark(notice: Notice, **fields: Any) -> None:
    mine = Notice.objects.filter(pk=notice.pk, mail_attempts=notice.mail_attempts, mailed_at__isnull=True)
    mine.update(**fields)


def _letter(notices: list[Notice]) -> EmailMessage:
    first, person = notices[0], notices[0].user
    if len(notices) == 1:
        subject = first.subject
    else:
        subject = f"{len(notices)} notices, the first: {first.subject}"
    parts = [_paragraph(notice) for notice in notices[:SHOWN]]
    if len(notices) > SHOWN:
        parts.append(f"And {len(notices) - SHOWN} more: {_absolute('/inbox')}")
    parts.append(f"Which letters you get, and when, you say yourself: {_absolute('/me')}")
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("<> ") or "localhost"
    headers = {"Message-ID": f"<notice-{first.pk}-{notices[-1].pk}@{host}>", "Auto-Submitted": "auto-generated"}
    return EmailMessage(
        " ".join(subject.split())[:200], "\n\n".join(parts), to=[person.email], headers=headers,
        connection=get_connection(),
    )  # fmt: skip


def _paragraph(notice: Notice) -> str:
    lines = [notice.subject, notice.text if notice.text != notice.subject else "", _absolute(notice.url)]
    return "\n".join(line for line in lines if line)


def _absolute(path: str) -> str:
    """The address as a mail program can open it; the path alone where the installation hasn't said where it is."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}" if path and settings.PUBLIC_URL else path
