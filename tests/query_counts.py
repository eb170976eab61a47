"""How many queries a page or endpoint takes, written down in tests/query_counts.json: an N+1 shows in the diff.

    def test_the_order_list_takes_a_fixed_number_of_queries(query_count, client):
        with query_count("orders-list", lambda: client.get("/orders/")):
            OrderFactory.create_batch(20)          # must not change the number

`query_count(name, ask)` calls `ask` once to warm caches, counts the second call, and compares. Given a block, it counts
again after the block and demands the same number. `--update-query-counts` rewrites the file; a new name is added at
once, except where CI is set.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FILE = Path(__file__).with_name("query_counts.json")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-query-counts", action="store_true", help="rewrite tests/query_counts.json")


def _read() -> dict[str, int]:
    return json.loads(FILE.read_text()) if FILE.exists() else {}


def _write(name: str, count: int) -> None:
    known = _read() | {name: count}
    FILE.write_text(json.dumps(dict(sorted(known.items())), indent=2) + "\n")


class QueryCount:
    def __init__(self, update: bool) -> None:
        self.update = update

    def __call__(self, name: str, ask: Callable[[], Any]) -> Any:
        ask()
        first = self._count(ask)
        self._compare(name, first)

        @contextmanager
        def more() -> Iterator[None]:
            yield
            now = self._count(ask)
            assert len(now) == len(first), f"{name}: {len(first)} queries grew to {len(now)} with the data:\n" + _show(
                now
            )

        return more()

    @staticmethod
    def _count(ask: Callable[[], Any]) -> list[str]:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as caught:
            response = ask()
        status = getattr(response, "status_code", 200)
        assert status < 400, f"counted an answer of {status}"
        return [q["sql"] for q in caught.captured_queries]

    def _compare(self, name: str, queries: list[str]) -> None:
        wanted = _read().get(name)
        if self.update or (wanted is None and not os.environ.get("CI")):
            _write(name, len(queries))
            return
        assert wanted is not None, f"{name} isn't in {FILE.name}: run it once and commit the file."
        assert len(queries) == wanted, f"{name}: {wanted} queries are written down, it took {len(queries)}:\n" + _show(
            queries
        )


def _show(queries: list[str]) -> str:
    return "\n".join(f"  {n}. {str(sql)[:300]}" for n, sql in enumerate(queries, 1))


@pytest.fixture
def query_count(request: pytest.FixtureRequest, db: None) -> QueryCount:
    return QueryCount(request.config.getoption("--update-query-counts"))
