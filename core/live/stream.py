"""The live stream: a small ASGI application that serves nothing but `/live` (and `/livez`).

One Redis subscription per process fans out to every connection. A connection carries topic names, a heartbeat, and
nothing that belongs to anyone; it stands only while its session does.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import redis.asyncio as aioredis
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import auth
from django.db import close_old_connections
from redis.exceptions import RedisError

from core import live

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

HEARTBEAT = 20.0  # seconds; below the idle limit of common proxies
RECHECK = 60.0  # how soon an ended session loses its stream
BACKLOG = 100  # topics a slow page may be behind before it is told to ask for everything
KEPT = 500  # messages a page that was away may be told after the fact; beyond that it asks for everything
log = logging.getLogger(__name__)


class Hub:
    """The process's one subscription and the queues it feeds."""

    def __init__(self) -> None:
        self.queues: set[asyncio.Queue[str]] = set()
        self.task: asyncio.Task[None] | None = None
        self.up = False
        # What was said lately, by number. Ids hold which process said so: another's numbers mean nothing here.
        self.name = uuid4().hex[:8]
        self.said = 0
        self.kept: deque[tuple[int, str]] = deque(maxlen=KEPT)

    def join(self) -> asyncio.Queue[str]:
        queue: asyncio.Queue[str] = asyncio.Queue(BACKLOG)
        self.queues.add(queue)
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._listen())
        return queue

    def missed(self, last_id: str) -> list[str]:
        """What was said since that id; ["stale"] where nobody can tell, nothing for a page that is new."""
        if not last_id:
            return []
        name, _, number = last_id.partition("-")
        if name != self.name or not (number.isascii() and number.isdigit()) or len(number) > 18:
            return ["stale"]
        seen = int(number)
        if seen > self.said or (seen < self.said and (not self.kept or self.kept[0][0] > seen + 1)):
            return ["stale"]
        return [text for n, text in self.kept if n > seen]

    @property
    def id(self) -> str:
        return f"{self.name}-{self.said}"

    def leave(self, queue: asyncio.Queue[str]) -> None:
        self.queues.discard(queue)

    async def end(self) -> None:
        """Stop listening. A client that is just connecting swallows what cancels it, so it is told until it hears."""
        while self.task is not None and not self.task.done():
            self.task.cancel()
            await asyncio.wait({self.task}, timeout=0.1)

    async def _listen(self) -> None:
        """Follow the channel for as long as the process lives; while Redis is away, try again every few seconds."""
        while True:
            try:
                client = aioredis.Redis.from_url(settings.REDIS_URL, health_check_interval=30)
                async with client, client.pubsub() as channel:
                    await channel.subscribe(live.channel())
                    # Whatever was said while nobody listened is unknown: everyone asks again.
                    self._tell("stale" if self.up else "")
                    self.up = True
                    while True:
                        # With a timeout, so that a connection which died in silence is noticed by its health check.
                        message = await self._next(channel)
                        if message is not None:
                            self._tell(message["data"].decode("utf-8", "replace"))
            except (RedisError, OSError) as error:
                log.info("live.unreachable", extra={"error": type(error).__name__})
            await asyncio.sleep(2)

    @staticmethod
    async def _next(channel: Any) -> dict[str, Any] | None:
        """The next message; None after a while of silence. A connection that timed out is lost, silence is not."""
        try:
            message: dict[str, Any] | None = await channel.get_message(ignore_subscribe_messages=True, timeout=15)
        except TimeoutError as error:
            # Since 3.11 asyncio's own is an OSError, too: only the one of a socket comes with a number.
            if error.errno is not None:
                raise
            return None
        return message

    def _tell(self, text: str) -> None:
        if not text:
            return
        self.said += 1
        self.kept.append((self.said, text))
        for queue in self.queues:
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait("stale")
            else:
                queue.put_nowait(text)


hub = Hub()


def _person(cookie: str) -> bool:
    """Whether this session still belongs to someone active."""
    close_old_connections()
    try:
        jar: SimpleCookie = SimpleCookie(cookie)
        key = jar[settings.SESSION_COOKIE_NAME].value
    except (KeyError, CookieError):
        return False
    store = import_module(settings.SESSION_ENGINE).SessionStore(key)
    try:
        user = auth.get_user(SimpleNamespace(session=store))  # type: ignore[arg-type]
        return bool(user.is_authenticated and user.is_active)
    finally:
        close_old_connections()


