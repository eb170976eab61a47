"""The live stream with its real process: a change in one place appears on a page that stands open elsewhere."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from django.db import connection
from playwright.sync_api import expect

from core import live, screens

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.urls("tests.browser.kit.urls")


def _database() -> str:
    place = connection.settings_dict
    return (
        f"postgresql://{place['USER']}:{place['PASSWORD']}@/{place['NAME']}?host={place['HOST']}&port={place['PORT']}"
    )


class Stream:
    """The stream process; it may end and come back at its address."""

    def __init__(self, url: str, log: Path):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.env = os.environ | {
            "DJANGO_SETTINGS_MODULE": "config.settings", "DATABASE_URL": _database(), "PUBLIC_URL": url,
        }  # fmt: skip
        self.log = log.open("w")
        self.start()

    def start(self) -> None:
        granian = [str(Path(sys.executable).with_name("granian")), "--interface", "asgi", "--no-ws"]
        granian += ["--workers-kill-timeout", "1", "--port", str(self.port), "config.asgi:application"]
        self.process = subprocess.Popen(granian, cwd=ROOT, env=self.env, stdout=self.log, stderr=self.log)
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/livez", timeout=1).read()
                return
            except OSError:
                assert self.process.poll() is None, Path(self.log.name).read_text()
                time.sleep(0.1)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture
def stream(live_server, settings, tmp_path):
    made = Stream(live_server.url, tmp_path / "log")
    try:
        settings.LIVE_URL = f"http://localhost:{made.port}/live"
        yield made
    finally:
        made.stop()
        made.log.close()


def test_a_change_is_offered_and_never_moves_a_row(page, person, sign_in, stream, monkeypatch):
    numbers = iter([screens.Count(5), screens.Count(6), *[screens.Count(7, late=True)] * 50])
    monkeypatch.setattr(screens, "_counters", {screens.INBOX: lambda user: next(numbers)})
    sign_in(page, person())

    page.goto("/kit/")
    expect(page.locator(".live")).to_have_attribute("data-state", "live")
    expect(page.locator(".bell .n")).to_have_text("5")
    expect(page.get_by_role("link", name="3 new")).to_have_count(0)
    live.publish(["exceptions"])

    expect(page.get_by_role("link", name="3 new")).to_be_visible()
    expect(page.locator(".bell .n")).not_to_have_text("5")


def test_a_lost_stream_is_said_and_the_page_goes_on_asking(page, person, sign_in, stream):
    page.expected += ["ERR_", "Failed to load"]
    sign_in(page, person())
    page.goto("/kit/")
    expect(page.locator(".live")).to_have_attribute("data-state", "live")

    stream.stop()

    expect(page.locator(".live")).to_contain_text("Updates stopped")


def test_a_change_made_while_the_connection_was_lost_shows_when_it_is_back(page, person, sign_in, stream, monkeypatch):
    page.expected += ["ERR_", "Failed to load"]
    numbers = [screens.Count(5)]
    monkeypatch.setattr(screens, "_counters", {screens.INBOX: lambda user: numbers[-1]})
    sign_in(page, person())
    page.goto("/kit/")
    expect(page.locator(".live")).to_have_attribute("data-state", "live")
    expect(page.locator(".bell .n")).to_have_text("5")

    stream.stop()
    expect(page.locator(".live")).to_contain_text("Updates stopped")
    numbers.append(screens.Count(8))
    live.publish(["exceptions"])
    stream.start()

    expect(page.locator(".live")).to_have_attribute("data-state", "live", timeout=20_000)
    expect(page.locator(".bell .n")).to_have_text("8", timeout=15_000)
    expect(page.get_by_role("link", name="3 new")).to_be_visible()
