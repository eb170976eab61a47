"""Django's `migrate`, which with --quick renders only the models that change.

Nine tenths of migrating is Django rendering hundreds of models anew for each table, column or constraint. With --quick
the neighbours of a model that changes stay marked as out of date, as they are after adding a plain column: a migration
of data renders them before it looks at them. The tables come out the same (tests/core/test_migrating.py compares them).
For databases of demos, development and tests; an installation's own takes the way everybody's Django goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.commands import migrate
from django.db.migrations.state import ProjectState


class Command(migrate.Command):
    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument("--quick", action="store_true", help="Render only the models that change.")

    def handle(self, *args: Any, **options: Any) -> Any:
        if not options.pop("quick", False):
            return super().handle(*args, **options)
        with _alone():
            return super().handle(*args, **options)


@contextmanager
def _alone() -> Iterator[None]:
    original = ProjectState.reload_model

    def reload(self: Any, app_label: str, model_name: str, delay: bool = False) -> None:
        if "apps" in self.__dict__:
            self.is_delayed = True
            self._reload({(app_label, model_name)})

    ProjectState.reload_model = reload  # type: ignore[method-assign]
    try:
        yield
    finally:
        ProjectState.reload_model = original  # type: ignore[method-assign]
