"""The registry of everything that can go wrong, and how each reason proves itself.

The app that owns a reason registers it from its own `reasons.py` when it becomes ready. A reason is a predicate with
evidence: a case of it opens when the predicate turns true and clears itself when it turns false.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject

LOW, NORMAL, HIGH, CRITICAL = 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an evidence table; figures are aligned to the end."""

    title: str
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of an evidence table. It links to `subject`'s page, or to `url` where that is given."""

    text: str
    subject: Subject | None = None
    url: str | None = None
    code: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of an evidence table; `hot` marks the line that makes the predicate true."""

    cells: Sequence[Cell | str]
    hot: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a person needs to see to believe the case: a heading that states the finding, and its table."""

    heading: str
    columns: Sequence[Column | str]
    rows: Sequence[Row | Sequence[Cell | str]]
    empty: str = "Nothing is left of what opened this case."


@dataclass(frozen=True, slots=True)
class Context:
    """The subject in a few words for the panel beside the case: what it is, and label-value pairs."""

    title: str
    subject: Subject | None = None
    facts: Sequence[tuple[str, str]] = ()
    related: Sequence[Cell] = ()


@dataclass(frozen=True, slots=True)
class Impact:
    """What a case touches: pieces, money, a promise to a customer, and how much that customer matters (0 to 3)."""

    units: int = 0
    value: Decimal | None = None
    currency: str = ""
    promise_by: datetime | None = None
    tier: int = 0


@dataclass(frozen=True, slots=True)
class Root:
    """The case a symptom probably comes from: the open one of `reason` about the subject `uid`."""

    reason: str
    uid: str


@dataclass(frozen=True, slots=True)
class Opening:
    """What a standing case is opened with when the sweeper, not an event, finds it."""

    label: str = ""
    title: str | None = None
    summary: str = ""
    site_id: int | None = None
    value: Decimal | None = None
    currency: str = ""
    promise_by: datetime | None = None
    started_at: datetime | None = None
    units: int = 0
    tier: int = 0
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Param:
    """One thing an action has to be told. `choices(uid)` are (value, label); without them it is typed in.

    `kind` is text, number (a whole one, not negative) or choice.
    """

    name: str
    title: str
    kind: str = "text"
    required: bool = True
    choices: Callable[[str], Sequence[tuple[str, str]]] | None = None
    hint: str = ""
    most: int = 200


@dataclass(frozen=True, slots=True)
class Action:
    """Something that may put it right: the owning domain's own service, or a page to do it on.

    `run(uid, actor=…, **params)` returns a sentence to show. With `rehearsed`, its services write to the database
    alone (what leaves the house goes by the outbox): then its preview is done by running it and taking it back, and
    what it changed is stored with the run. `preview(uid, **params)` says more as label-value pairs and changes
    nothing. `amount(uid, **params)` is the money at stake; by default what the rehearsal shows. `offered(uid)` hides
    the action where it can't apply. `undo(run, actor=…)` compensates within `undo_minutes`, or refuses; without one
    `lasting` says why it can't be taken back. `stake` says in words what `amount` is. A `countersigned` one is told who
    agreed to it (`approver_id`, None where nobody had to).
    """

    code: str
    title: str
    detail: str = ""
    permission: str = "exceptions.work_case"
    run: Callable[..., str | None] | None = None
    href: Callable[[str], str | None] | None = None
    preview: Callable[..., Sequence[tuple[str, str]]] | None = None
    offered: Callable[[str], bool] | None = None
    confirm: str = ""
    primary: bool = False
    rehearsed: bool = False
    params: tuple[Param, ...] = ()
    amount: Callable[..., tuple[Decimal, str] | None] | None = None
    stake: str = ""
    lasting: str = ""
    undo: Callable[..., str] | None = None
    undo_minutes: int = 30
    countersigned: bool = False

    def said(self, given: Mapping[str, Any], uid: str) -> dict[str, Any]:
        """The parameters as the action takes them. Invalid (422) naming each one that is wrong."""
        found: dict[str, Any] = {}
        problems = []
        for param in self.params:
            text = str(given.get(param.name, "") or "").replace("\0", "").strip()
            try:
                value = value_of(param, text, uid)
            except ValueError as error:
                problems.append(Problem(param.name, "wrong", str(error)))
            else:
                if value is not None:
                    found[param.name] = value
        if problems:
            raise Invalid(problems, status=422)
        return found


def value_of(param: Param, text: str, uid: str) -> Any:
    """What was typed in, as the action takes it; None for nothing. ValueError says what is wrong with it."""
    if not text:
        if param.required:
            raise ValueError(f"{param.title} is needed.")
        return None
    if len(text) > param.most:
        raise ValueError(f"At most {param.most} characters.")
    if param.kind == "number":
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise ValueError("A whole number, not negative.")
        return int(text)
    if param.choices is not None and text not in {value for value, _ in param.choices(uid)}:
        raise ValueError("Choose one of those offered.")
    return text


