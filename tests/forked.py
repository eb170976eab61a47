"""Processes for tests, forked from one that has loaded Django once: loading it takes each of them seconds.

`at_once` runs work side by side and gives what it returned; a `Forked` is asked again and again. Their work is a
function of a module, and its arguments can be pickled.
"""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import django

django.setup()  # in the process that all are forked from, before any is

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__, "pytest", "orders.services.fulfilment", "tests.factories.orders"])


def _live(pipe: Any, database: str) -> None:
    from django.db import connection

    connection.settings_dict["NAME"] = database
    connection.ensure_connection()
    pipe.send(None)
    while (asked := pipe.recv()) is not None:
        work, arguments = asked
        try:
            pipe.send((work(*arguments), ""))
        except Exception:
            pipe.send((None, traceback.format_exc()))
    connection.close()


class Forked:
    """A process with a connection of its own to the test's database."""

    def __init__(self) -> None:
        from django.db import connection

        self.pipe, its_end = _context.Pipe()
        self.process = _context.Process(target=_live, args=(its_end, connection.settings_dict["NAME"]), daemon=True)
        self.process.start()
        its_end.close()
        self.pipe.recv()  # it is connected

    def ask(self, work: Callable[..., Any], *arguments: Any) -> None:
        self.pipe.send((work, arguments))

    def answer(self, seconds: float) -> Any:
        """What the work returned. Fails with what it raised, with its end, or when it takes longer."""
        assert self.pipe.poll(seconds), f"nothing came within {seconds} s"
        made, raised = self.pipe.recv()
        assert not raised, raised
        return made

    def killed(self) -> int:
        """How it ended, once it is dead: minus the signal."""
        self.process.join()
        return int(self.process.exitcode or 0)

    def stop(self) -> None:
        self.pipe.send(None)
        self.process.join(20)
        self.pipe.close()


def at_once(work: Callable[..., Any], each: Sequence[tuple[Any, ...]], *, seconds: float = 1800) -> list[Any]:
    """`work` in a process for each of the arguments, all let go once all are connected; what it returned, in order."""
    processes = [Forked() for _ in each]
    for process, arguments in zip(processes, each, strict=True):
        process.ask(work, *arguments)
    made = [process.answer(seconds) for process in processes]
    for process in processes:
        process.stop()
    return made
