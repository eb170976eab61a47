"""Chromium against a live server: signing in, accessibility in both themes, pictures at three widths.

Every page is watched: an uncaught error, a console error or a refused resource (the content security policy) fails the
test that caused it. `page.expected` lists fragments of messages a test brings about on purpose.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

# Playwright's loop runs in the thread the tests use the ORM from.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

HERE = Path(__file__).parent
PICTURES = HERE.parent.parent / "var" / "screens"
WIDTHS = (390, 820, 1440)
PATIENCE = 15_000  # milliseconds; a busy machine is slow, not wrong
SHELL = ["#nav", ".topbar"]  # on every page
OF_COLOUR = ["color-contrast", "link-in-text-block"]  # all that another theme can change
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PRELOADED = {"assets": ["media"]}  # no rule of these tags reads style sheets; fetching them costs time
FLAGS = [
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--no-first-run", "--no-default-browser-check", "--disable-extensions", "--disable-gpu", "--force-color-profile=srgb",
]  # fmt: skip


# How the shell reads now: the same for all pages but for figures, what is current and what a form carries.
_SHELL_READS = """shell => innerWidth + ' ' + shell.flatMap(each => [...document.querySelectorAll(each)])
  .map(e => e.outerHTML + e.querySelectorAll(':popover-open').length).join(' ')
  .replace(/ aria-current="[^"]*"| value="[^"]*"|[0-9]+/g, '')"""

# What sticks out of the page, unless the page can't scroll there (a box of its own scrolls).
_TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
  .filter(e => { for (let p = e.parentElement; p; p = p.parentElement) if (getComputedStyle(p).overflowX !== 'visible') return p === document.body; return true; }).slice(0, 8)
  .map(e => e.tagName.toLowerCase() + '.' + (e.className.baseVal ?? e.className) + ' ' + Math.round(e.getBoundingClientRect().right))"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


def _chromium() -> str:
    wanted = os.environ.get("BACKROOM_CHROMIUM", "")
    # The shell without a window of its own draws the same pages at half the cost.
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    found = wanted or next(filter(None, map(shutil.which, names)), "")
    if not found:
        missing = (
            "There is no chromium here"
            " (Debian: apt-get install chromium-headless-shell; or set BACKROOM_CHROMIUM to its path)."
        )
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    path = _chromium()
    flags = FLAGS + (["--no-sandbox"] if os.geteuid() == 0 else [])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Any, live_server: Any) -> Iterator[Any]:
    made = chromium.new_context(
        base_url=live_server.url,
        viewport={"width": 1440, "height": 900},
        locale="en-GB",
        timezone_id="Europe/London",
        reduced_motion="reduce",
    )
    made.set_default_timeout(PATIENCE)
    yield made
    made.close()


@pytest.fixture
def page(context: Any) -> Iterator[Any]:
    made = context.new_page()
    made.expected = []
    problems: list[str] = []
    made.on("pageerror", lambda error: problems.append(f"error: {error}"))
    made.on("console", lambda message: problems.append(f"console: {message.text}") if message.type == "error" else None)
    yield made
    left = [p for p in problems if not any(words in p for words in made.expected)]
    assert not left, "The browser complained:\n" + "\n".join(left)


@pytest.fixture
def sign_in(context: Any, live_server: Any) -> Callable[..., None]:
    """sign_in(page, user): the session's cookie, without walking through the form each time."""

    def go(page: Any, user: Any) -> None:
        client = Client()
        client.force_login(user)
        cookie = client.cookies["sessionid"]
        context.add_cookies([{"name": "sessionid", "value": cookie.value, "url": live_server.url, "httpOnly": True}])

    return go


@pytest.fixture(scope="session")
def axe_source() -> str:
    return next((HERE / "vendor").glob("axe-core-*/axe.min.js")).read_text()


@pytest.fixture(scope="session")
def shells_checked() -> set[str]:
    return set()


@pytest.fixture
def axe(axe_source: str, shells_checked: set[str]) -> Callable[..., None]:
    """axe(page): no violation in light or in dark, of WCAG 2.2 AA or good practice.

    Navigation and top bar are most of many a page: those that read as some that were checked already are left out.
    """

    def check(page: Any, *, within: str | None = None) -> None:
        if not page.evaluate("!!window.axe"):
            page.evaluate(axe_source)
        shell = page.evaluate(_SHELL_READS, SHELL)
        looked_at = within or {"exclude": SHELL if shell in shells_checked else []}
        before = page.evaluate("document.documentElement.dataset.theme || ''")
        for theme, rules in (
            ("light", {"type": "tag", "values": AXE_TAGS}),
            ("dark", {"type": "rule", "values": OF_COLOUR}),
        ):
            page.evaluate("t => document.documentElement.dataset.theme = t", theme)
            options = {"runOnly": rules, "resultTypes": ["violations"], "preload": PRELOADED}
            found = page.evaluate("([at, o]) => axe.run(at, o)", [looked_at, options])["violations"]
            words = [
                f"{theme}: {v['id']} ({v['impact']}): {v['help']}\n"
                + "\n".join(f"    {n['html'][:200]}\n      {n.get('failureSummary', '')}" for n in v["nodes"][:5])
                for v in found
            ]
            assert not words, "\n".join(words)
        if not within:
            shells_checked.add(shell)
        page.evaluate(
            "t => { if (t) document.documentElement.dataset.theme = t; else delete document.documentElement.dataset.theme }",
            before,
        )

    return check


@pytest.fixture
def shoot(request: pytest.FixtureRequest) -> Callable[..., list[Path]]:
    """shoot(page, "orders"): nothing sticks out at 390, 820 and 1440 px.

    With --pictures it leaves them, light and dark, in var/screens/ to be looked at.
    """
    themes = ("light", "dark") if request.config.getoption("--pictures") else ()

    def take(page: Any, name: str, *, widths: tuple[int, ...] = WIDTHS, full: bool = False) -> list[Path]:
        PICTURES.mkdir(parents=True, exist_ok=True)
        size, made = page.viewport_size, []
        for width in widths:
            page.set_viewport_size({"width": width, "height": 844 if width < 600 else 900})
            for theme in themes:
                page.evaluate("t => document.documentElement.dataset.theme = t", theme)
                path = PICTURES / f"{name}-{width}-{theme}.png"
                page.screenshot(path=path, full_page=full)
                made.append(path)
            wide = page.evaluate(_TOO_WIDE)
            assert not wide, f"{name} is wider than its window of {width} px: {wide}"
        page.set_viewport_size(size)
        return made

    return take


@pytest.fixture
def person(transactional_db: None) -> Callable[..., Any]:
    """person("sana@example.com", name="Sana Qureshi", staff=True): someone to sign in as, with every permission."""
    from core.models import User

    def make(email: str = "sana@harrow.example", name: str = "Sana Qureshi", **extra: Any) -> Any:
        extra = {"is_superuser": True, "is_staff": True, **extra}
        return User.objects.create_user(email, "correct horse battery", name=name, **extra)

    return make
