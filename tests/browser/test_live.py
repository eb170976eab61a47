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


@pytest.fixture
def stream(live_server, settings, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings", "DATABASE_URL": _database(), "PUBLIC_URL": live_server.url,
    }  # fmt: skip
    granian = [
        str(Path(sys.executable).with_name("granian")),
        "--interface",
        "asgi",
        "--no-ws",
        "--workers-kill-timeout",
        "1",
    ]
    log = (tmp_path / "log").open("w")
    process = subprocess.Popen(
        [*granian, "--port", str(port), "config.asgi:application"], cwd=ROOT, env=env, stdout=log, stderr=log
    )
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=1).read()
                break
            except OSError:
                assert process.poll() is None, (tmp_path / "log").read_text()
                time.sleep(0.1)
        settings.LIVE_URL = f"http://localhost:{port}/live"
        yield process
    finally:
        process.terminate()
        process.wait(20)
        log.close()


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

    stream.terminate()
    stream.wait(20)

    expect(page.locator(".live")).to_contain_text("Updates stopped")
