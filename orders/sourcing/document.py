"""A policy as it is stored and sent: JSON, every broken rule of it named by its path, and turned into a ladder."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError, model_validator

from core.api.reading import path
from core.errors import Invalid, Problem
from orders.sourcing.criteria import CRITERIA, Criterion
from orders.sourcing.rules import Ladder, Nodes, Orders, Rule, Then

MOST_RULES, MOST_CRITERIA, MOST_WORDS = 20, 13, 50
REGION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3}|:[A-Z0-9 ]{1,8})?")

_Word = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True, pattern=r"^[^\x00]*$")]
_Words = Annotated[list[_Word], Field(max_length=MOST_WORDS)]
_Region = Annotated[str, StringConstraints(pattern=rf"^{REGION.pattern}$")]
_Regions = Annotated[list[_Region], Field(max_length=MOST_WORDS)]
_Money = Annotated[float, Field(ge=0, lt=10**12, allow_inf_nan=False)]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class OrdersDocument(_Closed):
    channels: _Words = []
    methods: list[Literal["SHIP", "PICKUP"]] = []
    regions: _Regions = []
    tags: _Words = []
    attribute: tuple[_Word, _Word] | None = Field(default=None, strict=False)
    value_from: _Money | None = None
    value_below: _Money | None = None

    @model_validator(mode="after")
    def _some_value_fits(self) -> OrdersDocument:
        if self.value_from is not None and self.value_below is not None and self.value_from >= self.value_below:
            raise ValueError("no order is worth that much and less")
        return self


class NodesDocument(_Closed):
    kinds: list[Literal["STORE", "WAREHOUSE", "THIRD_PARTY", "SUPPLIER", "RETURNS_CENTRE"]] = []
    codes: _Words = []
    countries: Annotated[list[Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]], Field(max_length=50)] = []


class CriterionDocument(_Closed):
    name: str
    settings: dict[str, float] = {}
    step: Annotated[float, Field(gt=0, le=1)] = 0.01

    @model_validator(mode="after")
    def _is_known(self) -> CriterionDocument:
        kind = CRITERIA.get(self.name)
        if kind is None:
            raise ValueError(f"there is no criterion {self.name[:40]!r}")
        known = {setting.name: setting for setting in kind.settings}
        for name, value in self.settings.items():
            if name not in known:
                raise ValueError(f"{kind.title.lower()} has no setting {name[:40]!r}")
            if not known[name].least <= value <= known[name].most:
                raise ValueError(f"{name} is from {known[name].least:g} to {known[name].most:g}")
        return self


class RuleDocument(_Closed):
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]{0,39}$")]
    orders: OrdersDocument = OrdersDocument()
    nodes: NodesDocument = NodesDocument()
    split: bool = False
    max_nodes: Annotated[int, Field(ge=1, le=6)] | None = None
    criteria: Annotated[list[CriterionDocument], Field(min_length=1, max_length=MOST_CRITERIA)]
    then: Literal["NEXT", "BACKORDER", "HOLD", "CARE", "CANCEL"] = "NEXT"

    @model_validator(mode="after")
    def _each_once(self) -> RuleDocument:
        names = [criterion.name for criterion in self.criteria]
        if len(set(names)) != len(names):
            raise ValueError("each criterion counts once")
        return self

    def rule(self) -> Rule:
        given = self.orders
        return Rule(
            self.name,
            self.split,
            tuple(Criterion(c.name, tuple(sorted(c.settings.items())), c.step) for c in self.criteria),
            self.max_nodes,
            Orders(
                tuple(given.channels), tuple(given.methods), tuple(given.regions), tuple(given.tags), given.attribute,
                given.value_from, given.value_below,
            ),
            Nodes(tuple(self.nodes.kinds), tuple(self.nodes.codes), tuple(self.nodes.countries)),
            Then(self.then),
        )  # fmt: skip


_RULES: TypeAdapter[list[RuleDocument]] = TypeAdapter(
    Annotated[list[RuleDocument], Field(min_length=1, max_length=MOST_RULES)]
)


def read(rules: Any) -> list[RuleDocument]:
    """The rules of a policy. Invalid (422) names every broken one: `rules[1].criteria[0].settings: …`."""
    try:
        found = _RULES.validate_python(rules)
    except ValidationError as error:
        each = error.errors(include_url=False, include_context=False, include_input=False)
        raise Invalid(
            [Problem(path(("rules", *e["loc"])), e["type"], e["msg"].removeprefix("Value error, ")) for e in each[:50]],
            status=422,
        ) from None
    names = [rule.name for rule in found]
    if twice := [n for n, name in enumerate(names) if name in names[:n]]:
        raise Invalid([Problem(f"rules[{n}].name", "twice", "another rule has this name") for n in twice], status=422)
    return found


def write(rules: list[RuleDocument]) -> list[dict[str, Any]]:
    """What is stored: only what somebody said."""
    return [rule.model_dump(mode="json", exclude_defaults=True) for rule in rules]


def ladder(code: str, number: int, rules: Any, *, version_id: int | None = None) -> Ladder:
    return Ladder(code, number, tuple(each.rule() for each in read(rules)), version_id)
