"""Words for customers: templates in a sandbox, the events they may be for, and what they may speak of. Pure.

A template sees plain values only (texts, numbers, lists of them), never a row; what it names that isn't there is a
mistake, not an empty place. It calls nothing but a few filters, can't loop over numbers, and its text is bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment, SecurityError

MAX_SOURCE, MAX_TEXT, MAX_SUBJECT = 20_000, 50_000, 200
LONGEST = 10_000  # of what a template may multiply


@dataclass(frozen=True, slots=True)
class Tellable:
    """An event customers may hear of. `always`: where nobody is told, the order says why not."""

    event: str
    title: str
    always: bool = False


TELLABLE = {
    told.event: told
    for told in (
        Tellable("order.cancelled", "Order cancelled"),
        Tellable("order.promise_changed", "Promise changed", always=True),
        Tellable("order.change_confirmed", "Order changed"),
        Tellable("order.refunded", "Refund"),
        Tellable("fulfilment.shipped", "Parcel sent or order handed over"),
        Tellable("fulfilment.ready", "Ready to collect"),
        Tellable("fulfilment.uncollected", "Not collected"),
        Tellable("fulfilment.delivered", "Delivered"),
        Tellable("parcel.tracked", "Parcel seen by the carrier"),
    )
}

# What a template may speak of, with values for its preview.
SAMPLE: dict[str, Any] = {
    "order": {"number": "SO-88402", "ref": "#1001", "placed": "20 November", "total": "84.00 GBP", "note": ""},
    "channel": "Web UK",
    "customer": {"name": "Nadia Osei"},
    "lines": [{"title": "Wool scarf, Rust", "sku": "SCF-RST-1", "quantity": 2}],
    "promise": {"before": "24 November", "after": "27 November", "why": "the delivery to us is late"},
    "parcels": [
        {"carrier": "Royal Mail", "tracking": "RM100000001GB", "link": "https://track.example/RM100000001GB",
         "state": "On its way"}
    ],
    "place": {"name": "Leeds Briggate", "address": "4 Park Row, LS1 5HD Leeds, GB"},
    "reason": "Out of stock",
    "amount": "12.50 GBP",
}  # fmt: skip


class BadTemplate(Exception):
    """The template can't be used; the message says where and why, for its author."""


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """No text or list by multiplication beyond reason, and no powers at all."""
        if operator == "**":
            raise SecurityError("powers are not allowed")
        if operator == "*":
            sizes = [len(v) if isinstance(v, str | list | tuple) else v for v in (left, right)]
            if all(isinstance(size, int) for size in sizes) and abs(sizes[0] * sizes[1]) > LONGEST:
                raise SecurityError("too long")
        if operator == "%" and isinstance(left, str):
            raise SecurityError("no formatting with %")
        return super().call_binop(context, operator, left, right)

    def is_safe_callable(self, obj: Any) -> bool:
        """Nothing is called: filters are enough."""
        return False


def _environment() -> _Sandbox:
    made = _Sandbox(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False)
    made.globals.clear()
    allowed = {"default", "first", "join", "last", "length", "list", "lower", "round", "title", "trim", "upper"}
    made.filters = {name: made.filters[name] for name in allowed}
    return made


_env = _environment()


def check(subject: str, body: str) -> dict[str, str]:
    """{field: what is wrong}; nothing where both render with the sample."""
    problems = {}
    for name, source, most in (("subject", subject, 1_000), ("body", body, MAX_SOURCE)):
        if len(source) > most:
            problems[name] = f"At most {most} characters."
            continue
        try:
            render(source, SAMPLE)
        except BadTemplate as bad:
            problems[name] = str(bad)
    if not body.strip():
        problems["body"] = "Write what the customer is told."
    return problems


def render(source: str, facts: Mapping[str, Any]) -> str:
    """The text. BadTemplate for what can't be read, names nothing there is, or grows beyond reason."""
    try:
        parts, size = [], 0
        for part in _env.from_string(source).generate(dict(facts)):
            size += len(part)
            if size > MAX_TEXT:
                raise BadTemplate(f"The text is longer than {MAX_TEXT} characters.")
            parts.append(part)
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        raise BadTemplate(f"{f'Line {line}: ' if line else ''}{error.message or error}") from None
    except (TypeError, ValueError, ArithmeticError, RecursionError, MemoryError) as error:
        raise BadTemplate(f"It can't be worked out: {error}") from None
    return "".join(parts).replace("\x00", "").strip()


def header(text: str) -> str:
    """A subject on one line: nothing a customer's name holds can begin another header."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:MAX_SUBJECT]
