"""Is it alive, can it work, and how far behind is it: /livez, /readyz, /metrics."""

from __future__ import annotations

import hmac
import ipaddress
import time
from collections.abc import Callable
from typing import Any

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound, JsonResponse
from django.views.decorators.http import require_safe

from core import metrics

SILENCE_SECONDS = 60  # a background process that says nothing for so long has stalled
BACKLOG_SECONDS = 120
EXPECTED = ("beat", "worker:default", "worker:outside")
Check = dict[str, Any]
_migrated = False


def beat(name: str) -> None:
    """A sign of life from a background process."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_heartbeat (name, beat_at, detail) VALUES (%s, statement_timestamp(), '{}')"
            " ON CONFLICT (name) DO UPDATE SET beat_at = excluded.beat_at",
            (name,),
        )


@login_not_required
@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """This process answers. Nothing else is asked: a database that is down is no reason to restart it."""
    return HttpResponse("ok\n", content_type="text/plain", headers={"Cache-Control": "no-store"})


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether requests should come here: 503 without its database. Redis or a worker missing only degrades."""
    found = {"database": _tried(_database)}
    if found["database"]["ok"]:
        found["migrations"] = _tried(_migrations)
        found["relay"] = _tried(_relay)
        found["workers"] = _tried(_workers)
    found["redis"] = _tried(_redis)
    able = found["database"]["ok"] and found["migrations"]["ok"]
    status = "down" if not able else "ready" if all(check["ok"] for check in found.values()) else "degraded"
    return JsonResponse(
        {"status": status, "checks": found}, status=200 if able else 503, headers={"Cache-Control": "no-store"}
    )


@login_not_required
@require_safe
def metrics_page(request: HttpRequest) -> HttpResponse:
    """For Prometheus: with the token of METRICS_TOKEN, or from this machine where none is set."""
    if not _may_read_metrics(request):
        return HttpResponseNotFound()
    return HttpResponse(metrics.page(), content_type=metrics.CONTENT_TYPE, headers={"Cache-Control": "no-store"})


def _may_read_metrics(request: HttpRequest) -> bool:
    token = getattr(settings, "METRICS_TOKEN", "")
    if token:
        return hmac.compare_digest(request.headers.get("Authorization", ""), f"Bearer {token}")
    try:
        near = ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        near = False
    return near and "X-Forwarded-For" not in request.headers


def _tried(check: Callable[[], Check]) -> Check:
    started = time.perf_counter()
    try:
        found = check()
    except (Error, redis.RedisError, OSError) as error:
        found = {"ok": False, "error": type(error).__name__}
    return {**found, "ms": round((time.perf_counter() - started) * 1000, 1)}


def _database() -> Check:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery()")
        (standby,) = cursor.fetchone()
    return {"ok": not standby}


def _migrations() -> Check:
    """Asked until they are all there; they don't go away again."""
    global _migrated  # noqa: PLW0603
    if not _migrated:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if missing:
            return {"ok": False, "missing": len(missing)}
        _migrated = True
    return {"ok": True}


def _relay() -> Check:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(extract(epoch FROM now() - min(next_at)), 0)::int,"
            " (SELECT count(*) FROM (SELECT 1 FROM core_delivery WHERE status = 'DEAD' LIMIT 1001) dead)"
            " FROM core_delivery WHERE status = 'PENDING' AND next_at <= now()"
        )
        oldest, dead = cursor.fetchone()
    return {"ok": oldest < BACKLOG_SECONDS, "oldest_seconds": oldest, "dead": dead}


def _workers() -> Check:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, extract(epoch FROM now() - beat_at)::int FROM core_heartbeat")
        ages = dict(cursor.fetchall())
    silent = [name for name in EXPECTED if ages.get(name, SILENCE_SECONDS + 1) > SILENCE_SECONDS]
    return {"ok": not silent, "silent": silent, "seconds_ago": ages}


def _redis() -> Check:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
    try:
        return {"ok": bool(client.ping())}
    finally:
        client.close()
