"""Idempotency keys: the same call made twice has one effect and one answer.

`claim` writes IN_FLIGHT in a short transaction of its own, before the work. `done` writes the answer in the same
transaction as the effect, so that either both are there or neither. A lock whose holder died is taken over after
`LOCK_SECONDS` under a new token, and the old holder can then no longer write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from django.db import connection, transaction
from pydantic_core import to_json

from core.errors import Refusal

LOCK_SECONDS = 60
KEPT_HOURS = 48
MAX_LENGTH = 255
NOT_STORED = frozenset({400, 401, 403, 429, 503})  # says nothing about the effect: the client may simply try again


@dataclass(frozen=True, slots=True)
class Answer:
    """What the first call was told."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claim:
    """How a key stands: ours (`token`), answered (`answer`), in flight (`busy_seconds`) or used for an `other_body`."""

    token: UUID | None = None
    answer: Answer | None = None
    busy_seconds: int = 0
    other_body: bool = False


class LockLost(Exception):
    """Another call took the key over; whatever this one did must be rolled back."""


def valid(key: str) -> bool:
    """1 to 255 printable ASCII characters."""
    return 0 < len(key) <= MAX_LENGTH and all(" " <= c <= "~" for c in key)


def claim(client: str, route: str, key: str, fingerprint: bytes) -> Claim:
    """Take the key or learn why not, in one statement that commits on its own."""
    token = uuid4()
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {
                "client": client, "route": route, "key": key, "fingerprint": fingerprint, "token": token,
                "lock": LOCK_SECONDS, "kept": KEPT_HOURS,
            },
        )  # fmt: skip
        if cursor.fetchone() is not None:
            return Claim(token=token)
        cursor.execute(_READ, (client, route, key))
        row = cursor.fetchone()
    if row is None:  # purged or released between the two statements
        return claim(client, route, key, fingerprint)
    seen, status, code, body, headers, busy = row
    if bytes(seen) != fingerprint:
        return Claim(other_body=True)
    if status == "DONE":
        return Claim(answer=Answer(code, bytes(body or b""), _loads(headers)))
    return Claim(busy_seconds=max(1, int(busy) + 1))


def done(client: str, route: str, key: str, token: UUID, answer: Answer) -> None:
    """Keep the answer. Call it inside the transaction of the effect; LockLost says to roll that back."""
    with connection.cursor() as cursor:
        cursor.execute(
            _DONE, (answer.status, answer.body, to_json(dict(answer.headers)).decode(), client, route, key, token)
        )
        if cursor.rowcount != 1:
            raise LockLost


def once(client: str, route: str, key: str, fingerprint: bytes) -> bool:
    """Whether this is the first time, inside the effect's transaction: a repeat waits for the first and gets False.

    For effects whose answer is simply the state as it is now (a scan). Refusal (422) for the same key, another body.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ONCE, (client, route, key, fingerprint, uuid4()))
        if cursor.fetchone() is not None:
            return True
        cursor.execute(_READ, (client, route, key))
        row = cursor.fetchone()
    if row is not None and bytes(row[0]) != fingerprint:
        raise Refusal("key_reused", "This key was used for something else.", status=422)
    return False


def release(client: str, route: str, key: str, token: UUID) -> None:
    """Forget a call that had no effect, so that it may be made again."""
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, (client, route, key, token))


def purge(batch: int = 5_000) -> int:
    """Drop keys older than 48 hours, a batch a transaction; returns how many."""
    dropped = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_PURGE, (KEPT_HOURS, batch))
            dropped += cursor.rowcount
            if cursor.rowcount < batch:
                return dropped


def _loads(value: object) -> Mapping[str, str]:
    import json

    return json.loads(value) if isinstance(value, str) else value  # type: ignore[return-value]


_ONCE = """
INSERT INTO core_idempotencykey
    (client, route, key, fingerprint, status, token, locked_until, response_headers, created_at)
VALUES (%s, %s, %s, %s, 'DONE', %s, now(), '{}', now())
ON CONFLICT (client, route, key) DO NOTHING
RETURNING id
"""

_CLAIM = """
INSERT INTO core_idempotencykey AS known (
    client, route, key, fingerprint, status, token, locked_until, response_headers, created_at
) VALUES (
    %(client)s, %(route)s, %(key)s, %(fingerprint)s, 'IN_FLIGHT', %(token)s,
    statement_timestamp() + make_interval(secs => %(lock)s), '{}', statement_timestamp()
)
ON CONFLICT (client, route, key) DO UPDATE
SET token = excluded.token, locked_until = excluded.locked_until, fingerprint = excluded.fingerprint,
    status = 'IN_FLIGHT', response_status = NULL, response_body = NULL, response_headers = '{}',
    created_at = excluded.created_at
WHERE (known.status = 'IN_FLIGHT' AND known.locked_until < statement_timestamp()
        AND known.fingerprint = excluded.fingerprint)
    OR known.created_at < statement_timestamp() - make_interval(hours => %(kept)s)
RETURNING id
"""

_READ = """
SELECT fingerprint, status, response_status, response_body, response_headers,
    extract(epoch FROM locked_until - statement_timestamp())
FROM core_idempotencykey WHERE client = %s AND route = %s AND key = %s
"""

_DONE = """
UPDATE core_idempotencykey
SET status = 'DONE', response_status = %s, response_body = %s, response_headers = %s::jsonb
WHERE client = %s AND route = %s AND key = %s AND token = %s AND status = 'IN_FLIGHT'
"""

_RELEASE = """
DELETE FROM core_idempotencykey
WHERE client = %s AND route = %s AND key = %s AND token = %s AND status = 'IN_FLIGHT'
"""

_PURGE = """
DELETE FROM core_idempotencykey WHERE id IN (
    SELECT id FROM core_idempotencykey
    WHERE created_at < statement_timestamp() - make_interval(hours => %s)
    ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED
)
"""
