"""How fast list pages are over HTTP, signed in, out of a million rows; against raw SQL in a string template.

Both sides run under granian with the same workers and are asked in turns by the same clients in the same run. The
portal's side is everything a person's browser causes: session, user, permissions, filters, list, every number on the
page, the shell. The raw side reads the same rows and numbers and fills in a template (see raw_pages.py).

A page is one entry of PAGES; the floor that owns a list adds its own, with what fills its table.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections

from tests.benchmarks._ground import forking, gather, start

DATABASE = "backroom_bench_pages"
ROWS, DEPTH, SECONDS, CLIENTS, ROUNDS = 1_000_000, 900_000, 4.0, 2, 3
HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "div#list"}


@dataclass(frozen=True)
class Page:
    """One list. `fill(rows)` writes its table; `deep(depth)` gives the queries of the page that far in, for the portal
    and for the raw side."""

    name: str
    path: str
    fill: Callable[[int], None]
    deep: Callable[[int], tuple[str, str]]


def _fill_cases(rows: int) -> None:
    from config.demo import bulk
    from core.models import User

    people = [User(email=f"bench{n}@example.com", name=f"Person Number{n}") for n in range(100)]
    User.objects.bulk_create(people)
    bulk.cases(rows, owners=[person.pk for person in people])


def _deep_cases(depth: int) -> tuple[str, str]:
    from core import htmx
    from exceptions.filters import ORDERS
    from exceptions.models import Case

    row = Case.objects.still_open().order_by(*ORDERS["due"]).values("rank", "id")[depth]
    cursor = htmx._make_cursor(row, ORDERS["due"], depth)
    return f"?after={cursor}", f"?from={row['rank']},{row['id']}"


PAGES = [Page("queue", "/exceptions/", _fill_cases, _deep_cases)]


def run(options: Any) -> dict[str, Any]:
    rows = options["size"] or ROWS
    depth = min(DEPTH, int(rows * 0.9))
    seconds, clients = options["seconds"] or SECONDS, options["clients"] or CLIENTS
    wanted = options["other"].get("page", "")
    own_database(rows, [page.fill for page in PAGES], fresh="fresh" in options["other"])
    user, cookie = person()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        facts = Path(folder) / "raw.json"
        with server("config.wsgi:application", {}) as portal:
            connections.close_all()
            for page in PAGES:
                if wanted in {"", page.name}:
                    frame = _frame(ask(portal, page.path, cookie))
                    facts.write_text(json.dumps({"user": user, "frame": frame, "reasons": _reasons()}))
                    with server("tests.benchmarks.raw_pages:application", {"RAW_SETTINGS": str(facts)}) as raw:
                        results[page.name] = _measure(page, portal, raw, cookie, depth, seconds, clients)
    first = next(iter(results.values()))
    return {
        "name": "pages",
        **{key: first["first"][key] for key in ("rate", "raw_rate", "ratio", "p50_ms", "p95_ms")},
        "pages": results,
        "settings": {
            "rows": rows,
            "depth": depth,
            "clients": clients,
            "seconds": seconds,
            "rounds": ROUNDS,
            **versions(),
        },
        "note": "rates in pages a second, one worker each; `first` and `deep` are whole pages, `list` the fragment",
    }


def _measure(
    page: Page, portal: int, raw: int, cookie: str, depth: int, seconds: float, clients: int
) -> dict[str, Any]:
    deep, raw_deep = page.deep(depth)
    connections.close_all()
    kinds = {
        "first": ("", "", {}),
        "deep": (deep, raw_deep, {}),
        "list": ("", "", PARTIAL),
        "list_deep": (deep, raw_deep, PARTIAL),
    }
    found: dict[str, Any] = {}
    for kind, (query, raw_query, headers) in kinds.items():
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(ROUNDS):
            ours += load(portal, page.path + query, {"Cookie": cookie, **headers}, seconds / ROUNDS, clients)
            theirs += load(raw, page.path + raw_query, {}, seconds / ROUNDS, clients)
        rate, raw_rate = clients / _mean(ours), clients / _mean(theirs)
        found[kind] = {
            "rate": round(rate, 1),
            "raw_rate": round(raw_rate, 1),
            "ratio": round(rate / raw_rate, 3),
            "p50_ms": round(percentile(ours, 0.5), 2),
            "p95_ms": round(percentile(ours, 0.95), 2),
            "raw_p50_ms": round(percentile(theirs, 0.5), 2),
        }
    found["depth_ratio"] = round(found["deep"]["p50_ms"] / found["first"]["p50_ms"], 2)
    found["list_depth_ratio"] = round(found["list_deep"]["p50_ms"] / found["list"]["p50_ms"], 2)
    found["bytes"] = len(ask(portal, page.path, cookie))
    found["raw_bytes"] = len(ask(raw, page.path, ""))
    return found


def _mean(times: list[float]) -> float:
    return sum(times) / len(times)


def percentile(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1000


# --- Asking


def ask(port: int, path: str, cookie: str) -> str:
    client = HTTPConnection("127.0.0.1", port, timeout=60)
    client.request("GET", path, headers={"Cookie": cookie} if cookie else {})
    answer = client.getresponse()
    body = answer.read().decode()
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}: {body[:300]}")
    return body


def load(port: int, path: str, headers: dict[str, str], seconds: float, clients: int) -> list[float]:
    results = forking.Queue()
    workers = start(_client, (port, path, headers, seconds, results), clients)
    return [taken for times in gather(workers, results) for taken in times]


def _client(port: int, path: str, headers: dict[str, str], seconds: float, results: Any) -> None:
    client = HTTPConnection("127.0.0.1", port, timeout=60)
    times: list[float] = []
    begin = time.perf_counter()
    while (now := time.perf_counter()) - begin < seconds:
        client.request("GET", path, headers=headers)
        answer = client.getresponse()
        answer.read()
        if answer.status != 200:
            results.put(f"{path} answered {answer.status}")
            return
        if now - begin > seconds / 10:  # the first requests warm connections and caches
            times.append(time.perf_counter() - now)
    results.put(times)


@contextmanager
def server(application: str, extra: dict[str, str]) -> Iterator[int]:
    """The application under granian on a free port, with the same workers and threads for both sides."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "1", "--blocking-threads", "2", "--no-ws", "--log-level", "warning", application,
    ]  # fmt: skip
    environment = {**os.environ, "DATABASE_URL": _url(), "RAW_CONNINFO": _url(), "LOG_LEVEL": "ERROR", **extra}
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:  # what was measured stands; it need not be lost over how the server ends
            process.kill()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError("The server ended before it began.")
        try:
            client = HTTPConnection("127.0.0.1", port, timeout=5)
            client.request("GET", "/livez")
            client.getresponse().read()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("The server never answered.")


