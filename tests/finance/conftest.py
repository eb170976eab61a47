from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.devstack import tryton
from tests.finance.erp import LocalErp


@pytest.fixture
def erp(tmp_path: Path) -> Iterator[LocalErp]:
    """A fresh local ERP, running."""
    made = LocalErp(tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def live_tryton() -> Iterator[tryton.Running]:
    """A real Tryton with books of its own. Where none can be had the test is skipped, saying why; with
    BACKROOM_REQUIRE_LIVE=1 that is a failure."""
    server = os.environ["DATABASE_URL"]
    name = f"tryton_{os.environ.get('BACKROOM_TEST_DB', 'test')}"
    try:
        running = tryton.copy(server, name, say=lambda words: print(words, file=sys.stderr))
        running.start()
    except tryton.Unavailable as error:
        if os.environ.get("BACKROOM_REQUIRE_LIVE") == "1":
            raise
        pytest.skip(f"no Tryton on this machine: {error}")
    yield running
    running.stop()
    tryton.drop(server, name)
