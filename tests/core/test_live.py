"""The live stream: topics and nothing else, to people who are signed in, for as long as they are."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client

from core import live
from core.live import stream
from core.models import User

pytestmark = pytest.mark.django_db(transaction=True)


class Browser:
    """The ASGI server's side of one connection."""

    def __init__(self, cookie: str = "", path: str = "/live", origin: str = "", method: str = "GET"):
        headers = [(b"cookie", cookie.encode())] + ([(b"origin", origin.encode())] if origin else [])
        self.scope = {"type": "http", "path": path, "method": method, "headers": headers}
        self.sent: asyncio.Queue = asyncio.Queue()
        self.gone = asyncio.Event()

    async def receive(self):
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        await self.sent.put(message)

    def open(self):
        self.task = asyncio.create_task(stream.application(self.scope, self.receive, self.send))
        return self

    async def next(self, seconds: float = 5):
        return await asyncio.wait_for(self.sent.get(), seconds)

    async def leave(self):
        self.gone.set()
        await asyncio.wait_for(self.task, 5)


@pytest.fixture(autouse=True)
def _own_hub(monkeypatch):
    monkeypatch.setattr(stream, "hub", stream.Hub())


@pytest.fixture
def cookie():
    client = Client()
    client.force_login(User.objects.create_user("sana@harrow.example", "correct horse battery"))
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies['sessionid'].value}"


def run(scenario):
    async def main():
        try:
            await asyncio.wait_for(scenario(), 20)
        finally:
            await stream.hub.end()

    # In a thread: once a browser test has run, this one has a loop of its own.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, main()).result()


def test_a_change_reaches_every_open_page_as_topics_and_counts(cookie):
    async def scenario():
        pages = [Browser(cookie).open() for _ in range(2)]
        for page in pages:
            assert (await page.next())["status"] == 200
            assert b"event: hello" in (await page.next())["body"]
        while not stream.hub.up:  # noqa: ASYNC110  (the hub tells nobody but its queues)
            await asyncio.sleep(0.02)

        live.publish(["exceptions", "orders"])

        for page in pages:
            body = (await page.next())["body"].decode()
            assert "\nevent: changed\n" in body
            assert set(json.loads(body.split("data: ")[1])) == {"exceptions", "orders"}
            await page.leave()
        assert not stream.hub.queues

    run(scenario)


def test_strangers_are_told_not_to_come_back():
    async def scenario():
        for cookie in ("", "sessionid=made-up", "\x00;=;"):
            page = Browser(cookie).open()
            assert (await page.next())["status"] == 204

    run(scenario)


def _end_everyone():
    User.objects.update(is_active=False)
    connection.close()


def test_a_stream_ends_with_its_session(cookie, monkeypatch):
    monkeypatch.setattr(stream, "HEARTBEAT", 0.05)
    monkeypatch.setattr(stream, "RECHECK", 0.1)

    async def scenario():
        page = Browser(cookie).open()
        await page.next()
        await asyncio.to_thread(_end_everyone)
        bodies = b""
        while b"event: bye" not in bodies:
            bodies += (await page.next())["body"]
        assert b"event: beat" in bodies

    run(scenario)


def test_a_page_that_falls_behind_is_told_to_ask_for_everything():
    async def scenario():
        hub = stream.Hub()
        queue: asyncio.Queue = asyncio.Queue(3)
        hub.queues.add(queue)
        for n in range(5):
            hub._tell(json.dumps([f"t{n}"]))

        message = stream._message(stream._waiting(queue), hub.id)

        assert json.loads(message.split("data: ")[1]) == {"*": 1, "t4": 1}

    run(scenario)


def test_a_page_that_was_away_is_told_what_it_missed_or_to_ask_for_everything():
    async def scenario():
        hub = stream.Hub()
        hub._tell('["orders"]')
        seen = hub.id
        for topic in ("stock", "cases"):
            hub._tell(json.dumps([topic]))

        assert hub.missed("") == []
        assert hub.missed(hub.id) == []
        assert hub.missed(seen) == ['["stock"]', '["cases"]']
        for strange in ("other-1", f"{hub.name}-99", f"{hub.name}-x", "x" * 500, f"{hub.name}-" + "9" * 40):
            assert hub.missed(strange) == ["stale"]
        for _ in range(stream.KEPT):
            hub._tell('["stock"]')
        assert hub.missed(seen) == ["stale"]

    run(scenario)


def test_a_stream_goes_on_after_the_last_event_its_page_saw(cookie):
    async def scenario():
        stream.hub._tell('["orders"]')
        seen = stream.hub.id
        stream.hub._tell('["stock"]')
        page = Browser(cookie)
        page.scope["headers"].append((b"last-event-id", seen.encode()))
        page.open()

        assert (await page.next())["status"] == 200
        hello, missed = [(await page.next())["body"].decode() for _ in range(2)]
        assert "event: hello" in hello
        assert json.loads(missed.split("data: ")[1]) == {"stock": 1}
        await page.leave()

    run(scenario)


def test_only_our_own_pages_on_another_port_are_granted(cookie, settings):
    settings.PUBLIC_URL = "http://localhost:8000"

    async def scenario():
        for origin, granted in (("http://localhost:8000", True), ("https://evil.example", False)):
            page = Browser(cookie, origin=origin).open()
            headers = dict((await page.next())["headers"])
            assert (headers.get(b"access-control-allow-origin") == origin.encode()) is granted
            await page.leave()

    run(scenario)


def test_the_server_ends_while_it_is_still_connecting():
    async def scenario():
        for moments in range(30):
            stream.hub.join()
            for _ in range(moments):
                await asyncio.sleep(0)
            asked = iter(["lifespan.startup", "lifespan.shutdown"])
            said = []

            async def receive(asked=asked):
                return {"type": next(asked)}

            async def send(message, said=said):
                said.append(message["type"])

            await asyncio.wait_for(stream.application({"type": "lifespan"}, receive, send), 5)

            assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
            assert stream.hub.task.done()

    run(scenario)


def test_nothing_else_is_served():
    async def scenario():
        for path, method, status in (("/livez", "GET", 200), ("/orders/", "GET", 404), ("/live", "POST", 404)):
            page = Browser(path=path, method=method).open()
            assert (await page.next())["status"] == status

    run(scenario)


def test_a_poke_waits_for_the_commit_and_never_fails_its_caller(monkeypatch):
    said = []
    monkeypatch.setattr(live, "publish", said.append)

    with transaction.atomic():
        live.poke("orders", "")
        assert said == []

    assert said == [["orders"]]


def test_without_redis_nothing_fails(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    live.publish(["orders"])
