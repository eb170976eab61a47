"""Rules about actions as data, pure: which steps of a playbook apply to a case, and which amounts need a second person.

A case is a flat mapping of fields (see `services.rulebooks.fields_of`); a condition compares one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from core.errors import Invalid, Problem

Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Op = Literal["is", "is_not", "at_least", "below", "contains", "one_of", "known", "unknown"]
OPS: dict[str, str] = {
    "is": "is",
    "is_not": "is not",
    "at_least": "is at least",
    "below": "is below",
    "contains": "contains",
    "one_of": "is one of",
    "known": "is known",
    "unknown": "is not known",
}
FIELDS: dict[str, str] = {
    "value": "Value at risk",
    "currency": "Currency",
    "severity": "Severity (1 low to 4 critical)",
    "site": "Site (its code)",
    "channel": "Channel (its code)",
    "customer": "Customer (business or consumer)",
    "age_minutes": "Minutes since it turned true",
    "occurrences": "Times it happened",
    "reopened": "Times it was reopened",
    "promise_minutes": "Minutes to the promise",
}
DATA = "data."  # whatever the reason keeps with its cases: data.<name>
MOST_STEPS, MOST_CONDITIONS, MOST_RULES = 20, 6, 50


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(Strict):
    field: Short
    op: Op
    value: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""

    @model_validator(mode="after")
    def _makes_sense(self) -> Condition:
        if self.field not in FIELDS and not (self.field.startswith(DATA) and len(self.field) > len(DATA)):
            raise ValueError("there is no such field")
        if self.op in {"at_least", "below"} and number(self.value) is None:
            raise ValueError("compare with a number")
        if self.op not in {"known", "unknown"} and not self.value:
            raise ValueError("say what to compare with")
        return self

    @property
    def words(self) -> str:
        name = FIELDS.get(self.field, self.field.removeprefix(DATA).replace("_", " ").capitalize())
        return f"{name.split(' (')[0]} {OPS[self.op]} {self.value}".strip()

    def holds(self, fields: Mapping[str, Any]) -> bool:
        found = fields.get(self.field)
        if self.op in {"known", "unknown"}:
            return (found is not None and found != "") == (self.op == "known")
        if found is None:
            return self.op == "is_not"
        if self.op in {"at_least", "below"}:
            figure, limit = number(str(found)), number(self.value)
            if figure is None or limit is None:
                return False
            return (figure >= limit) == (self.op == "at_least")
        text, wanted = str(found).casefold(), self.value.casefold()
        if self.op == "contains":
            return wanted in text
        if self.op == "one_of":
            return any(_same(text, part.strip()) for part in wanted.split(","))
        return _same(text, wanted) == (self.op == "is")


class Step(Strict):
    action: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    when: Annotated[tuple[Condition, ...], Field(max_length=MOST_CONDITIONS)] = ()


class Steps(Strict):
    """A playbook's document."""

    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=MOST_STEPS)]

    @model_validator(mode="after")
    def _no_step_twice(self) -> Steps:
        names = [(step.action, step.when) for step in self.steps]
        if len(set(names)) != len(names):
            raise ValueError("the same step stands there twice")
        return self


class ApprovalRule(Strict):
    """Above `above` of `currency`, whoever holds `permission` has to agree. Empty reason, queue, action: any."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=80)] = ""
    queue: Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)] = ""
    action: Annotated[str, StringConstraints(strip_whitespace=True, max_length=50)] = ""
    above: Annotated[Decimal, Field(ge=0, lt=10**12, decimal_places=4)]
    currency: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Z]{3}$")]
    permission: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[a-z_]+\.[a-z_]+$")] = (
        "exceptions.approve_action"
    )
    hours: Annotated[int, Field(ge=1, le=24 * 14)] = 24

    @property
    def words(self) -> str:
        of = ", ".join(part for part in (self.reason, self.queue and f"queue {self.queue}", self.action) if part)
        return f"{of or 'Any action'} above {self.above:,.2f} {self.currency}"

    def covers(self, *, reason: str, queue: str, action: str, currency: str) -> bool:
        return (
            self.reason in {"", reason}
            and self.queue in {"", queue}
            and self.action in {"", action}
            and self.currency == currency
        )


class Approvals(Strict):
    """The approval rules' document. Of the rules that cover an action the first whose amount is passed decides."""

    rules: Annotated[tuple[ApprovalRule, ...], Field(max_length=MOST_RULES)] = ()


def read_steps(document: Any) -> Steps:
    return _read(Steps, document)


def read_approvals(document: Any) -> Approvals:
    return _read(Approvals, document)


def _read(shape: Any, document: Any) -> Any:
    """Invalid (422) with every problem by its path: `steps[0].when[1].value`."""
    try:
        return shape.model_validate(document)
    except ValidationError as error:
        raise Invalid([_problem(each) for each in error.errors()], status=422) from None


def _problem(each: Any) -> Problem:
    path = ""
    for part in each["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f"{'.' if path else ''}{part}"
    return Problem(path, str(each["type"]), str(each["msg"]).removeprefix("Value error, "))


@dataclass(frozen=True, slots=True)
class Judged:
    """One step of a playbook for one case: the action it runs, and why it is skipped where it is."""

    step: Step
    skipped: str = ""


def judge(steps: Steps, fields: Mapping[str, Any]) -> list[Judged]:
    """Each step in order; a skipped one names the first condition that doesn't hold."""
    found = []
    for step in steps.steps:
        missed = next((condition for condition in step.when if not condition.holds(fields)), None)
        found.append(Judged(step, f"Only when {missed.words[0].lower()}{missed.words[1:]}" if missed else ""))
    return found


def next_step(judged: Sequence[Judged], ran: Callable[[str], bool]) -> int | None:
    """Which step comes next: the first after the last one that ran that isn't skipped. None once all are done."""
    last = max((n for n, each in enumerate(judged) if ran(each.step.action)), default=-1)
    return next((n for n, each in enumerate(judged) if n > last and not each.skipped), None)


def rule_for(
    approvals: Approvals, *, reason: str, queue: str, action: str, amount: Decimal, currency: str
) -> ApprovalRule | None:
    """The rule that wants a second person for this amount. An amount at the limit needs none."""
    return next(
        (
            rule
            for rule in approvals.rules
            if rule.covers(reason=reason, queue=queue, action=action, currency=currency) and amount > rule.above
        ),
        None,
    )


def number(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found) < 10**15 else None


def _same(text: str, wanted: str) -> bool:
    left, right = number(text), number(wanted)
    return text == wanted or (left is not None and left == right)
