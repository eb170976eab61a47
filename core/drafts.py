"""Rules people word in versions: one draft at a time, reworded while it is one, launched in place of what was in force.

An app brings its two models (an owner and its numbered versions, a StateMachine with a DRAFT) and says what to record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.db import IntegrityError, models, transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from core.actors import Actor
from core.errors import Refusal
from core.states import StateMachine

V = TypeVar("V", bound=StateMachine)
DRAFT, RETIRED = "DRAFT", "RETIRED"


@dataclass(frozen=True, slots=True)
class Drafts(Generic[V]):
    """The life of one kind of version. `owner` and `wording` name its fields; `tell(version, what, actor)` records it.

    `stays` ends the sentence that refuses to reword what is no draft; `overtaken` is said to the second of two who
    launch at once. `more(owner)` is what a new version takes from its owner.
    """

    versions: type[V]
    owner: str
    wording: str
    tell: Callable[[V, str, Actor], None]
    stays: str
    overtaken: str
    more: Callable[[Any], Mapping[str, Any]] = field(default=lambda owner: {})

    def new(self, owner: models.Model, wording: Any, note: str, actor: Actor) -> V:
        """The next version, a draft. The caller holds the owner, or has just made it."""
        last = self._of(owner).aggregate(last=Max("number"))["last"] or 0
        fields = {self.owner: owner, self.wording: wording, "number": last + 1, **self.more(owner)}
        made = self._all().create(**fields, note=note, created_by=actor.label[:200])
        self.tell(made, "drafted", actor)
        return made

    @transaction.atomic
    def draft(self, owner_id: int, *, from_number: int | None = None, actor: Actor) -> V:
        """A new draft worded as another version, by default the latest. The draft there is, where one is.

        Locks the owner.
        """
        owners: Any = self.versions._meta.get_field(self.owner).related_model
        owner = owners.objects.select_for_update().get(pk=owner_id)
        standing = self._of(owner).filter(status=DRAFT).first()
        if standing is not None:
            return standing
        rows = self._of(owner).order_by("-number")
        source = rows.filter(number=from_number).first() if from_number else rows.first()
        if source is None:
            raise Refusal("not_found", "There is no such version.", status=404)
        return self.new(owner, getattr(source, self.wording), f"From version {source.number}", actor)  # type: ignore[attr-defined]

    @transaction.atomic
    def save(self, version_id: int, version: int | None, put: Callable[[V], Mapping[str, Any]], *, actor: Actor) -> V:
        """Reword a draft: `put` says its new fields. Refusal("stale"), ("not_a_draft"), and what `put` raises."""
        row: Any = self.locked(version_id, version)
        if row.status != DRAFT:
            raise Refusal("not_a_draft", f"{row} is {row.get_status_display().lower()}: {self.stays}")
        fields = {**put(row), "version": row.version + 1}
        for name, value in fields.items():
            setattr(row, name, value)
        row.save(update_fields=list(fields))
        self.tell(row, "reworded", actor)
        return row

    def launch(
        self,
        version_id: int,
        to: str,
        version: int | None,
        *,
        instead_of: Callable[[V], QuerySet[V]],
        what: str,
        check: Callable[[V], object] = lambda row: None,
        actor: Actor,
    ) -> V:
        """Put a version into force; what was (`instead_of`, in that state) retires in the same moment."""
        try:
            with transaction.atomic():
                row: Any = self.locked(version_id, version)
                check(row)
                if not row.may(row.status, to):
                    raise Refusal("bad_move", f"{row} is {row.get_status_display().lower()}.", status_now=row.status)
                for old in instead_of(row).filter(status=to).select_for_update(of=("self",)):
                    self._retire(old, actor)
                row.move(to, **{f"{to.lower()}_at": timezone.now()})
                self.tell(row, what, actor)
        except IntegrityError:  # two launches at once: the database let one through
            raise Refusal("moved_meanwhile", self.overtaken) from None
        return row

    @transaction.atomic
    def retire(self, version_id: int, version: int | None, *, actor: Actor) -> V:
        """Out of use for good."""
        row = self.locked(version_id, version)
        self._retire(row, actor)
        return row

    def locked(self, version_id: int, version: int | None) -> V:
        """The version, locked, as the caller saw it. Refusal 404 not_found, 409 stale."""
        rows = self._all().select_for_update(of=("self",)).select_related(self.owner)
        row: Any = rows.filter(pk=version_id).first()
        if row is None:
            raise Refusal("not_found", "There is no such version.", status=404)
        if version is not None and version != row.version:
            raise Refusal("stale", f"{row} was changed meanwhile.", status_now=row.status, version=row.version)
        return row

    def _retire(self, row: V, actor: Actor) -> None:
        row.move(RETIRED, retired_at=timezone.now())
        self.tell(row, "retired", actor)

    def _all(self) -> QuerySet[V]:
        rows: Any = self.versions
        return rows.objects.all()

    def _of(self, owner: models.Model) -> QuerySet[V]:
        return self._all().filter(**{self.owner: owner})