def _allowed_origin(offered: str) -> str:
    """The origin to grant, when the portal is served from another port or name of ours."""
    ours = urlsplit(settings.PUBLIC_URL)
    granted = {f"{ours.scheme}://{ours.netloc}", *settings.CSRF_TRUSTED_ORIGINS}
    return offered if offered in granted else ""


async def _plain(send: Send, status: int, text: str, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    body = text.encode()
    head = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": head + (headers or [])})
    await send({"type": "http.response.body", "body": body})


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        while True:
            event = await receive()
            ending = event["type"] == "lifespan.shutdown"
            if ending:
                await hub.end()
            await send({"type": event["type"] + ".complete"})
            if ending:
                return
    if scope["type"] != "http":
        return
    if scope["path"] == "/livez":
        await _plain(send, 200, "ok")
    elif scope["path"] == "/live" and scope["method"] == "GET":
        await _live(scope, receive, send)
    else:
        await _plain(send, 404, "Only /live is here.")


async def _live(scope: Scope, receive: Receive, send: Send) -> None:
    headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
    grant = [(b"vary", b"Origin, Cookie"), (b"cache-control", b"no-store")]
    if origin := _allowed_origin(headers.get("origin", "")):
        grant += [(b"access-control-allow-origin", origin.encode()), (b"access-control-allow-credentials", b"true")]
    cookie = headers.get("cookie", "")
    if not await sync_to_async(_person)(cookie):
        # 204 tells an EventSource not to come back.
        await send({"type": "http.response.start", "status": 204, "headers": grant})
        await send({"type": "http.response.body"})
    else:
        await _stream(cookie, grant, receive, send, headers.get("last-event-id", ""))


async def _stream(
    cookie: str, grant: list[tuple[bytes, bytes]], receive: Receive, send: Send, last_id: str = ""
) -> None:
    async def write(text: str) -> None:
        await send({"type": "http.response.body", "body": text.encode(), "more_body": True})

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    head = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no"), *grant]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    missed, since = hub.missed(last_id), hub.id  # and joined in the same breath: nothing twice, nothing in between
    queue, left = hub.join(), asyncio.create_task(gone())
    loop = asyncio.get_running_loop()
    checked = loop.time()
    try:
        await write("retry: 5000\nevent: hello\ndata: {}\n\n" if missed else _hello(since))
        if missed:
            await write(_message(missed, since))
        while not left.done():
            following = asyncio.create_task(queue.get())
            await asyncio.wait({following, left}, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                await write(_message([following.result(), *_waiting(queue)], hub.id))
            else:
                following.cancel()
                if not left.done():
                    await write("event: beat\ndata: {}\n\n")
            if loop.time() - checked > RECHECK:
                checked = loop.time()
                if not await sync_to_async(_person)(cookie):
                    await write("event: bye\ndata: {}\n\n")
                    break
    except (OSError, RuntimeError):
        pass  # the page went away while we wrote
    finally:
        hub.leave(queue)
        left.cancel()
    if not left.done():
        await send({"type": "http.response.body"})


def _hello(last_id: str) -> str:
    return f"retry: 5000\nid: {last_id}\nevent: hello\ndata: {{}}\n\n"


def _waiting(queue: asyncio.Queue[str]) -> list[str]:
    """Whatever else is in the queue by now."""
    found = []
    while not queue.empty():
        found.append(queue.get_nowait())
    return found


def _message(waiting: list[str], last_id: str) -> str:
    """Everything waiting, as one event: {topic: times said}. Its id is what a page that comes back has seen."""
    counts: dict[str, int] = {}
    for text in waiting:
        try:
            topics = json.loads(text) if text != "stale" else ["*"]
        except ValueError:
            continue
        for topic in topics:
            counts[str(topic)] = counts.get(str(topic), 0) + 1
    return f"id: {last_id}\nevent: changed\ndata: {json.dumps(counts)}\n\n"
