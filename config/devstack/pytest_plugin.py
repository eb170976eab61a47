"""Servers, a database of one's own, and closed doors for the tests. Loaded before any settings are."""

from __future__ import annotations

import faulthandler
import fcntl
import os
import re
import sys
from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from . import leases
from .places import ROOT

_held: list[Any] = []  # a lease and a lock live as long as this process
_said = os.fdopen(os.dup(2), "w")  # this module is loaded before pytest catches what is written there
LOOPBACK = ["127.0.0.1", "::1", "localhost"]


def provide() -> None:
    """Put into the environment what the settings will read. The workers of xdist inherit what their controller got."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    os.environ.setdefault("EMAIL_URL", "memory://")
    if not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
        lease = leases.take()
        _held.append(lease)
        os.environ.update(lease.env)
    if "PYTEST_XDIST_WORKER" not in os.environ:
        number = _free_slot()
        os.environ["BACKROOM_TEST_SLOT"] = str(number)
        os.environ.setdefault("BACKROOM_TEST_DB", f"test_backroom_{number}")
    os.environ["REDIS_URL"] = _own_redis_database(os.environ["REDIS_URL"])


def _free_slot() -> int:
    """Two test runs in one checkout take different numbers, and with them different databases."""
    folder = ROOT / "var" / "test-slots"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, 16):
        slot = (folder / str(number)).open("a")
        try:
            fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            slot.close()
            continue
        _held.append(slot)
        return number
    raise pytest.UsageError("Fifteen test runs are under way in this checkout already.")


def _own_redis_database(url: str) -> str:
    """Of the embedded server's 64: four for each run, the first ones for the demo."""
    if not url.startswith("unix://"):
        return url
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    database = (int(os.environ["BACKROOM_TEST_SLOT"]) * 4 + worker % 4) % 64
    return re.sub(r"db=\d+", f"db={database}", url)


provide()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run tests marked long, and hypothesis with many examples")
    parser.addoption(
        "--pictures", action="store_true", help="browser tests leave pictures of what they see in var/screens"
    )


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> None:
    """Set hypothesis up before the first module that uses it; importing it takes a second the others needn't pay."""
    # One that borrows from another test module brings along what that one imports.
    if "hypothesis" in sys.modules or re.search(rb"hypothesis|from tests\.\w+\.test_", module_path.read_bytes()):
        _profiles(long=parent.config.getoption("--long"))


@cache
def _profiles(*, long: bool) -> None:
    from hypothesis import HealthCheck, settings

    slow_is_fine = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    settings.register_profile("short", max_examples=40, deadline=None, suppress_health_check=slow_is_fine)
    settings.register_profile("long", max_examples=1_000, deadline=None, suppress_health_check=slow_is_fine)
    settings.load_profile("long" if long else "short")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`live` and `long` tests run only when asked for: by -m, by --long, or by naming their file or test."""
    if config.option.markexpr:
        return
    named = [str(ROOT / argument.split("::")[0]) for argument in config.args if ".py" in argument]
    skipped = {"live"} if config.getoption("--long") else {"live", "long"}
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        asked_for = str(item.path) in named
        (kept if asked_for or not any(item.get_closest_marker(name) for name in skipped) else left).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """A test that hangs, its fixtures' ends included, says where after ten minutes (a long one: three hours) and fails.

    Every thread's stack is printed and the process ends: better than silence.
    """
    long = item.config.getoption("--long") or item.get_closest_marker("long")
    faulthandler.dump_traceback_later(3 * 3600 if long else 600, exit=True, file=_said)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.fixture(autouse=True)
def no_way_out(request: pytest.FixtureRequest) -> None:
    """Sockets lead to this machine only."""
    from pytest_socket import socket_allow_hosts

    socket_allow_hosts(LOOPBACK, allow_unix_socket=True)
