"""Rows that the tests of a module share: dear to make, and changed by none of them for the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from django.db import transaction

Made = TypeVar("Made")


def shared(blocker: Any, build: Callable[[], Made]) -> Iterator[Made]:
    """Yield what `build()` returns, made in a transaction around those of the module's tests, and take it all back.

    For a fixture of scope "module" that asks for `django_db_setup` and `django_db_blocker`, in a module whose every test
    is wrapped in a transaction. What it yields should hold no model instances: a test may change one.
    """
    with blocker.unblock():
        around = transaction.atomic()
        around.__enter__()
        made = build()
    yield made
    with blocker.unblock():
        transaction.set_rollback(True)
        around.__exit__(None, None, None)
