"""How soon 500 open pages on one stream process hear of a change, and what that costs it.

The process is the real one (granian, config.asgi), the pages are sockets that read the event stream. Every half second
something is said; each page's delay is from just before it was said to the byte that says so.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client

from core import live
from core.models import User
from tests.benchmarks._ground import own_database

CLIENTS, SECONDS, EVERY = 500, 10.0, 0.5
ROOT = Path(__file__).resolve().parents[2]


def run(options: Any) -> dict[str, Any]:
    """`--clients` pages for `--seconds`."""
    clients, seconds = options["clients"] or CLIENTS, options["seconds"] or SECONDS
    with own_database("live"):
        cookie = _cookie()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        process = _serve(port)
        try:
            delays, expected, cpu, said = asyncio.run(_measure(port, cookie, clients, seconds, process.pid))
        finally:
            process.terminate()
            process.wait(20)
    delays.sort()
    return {
        "name": "live",
        "rate": len(delays) / seconds,
        "raw_rate": expected / seconds,
        "ratio": len(delays) / expected if expected else 0.0,
        "p50_ms": delays[len(delays) // 2] * 1000 if delays else None,
        "p95_ms": delays[int(len(delays) * 0.95)] * 1000 if delays else None,
        "max_ms": delays[-1] * 1000 if delays else None,
        "within_1s": sum(delay <= 1 for delay in delays) / expected if expected else 0.0,
        "cpu_percent": 100 * cpu / seconds,
        "settings": {"clients": clients, "seconds": seconds, "changes": said},
        "note": "rates in events heard a second, and how many there were to hear; CPU of the stream process alone",
    }


def _cookie() -> str:
    client = Client()
    client.force_login(User.objects.create_user("bench@live.example", "correct horse battery"))
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def _serve(port: int) -> subprocess.Popen[bytes]:
    place = connection.settings_dict
    database = f"{place['USER']}:{place['PASSWORD']}@/{place['NAME']}?host={place['HOST']}&port={place['PORT']}"
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings", "DATABASE_URL": f"postgresql://{database}"}
    granian = [str(Path(sys.executable).with_name("granian")), "--interface", "asgi", "--no-ws"]
    process = subprocess.Popen(
        [*granian, "--port", str(port), "config.asgi:application"],
        cwd=ROOT,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process
        except OSError:
            time.sleep(0.1)
    process.kill()
    raise RuntimeError("The stream process didn't start.")


async def _measure(
    port: int, cookie: str, clients: int, seconds: float, pid: int
) -> tuple[list[float], int, float, int]:
    heard: list[float] = []
    said_at = [0.0]
    gate = asyncio.Semaphore(20)
    ready = [0]

    async def page() -> None:
        async with gate:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET /live HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n".encode())
            while b"event: hello" not in await asyncio.wait_for(reader.readline(), 60):
                pass
            ready[0] += 1
        while line := await reader.readline():
            if b"event: changed" in line:
                heard.append(time.perf_counter() - said_at[0])

    pages = [asyncio.create_task(page()) for _ in range(clients)]
    while ready[0] < clients:
        await asyncio.sleep(0.1)
        for done in pages:
            if done.done():
                done.result()
    await asyncio.sleep(1)
    heard.clear()
    before, said = _cpu(pid), 0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        said_at[0] = time.perf_counter()
        await asyncio.to_thread(live.publish, ["exceptions"])
        said += 1
        await asyncio.sleep(EVERY)
    await asyncio.sleep(1)
    used = _cpu(pid) - before
    for each in pages:
        each.cancel()
    await asyncio.gather(*pages, return_exceptions=True)
    return heard, said * clients, used, said


def _cpu(pid: int) -> float:
    """Seconds of CPU this process and its children have used."""
    total = 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(folder.name) == pid or int(fields[1]) == pid:
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total
