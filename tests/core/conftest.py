"""Facts to record and handlers to hear them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import transaction

from core import actors, events
from core.events import Fact
from core.subjects import Subject


@pytest.fixture
def wired() -> Iterator[Callable[..., list[Fact]]]:
    """Subscribe handlers of one's own, with none of the real ones; returns what a recording handler heard."""
    with events.only():

        def subscribe(type_: str = "thing.happened", name: str = "listener", handler=None, **options) -> list[Fact]:
            heard: list[Fact] = []
            events.subscribe(type_, name, handler or heard.append, **options)
            return heard

        yield subscribe


@pytest.fixture
def happen() -> Callable[..., int]:
    """Record one fact about a thing, in a transaction of its own."""

    def record(uid: str = "1", type_: str = "thing.happened", **options) -> int:
        with transaction.atomic():
            return events.record(type_, Subject("thing", uid, f"Thing {uid}"), actor=actors.SYSTEM, **options)

    return record
