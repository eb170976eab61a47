"""What may be changed on an order, as data: one frozen shape for screens, the API, stores and cases.

Lines are named by their `ref`. Quantities are what is wanted of a line all in all, units that have left included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from core.errors import Invalid, Problem
from core.formats import plural
from orders.canonical import (
    Address,
    Count,
    Key,
    Method,
    Money,
    OptionalKey,
    Quantity,
    Short,
    Sku,
    closed,
    problems_of,
)

MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeAddress:
    """Deliver somewhere else."""

    __pydantic_config__ = closed

    address: Address
    edit: Literal["address"] = "address"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeQuantity:
    """Want so many units of a line, more or fewer than now."""

    __pydantic_config__ = closed

    line: Key
    quantity: Count
    edit: Literal["quantity"] = "quantity"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveLine:
    __pydantic_config__ = closed

    line: Key
    edit: Literal["remove_line"] = "remove_line"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddLine:
    """Another article. Without a price it costs what the price list says."""

    __pydantic_config__ = closed

    sku: Sku
    quantity: Quantity
    unit_price: Money | None = None
    edit: Literal["add_line"] = "add_line"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMethod:
    """Send it instead, or have it collected there."""

    __pydantic_config__ = closed

    method: Method
    pickup_location_code: OptionalKey = ""
    edit: Literal["method"] = "method"


@dataclass(frozen=True, slots=True, kw_only=True)
class Substitute:
    """Another article in place of units of a line: all that haven't left, or so many. Without a price it costs the
    same."""

    __pydantic_config__ = closed

    line: Key
    sku: Sku
    quantity: Quantity | None = None
    unit_price: Money | None = None
    edit: Literal["substitute"] = "substitute"


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelPart:
    """So many units of a line fewer than now."""

    __pydantic_config__ = closed

    line: Key
    quantity: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Everything that hasn't left, or parts of it."""

    __pydantic_config__ = closed

    reason: Short = ""
    lines: Annotated[
        tuple[CancelPart, ...],
        Field(max_length=MOST),
        BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v),
    ] = ()
    edit: Literal["cancel"] = "cancel"


Edit = ChangeAddress | ChangeQuantity | RemoveLine | AddLine | ChangeMethod | Substitute | Cancel
Edits = Sequence[Edit]
_SHAPES: dict[str, type[Any]] = {
    "address": ChangeAddress,
    "quantity": ChangeQuantity,
    "remove_line": RemoveLine,
    "add_line": AddLine,
    "method": ChangeMethod,
    "substitute": Substitute,
    "cancel": Cancel,
}


def read(data: Any, *, at: str = "edits") -> tuple[Edit, ...]:
    """The edits of JSON; Invalid names each broken rule with its path (`edits[1].quantity`)."""
    if not isinstance(data, list) or not 1 <= len(data) <= MOST:
        raise Invalid([Problem(at, "range", f"must be a list of 1 to {MOST} edits")])
    made: list[Edit] = []
    problems: list[Problem] = []
    for n, each in enumerate(data):
        shape = (
            _SHAPES.get(each.get("edit", "")) if isinstance(each, dict) and isinstance(each.get("edit"), str) else None
        )
        if shape is None:
            problems.append(Problem(f"{at}[{n}].edit", "choice", f"must be one of {', '.join(_SHAPES)}"))
            continue
        try:
            made.append(TypeAdapter(shape).validate_python(each))
        except ValidationError as error:
            problems += [Problem(f"{at}[{n}].{p.path}", p.rule, p.message) for p in problems_of(error)]
    if problems:
        raise Invalid(problems)
    return tuple(made)


def write(edits: Edits) -> list[dict[str, Any]]:
    """The edits as JSON that `read` takes back."""
    return [_plain(each) for each in edits]


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(part) for f in fields(value) if (part := getattr(value, f.name)) is not None}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool) else str(value)


def fields_of(edits: Edits) -> frozenset[str]:
    """What they change, in the words of the rules about changes (orders.holding.Changed)."""
    words = {
        "address": {"address"}, "quantity": {"quantity"}, "remove_line": {"quantity", "lines"}, "add_line": {"lines"},
        "method": {"method"}, "substitute": {"lines"}, "cancel": {"quantity"},
    }  # fmt: skip
    return frozenset(word for each in edits for word in words[each.edit])


def summary(edits: Edits, names: Mapping[str, str] = MappingProxyType({})) -> str:
    """In one line, for lists and timelines. `names` says what people call a line, by its ref."""
    return "; ".join(_say(each, names) for each in edits)[:255]


def _say(edit: Edit, names: Mapping[str, str]) -> str:
    def line(ref: str) -> str:
        return names.get(ref) or f"line {ref}"

    match edit:
        case ChangeAddress():
            return f"Deliver to {', '.join(p for p in (edit.address.line1, edit.address.city) if p)}"
        case ChangeQuantity():
            return f"{plural(edit.quantity, 'unit')} of {line(edit.line)}"
        case RemoveLine():
            return f"Without {line(edit.line)}"
        case AddLine():
            return f"{edit.quantity} × {edit.sku} added"
        case ChangeMethod():
            return f"Collect at {edit.pickup_location_code}" if edit.method == "PICKUP" else "Send it instead"
        case Substitute():
            return f"{edit.sku} in place of {line(edit.line)}"
        case Cancel():
            return "Cancel parts" if edit.lines else "Cancel what has not left"
