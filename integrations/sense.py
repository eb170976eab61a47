"""Answers that make no sense: where reading one slips, the call ends in a failure of its own name and is tried again.

A vendor's client reads answers as they are documented, without asking at each step whether they are. What is built
otherwise (a list where an object should be, a key that is missing) must not end as if Backroom had broken down: whoever
made the call is told that its answer can't be read, as for a gateway's page. Trying again is safe, because every
call that changes something is found by its reference first. The log keeps where the reading slipped.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from integrations import http
from integrations.failures import FailureClass

P = ParamSpec("P")
R = TypeVar("R")
log = logging.getLogger(__name__)
SLIPS = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError)


def made(act: Callable[P, R], whose: str) -> Callable[P, R]:
    """The same act, raising FailedForNow where it slips over an answer."""

    @functools.wraps(act)
    def does(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return act(*args, **kwargs)
        except SLIPS as slip:
            log.exception("answer.makes_no_sense", extra={"vendor": whose})
            words = f"An answer of {whose} isn't built as it should be ({type(slip).__name__}); the log says where."
            raise http.FailedForNow(FailureClass.UNPARSABLE, words) from None

    return does


class Sensible:
    """A port all of whose acts are `made`."""

    def __init__(self, port: Any, whose: str):
        self._port, self._whose = port, whose

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        return made(found, self._whose) if callable(found) else found
