"""Shared fixtures. The servers, markers and closed sockets come from config/devstack/pytest_plugin.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import flushing
from tests.query_counts import pytest_addoption, query_count

__all__ = ["pytest_addoption", "query_count"]


@pytest.fixture(scope="session", autouse=True)
def _append_only_tables_can_be_emptied() -> Iterator[None]:
    with flushing.past_append_only_triggers():
        yield