# --- What is measured


def own_database(
    rows: int, fills: Sequence[Callable[[int], None]], *, fresh: bool, name: str = DATABASE, files: Sequence[Path] = ()
) -> None:
    """A database beside the usual one, kept for the next run as long as it would come out the same."""
    wanted = _signature(rows, files)
    with connection.cursor() as cursor:
        cursor.execute("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name])
        known = cursor.fetchone()
        kept = known is not None and known[0] == wanted and not fresh
        if not kept:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
            cursor.execute(f"CREATE DATABASE {name}")
    connections.close_all()
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name
    if not kept:
        call_command("migrate", verbosity=0, interactive=False)
        for fill in fills:
            fill(rows)
        with connection.cursor() as cursor:
            cursor.execute(f"COMMENT ON DATABASE {name} IS '{wanted}'")


def _signature(rows: int, files: Sequence[Path]) -> str:
    digest = hashlib.sha256(str(rows).encode())
    sources = [*ROOT.glob("*/migrations/*.py"), ROOT / "config" / "demo" / "bulk.py", HERE / "pages.py", *files]
    for path in sorted(sources):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _url() -> str:
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}"))


def person() -> tuple[int, str]:
    """Somebody from operations, with their permissions by group, and the cookie of their session."""
    from django.contrib.auth.models import Group, Permission
    from django.test import Client

    from core.models import User

    email = "bench.operations@example.com"
    user = User.objects.filter(email=email).first() or User.objects.create_user(email, name="Bench Operations")
    group, _ = Group.objects.get_or_create(name="Bench")
    names = ("view_case", "work_case", "assign_case", "export_case", "view_order", "view_item")
    group.permissions.set(Permission.objects.filter(codename__in=names))
    user.groups.set([group])
    client = Client()
    client.force_login(user)
    return user.pk, f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def _frame(html: str) -> tuple[str, str]:
    """What stands before and after the rows."""
    rows = list(re.finditer(r"<tr id=", html))
    if not rows:
        raise RuntimeError("The page shows no rows.")
    return html[: rows[0].start()], html[html.rindex("</tbody>") :]


def _reasons() -> dict[str, dict[str, str]]:
    from exceptions import reasons

    return {
        reason.code: {
            "icon": reason.icon,
            "team": reasons.team(reason.queue).title,
            "todo": reason.actions[0].title if reason.actions else "No action yet",
        }
        for reason in reasons.every()
    }


def versions() -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('shared_buffers')")
        version, buffers = cursor.fetchone()
    return {"postgresql": version, "shared_buffers": buffers, "cpus": os.cpu_count()}
