"""The same pages with nothing in between: psycopg, one SQL string, one string template. No Django in this process.

A page is a function of a connection and the query's parameters that answers HTML. Its frame (the shell around the list,
which hardly changes from one answer to the next) is read once from what the portal itself answered.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import psycopg

_local = threading.local()
PAUSED = 10**17
CAP = 1001


def _connection() -> psycopg.Connection[Any]:
    if not hasattr(_local, "connection"):
        _local.connection = psycopg.connect(os.environ["RAW_CONNINFO"], autocommit=True)
    return _local.connection


def _settings() -> dict[str, Any]:
    if not hasattr(_local, "settings"):
        _local.settings = json.loads(Path(os.environ["RAW_SETTINGS"]).read_text())
    return _local.settings


_WHO = """
SELECT u.id, u.name, u.is_superuser, u.preferences,
    (SELECT array_agg(site_id) FROM core_user_sites s WHERE s.user_id = u.id)
FROM core_user u WHERE u.id = %s AND u.is_active
"""
_ROWS = """
SELECT c.id, c.version, c.reason, c.title, c.summary, c.queue_id, c.severity, c.subject_kind, c.subject_uid,
    c.subject_label, s.name, c.value, c.currency, c.status, c.waiting_on, c.waiting_since, c.started_at, c.due_at, c.rank,
    c.acknowledge_by, c.acknowledged_at, c.resolve_by, c.promise_by, c.resolved_at, c.outcome, c.occurrences, c.owner_id,
    u.name, u.email
FROM exceptions_case c LEFT JOIN core_site s ON s.id = c.site_id LEFT JOIN core_user u ON u.id = c.owner_id
WHERE c.is_open AND (c.rank, c.id) > (%s, %s) ORDER BY c.rank, c.id LIMIT 51
"""
_TEAMS = "SELECT code, name FROM exceptions_queue ORDER BY position, code"


def _count(condition: str) -> str:
    return f"(SELECT count(*) FROM (SELECT 1 FROM exceptions_case WHERE is_open AND {condition} LIMIT {CAP}) x)"


def _numbers(teams: list[str]) -> str:
    overdue = (
        "rank <= %(now)s UNION ALL SELECT 1 FROM exceptions_case"
        " WHERE is_open AND status = 'WAITING' AND promise_by <= %(at)s"
    )
    soon = "rank > %(now)s AND rank <= %(now)s + 3600000000"
    counts = [
        overdue, soon, f"rank > %(now)s + 3600000000 AND rank < {PAUSED}", f"rank >= {PAUSED}", "true",
        "owner_id IS NULL", "owner_id = %(user)s", *(f"queue_id = '{team}'" for team in teams),
    ]  # fmt: skip
    worth = (
        "(SELECT json_agg(json_build_array(s::text, n, currency)) FROM (SELECT sum(value) s, count(*) n, currency FROM"
        f" (SELECT value, currency FROM exceptions_case WHERE is_open ORDER BY rank, id LIMIT {CAP - 1}) a"
        " WHERE currency <> '' GROUP BY currency) b)"
    )
    return "SELECT " + ", ".join([*map(_count, counts), worth, "(SELECT max(id) FROM exceptions_case)"])


_LINE = """
<tr id="ex-{id}">
  <td><span class="hit"><input class="check" type="checkbox" name="id" value="{id}" form="bulk" aria-label="Select EX-{id}"></span></td>
  <td><span class="sla" data-state="{state}" data-due="{due}" data-span="{span}">{mark}<time datetime="{due}" aria-hidden="true">{left}</time><span class="vh">{clock}, <span>{left}</span></span></span></td>
  <td class="fill"><div class="row row-3"><span class="ty"><svg class="i" viewBox="0 0 24 24" aria-hidden="true"><use href="/static/icons.svg#i-{icon}"/></svg><span class="vh">{team}:</span></span><div class="grow"><div class="t1 trunc"><a href="/exceptions/{id}">{title}</a></div><div class="t2 trunc">{summary}</div></div></div></td>
  <td class="p1"><div class="mono trunc">{label}</div><div class="t2">{kind}</div></td>
  <td class="p3"><div class="trunc">{where}</div><div class="t2 trunc">{team}</div></td>
  <td class="r p3">{value}</td>
  <td class="p2"><div class="trunc soft">{todo}</div></td>
  <td>{owner}</td>
  <td class="xp"><button class="vh" type="button" tabindex="-1" aria-hidden="true" hx-get="/exceptions/{id}/resolve" hx-target="#dialog" hx-swap="innerHTML" data-key="e"></button><button class="btn btn-ghost btn-icon btn-xs" type="button" data-expand aria-expanded="false" aria-label="More about EX-{id}"><svg class="i i-sm" viewBox="0 0 24 24" aria-hidden="true"><use href="/static/icons.svg#i-chevron-down"/></svg></button></td>