@dataclass(frozen=True, slots=True)
class Reason:
    """One way things go wrong. `predicate(uid)` is the truth; without one, only a person can say it is fixed.

    `standing()` lists the subjects for which it is true now (None = events alone tell); `describe(uid)` says how the
    sweeper words such a case. `impact(uid)` says what it touches where the opener doesn't;
    `weightless` says why there is nothing to say. `root(uid)` names the case it probably is a symptom of: where that
    is open, the new case stands under it (origins.py has the roots other apps know). Minutes are business time of the
    site's calendar unless `business_time` is off.

    `cleared(uid)` names what made it untrue, with the row that says so: a sentence and its subject. It is only needed
    where no recorded fact about the subject does.
    """

    code: str
    title: str
    queue: str
    subject_kind: str
    icon: str = "triangle-alert"
    severity: int = NORMAL
    acknowledge_minutes: int = 60
    resolve_minutes: int = 8 * 60
    business_time: bool = True
    description: str = ""
    clears: str = ""
    predicate: Callable[[str], bool] | None = None
    evidence: Callable[[str], Evidence | Sequence[Evidence]] | None = None
    context: Callable[[str], Context | None] | None = None
    standing: Callable[[], Iterable[str] | None] | None = None
    describe: Callable[[str], Opening | None] | None = None
    value: Callable[[str], tuple[Decimal, str] | None] | None = None
    impact: Callable[[str], Impact | None] | None = None
    weightless: str = ""
    root: Callable[[str], Root | None] | None = None
    cleared: Callable[[str], tuple[str, Subject | None] | None] | None = None
    actions: tuple[Action, ...] = ()

    @property
    def clears_when(self) -> str:
        """The rest of the sentence "It clears when …", without its full stop."""
        text = self.clears.strip().rstrip(".").removeprefix("when ")
        if text:
            return text[0].lower() + text[1:]
        return "its check turns false" if self.predicate else "a person says so"

    def action(self, code: str) -> Action:
        """The action of that code; Refusal 404 where the reason offers none."""
        for action in self.actions:
            if action.code == code:
                return action
        raise Refusal("unknown_action", f"“{self.title}” offers no such action.", status=404)


@dataclass(frozen=True, slots=True)
class Team:
    """A queue as code knows it; its row in the database may be renamed by an administrator."""

    code: str
    title: str
    icon: str = "inbox"
    position: int = 100


TEAMS = {
    team.code: team
    for team in (
        Team("orders", "Orders", "shopping-bag", 10),
        Team("store", "Stores", "store", 20),
        Team("warehouse", "Warehouse", "warehouse", 30),
        Team("stock", "Stock", "boxes", 40),
        Team("payments", "Payments", "credit-card", 50),
        Team("finance", "Finance", "scale", 60),
        Team("integration", "Integration", "webhook", 70),
        Team("returns", "Returns", "undo-2", 80),
    )
}

SCOPES = {"exceptions.work_case": "cases:work", "exceptions.waive_case": "cases:waive"}


def scope_for(permission: str) -> str:
    """What a program needs for what a person needs this permission for: mostly a scope of that very name."""
    return SCOPES.get(permission, permission)


_reasons: dict[str, Reason] = {}


def register(reason: Reason) -> Reason:
    """Make `reason` known. Registering the same code twice is a mistake in code, so it raises."""
    known = _reasons.get(reason.code)
    if known is not None and known != reason:
        raise ValueError(f"The reason {reason.code} is registered twice.")
    _reasons[reason.code] = reason
    return reason


def get(code: str) -> Reason:
    """The reason of that code; KeyError is a mistake in code."""
    return _reasons[code]


def find(code: str) -> Reason | None:
    """The reason of that code, or None for one an older version left behind."""
    return _reasons.get(code)


def every() -> list[Reason]:
    """All reasons, by queue and title."""
    return sorted(_reasons.values(), key=lambda r: (team(r.queue).position, r.queue, r.title))


def team(code: str) -> Team:
    return TEAMS.get(code) or Team(code, code.replace("_", " ").replace("-", " ").capitalize())


def holds(reason: str, uid: str) -> bool | None:
    """Is it still true of this subject? None where nobody but a person can tell."""
    known = find(reason)
    if known is None or known.predicate is None:
        return None
    return bool(known.predicate(uid))


def run(action: Action, uid: str, *, actor: Actor, **params: Any) -> str:
    """Carry out an action and return the sentence to show."""
    if action.run is None:
        raise Refusal("not_runnable", f"“{action.title}” is done on its own page.", status=400)
    return action.run(uid, actor=actor, **params) or f"{action.title}: done."
