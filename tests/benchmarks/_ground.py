"""What benchmarks stand on: a database of their own, and processes whose death is noticed."""

from __future__ import annotations

import multiprocessing
import os
import queue
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections

from tests import prepared_database

forking = multiprocessing.get_context("fork")
START_SECONDS = 60.0  # how long clients may take to connect and warm up


@contextmanager
def own_database(name: str) -> Iterator[None]:
    """A fresh database beside the one of the settings, dropped afterwards: facts can't be deleted from a real one."""
    prepared_database.use()
    usual = connection.settings_dict["NAME"]
    test = connection.settings_dict.setdefault("TEST", {})
    named, test["NAME"] = test.get("NAME"), f"backroom_bench_{name}_{os.getpid()}"
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connections.close_all()
        connection.creation.destroy_test_db(usual, verbosity=0)
        test["NAME"] = named


def start(target: Callable[..., None], arguments: Sequence[Any], clients: int) -> list[Any]:
    """That many processes running `target`; they end with this one. Connections can't be shared, so ours are closed."""
    connections.close_all()
    processes = [forking.Process(target=target, args=tuple(arguments), daemon=True) for _ in range(clients)]
    for process in processes:
        process.start()
    return processes


def gather(processes: Sequence[Any], results: Any) -> list[Any]:
    """What each process put into `results`; raises as soon as one has died without a word, or says what went wrong."""
    found: list[Any] = []
    while len(found) < len(processes):
        try:
            result = results.get(timeout=1)
        except queue.Empty:
            if dead := [p for p in processes if p.exitcode not in (None, 0)]:
                raise RuntimeError(f"{len(dead)} of {len(processes)} clients died; see above.") from None
            continue
        if isinstance(result, str | BaseException):
            raise result if isinstance(result, BaseException) else RuntimeError(result)
        found.append(result)
    for process in processes:
        process.join()
    return found
