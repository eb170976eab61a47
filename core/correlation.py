"""One id that follows a cause from the request through events and tasks to the calls it makes outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import uuid4

HEADER = "X-Correlation-ID"
_current: ContextVar[str] = ContextVar("correlation_id", default="")
_acceptable = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def current() -> str:
    """The id in force; a fresh one if nothing has set any."""
    value = _current.get()
    if not value:
        value = uuid4().hex
        _current.set(value)
    return value


def known() -> str:
    """The id in force, or nothing."""
    return _current.get()


def accept(offered: str | None) -> str:
    """A caller's id if it is harmless to log, else a fresh one."""
    return offered if offered and _acceptable.fullmatch(offered) else uuid4().hex


def adopt(value: str) -> None:
    """Go on under another cause's id; the surrounding `using` puts the former one back."""
    _current.set(value)


@contextmanager
def using(value: str) -> Iterator[str]:
    token = _current.set(value or uuid4().hex)
    try:
        yield _current.get()
    finally:
        _current.reset(token)
