"""State machines as a table: one look says what can happen next, and the database decides who wins."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from core.errors import Refusal


class StateMachine(models.Model):
    """A model whose `status` moves only along `MOVES`. `version` counts every move."""

    MOVES: ClassVar[dict[Any, set[Any]]] = {}
    status: Any

    class Meta:
        abstract = True

    @classmethod
    def may(cls, source: Any, to: Any) -> bool:
        return to in cls.MOVES.get(source, set())

    def move(self, to: Any, **fields: Any) -> None:
        """Go to `to` if the table allows it and nobody moved first; `fields` change in the same UPDATE.

        Compare-and-set on (pk, status): exactly one row must change, else Refusal("moved_meanwhile").
        Refusal("bad_move") when the table has no such move.
        """
        if not self.may(self.status, to):
            raise Refusal(
                "bad_move",
                f"{self._meta.verbose_name} is {self.status}; it can't become {to}.",
                status_now=str(self.status),
                wanted=str(to),
            )
        changes: dict[str, Any] = {"status": to, **fields}
        if any(f.name == "version" for f in self._meta.concrete_fields) and "version" not in fields:
            changes["version"] = models.F("version") + 1
        if any(f.name == "updated_at" for f in self._meta.concrete_fields):
            changes["updated_at"] = timezone.now()
        rows: models.Manager[Any] = type(self)._base_manager
        changed = rows.filter(pk=self.pk, status=self.status).update(**changes)
        if changed != 1:
            raise Refusal("moved_meanwhile", "Somebody else changed this a moment ago.", wanted=str(to))
        self.refresh_from_db(fields=list(changes))
