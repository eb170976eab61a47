"""Shared fixtures. The servers, markers and closed sockets come from config/devstack/pytest_plugin.py."""

from __future__ import annotations

import functools
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import flushing, prepared_database
from tests.broker import broker
from tests.query_counts import pytest_addoption, query_count

__all__ = ["broker", "pytest_addoption", "query_count"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files whose tests take long begin first, so that no process is left alone with one at the end."""
    dear: dict[Path, int] = {}
    for item in items:
        dear[item.path] = max(dear.get(item.path, 0), _dearness(item))
    items.sort(key=lambda item: -dear[item.path])


def _dearness(item: pytest.Item) -> int:
    if item.get_closest_marker("browser"):
        return 2
    database = item.get_closest_marker("django_db")
    committing = database is not None and bool(database.kwargs.get("transaction"))
    return int(committing or hasattr(getattr(item, "obj", None), "hypothesis"))


def pytest_collection_finish() -> None:
    """Thousands of tests stay until the end: no search for garbage looks through them again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        prepared_database.use()


@pytest.fixture(scope="session", autouse=True)
def _append_only_tables_can_be_emptied() -> Iterator[None]:
    with flushing.past_append_only_triggers():
        yield


@pytest.fixture(scope="session")
def described() -> dict[str, Any]:
    """What the API says of itself, made once: it takes seconds. Nobody changes it."""
    from drf_spectacular.generators import SchemaGenerator

    return SchemaGenerator().get_schema(request=None, public=True)


@pytest.fixture(autouse=True)
def _nobody_remembers_the_test_before() -> None:
    """Rate limits and hints are kept under primary keys, which an emptied database hands out again."""
    from django.core.cache import cache

    from orders.services import carriage, policies

    cache.clear()
    carriage.forget()
    policies.ladder_of.cache_clear()
    redis = _redis()
    if spent := list(redis.scan_iter("backroom:rate:*", count=1_000)):
        redis.delete(*spent)


@functools.cache
def _redis() -> Any:
    from django.conf import settings
    from redis import Redis

    return Redis.from_url(settings.REDIS_URL)