</tr>
"""
_CLAIM = """<button class="row muted g-6" type="button" hx-post="/exceptions/{id}/claim" hx-vals='{{"v": {v}}}' hx-swap="none" data-key="c"><span class="avatar avatar-none" aria-hidden="true"></span><span class="own">Claim</span><span class="vh"> EX-{id}</span></button>"""
_OWNED = """<span class="row g-6"><span class="avatar" aria-hidden="true">{initials}</span><span class="trunc own">{name}</span></span>"""
_RING = '<svg class="ring" viewBox="0 0 20 20" aria-hidden="true"><circle cx="10" cy="10" r="7.5" pathLength="100"/><circle cx="10" cy="10" r="7.5" pathLength="100" stroke-dasharray="{} 100"/></svg>'
_MARK = '<svg class="i" viewBox="0 0 24 24" aria-hidden="true"><use href="/static/icons.svg#i-triangle-alert"/></svg>'


def _line(row: tuple[Any, ...], now: datetime, reasons: dict[str, Any]) -> str:
    (case_id, version, reason, title, summary, team, _sev, kind, _uid, label, site, value, currency, status, _on, _since,
     started, due, _rank, ack_by, acked, resolve_by, _promise, _resolved, _outcome, _times, owner_id, name, email) = row  # fmt: skip
    seconds = (due - now).total_seconds()
    span = (due - started).total_seconds() or 1
    minutes = abs(int(seconds // 60))
    left = f"{minutes // 60} h {minutes % 60:02} m" if minutes >= 60 else f"{minutes} m"
    known = reasons.get(reason, {})
    late = seconds < 0
    person = name or email or ""
    return _LINE.format(
        id=case_id,
        state="paused" if status == "WAITING" else "overdue" if late else "soon" if seconds < 3600 else "ok",
        due=due.isoformat(),
        span=int(span),
        mark=_MARK if late else _RING.format(max(2, min(100, round(seconds / span * 100)))),
        left=f"{left} {'over' if late else 'left'}",
        clock="Respond" if acked is None and due == ack_by else "Resolve" if due == resolve_by else "Promise",
        icon=known.get("icon", "inbox"),
        team=escape(known.get("team", team)),
        title=escape(title),
        summary=escape(summary),
        label=escape(label),
        kind=escape(kind),
        where=escape(site or team),
        value=f"{currency} {value:,.2f}" if currency else "",
        todo=escape(known.get("todo", "")),
        owner=_OWNED.format(initials="".join(w[0] for w in person.split()[:2]), name=escape(person))
        if owner_id
        else _CLAIM.format(id=case_id, v=version),
    )


def queue(connection: psycopg.Connection[Any], asked: dict[str, list[str]]) -> str:
    settings = _settings()
    rank, pk = asked["from"][0].split(",") if "from" in asked else ("-1", "0")
    now = datetime.now(UTC)
    cursor = connection.cursor()
    person = cursor.execute(_WHO, [settings["user"]]).fetchone()
    assert person is not None
    rows = cursor.execute(_ROWS, [int(rank), int(pk)]).fetchall()
    teams = cursor.execute(_TEAMS).fetchall()
    at = {"now": int(time.time() * 1e6), "at": now, "user": person[0]}
    numbers = cursor.execute(_numbers([code for code, _ in teams]), at).fetchone()
    assert numbers is not None
    tabs = "".join(
        f'<a href="/exceptions/?queue={code}">{escape(name)} <span class="n">{count}</span></a>'
        for (code, name), count in zip(teams, numbers[7:], strict=False)
    )
    tally = "".join(f"<a><b>{n}</b></a>" for n in numbers[:7])
    body = "".join(_line(row, now, settings["reasons"]) for row in rows[:50])
    before, after = settings["frame"]
    return f"{before}{tally}{tabs}{body}{after}"


PAGES: dict[str, Callable[[psycopg.Connection[Any], dict[str, list[str]]], str]] = {"/exceptions/": queue}


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    page = PAGES.get(environ["PATH_INFO"])
    if page is None:
        start_response("404 Not Found", [("Content-Length", "0")])
        return [b""]
    body = page(_connection(), parse_qs(environ["QUERY_STRING"])).encode()
    headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]
