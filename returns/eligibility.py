"""May this come back? Pure: a policy and what is known go in, an answer with the rule that decided comes out.

Four things are asked of each line, and the strictest answer decides; among equals the first named here. What always
holds: nothing comes back that never left, nor twice. Refusals: final sale, condition, serial number and what else the
policy names. The window: the first that fits, lengthened by what extends it and by what the channel promised. A return
the channel agreed to with its buyer is agreed, whatever the policy says; only what always holds stands above that,
and goods that we don't know to have left yet are waited for then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from returns import rules
from returns.rules import Policy, Promise, When, Window

ELIGIBLE, REVIEW, DENIED = "ELIGIBLE", "REVIEW", "DENIED"
NOT_SENT = "not-sent-yet"
_STRICTNESS = (DENIED, REVIEW, ELIGIBLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """One line somebody wants to bring back. `left` are units that left and `back` those of them that are back or on
    their way back; None where nothing shows an order. `sent_serials` are empty where none were noted."""

    quantity: int
    sku: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    left: int | None = None
    back: int = 0
    unit_value: Decimal = Decimal(0)
    discount_percent: Decimal = Decimal(0)
    gift_card: bool = False
    reason: str = "UNKNOWN"
    condition: str = ""
    serial_tracked: bool = False
    serials: tuple[str, ...] = ()
    sent_serials: frozenset[str] = frozenset()
    back_serials: frozenset[str] = frozenset()
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None

    @property
    def value(self) -> Decimal:
        return self.unit_value * self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What is the same for every line. `agreed_by_channel`: its buyer was told yes there already; `promised_until`:
    the day the channel itself named."""

    now: datetime
    kind: str = "SERVICE"
    proof: str = "ORDER"
    channel: str = ""
    country: str = ""
    standing: str = "NEW"
    placed_at: datetime | None = None
    zone: tzinfo = UTC
    agreed_by_channel: bool = False
    promised_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Weighed:
    """One rule that was asked: what it says of the line, and in words."""

    code: str
    name: str
    verdict: str
    why: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict, the rule that decided it, and everything that was weighed."""

    verdict: str
    rule: str
    name: str
    why: str
    return_by: datetime | None = None
    weighed: tuple[Weighed, ...] = ()


def judge(policy: Policy, goods: Goods, around: Around) -> Answer:
    """What the policy says of one line."""
    laws = _laws(goods, agreed=around.agreed_by_channel)
    if any(each.verdict == DENIED for each in laws):
        return _answer(laws, None)
    if around.agreed_by_channel:
        agreed = Weighed("channel-agreed", "The channel's own promise", ELIGIBLE, "The channel agreed to it.")
        return _answer([agreed, *laws], around.promised_until)
    window, until = _window(policy, goods, around)
    weighed = [*laws, *_refusals(policy, goods, around), *([window] if window else [])]
    return _answer(weighed, until)


def strictest(answers: Sequence[Answer]) -> Answer:
    """What stands for all lines together: the first of the strictest."""
    return min(answers, key=lambda answer: _STRICTNESS.index(answer.verdict))


def fits(when: When, goods: Goods, around: Around) -> bool:
    """Is the rule about this line?"""
    value = goods.value
    return (
        (not when.categories or _text(goods.attributes.get("category")) in map(_text, when.categories))
        and all(_has(goods.attributes, name, wanted) for name, wanted in when.attributes)
        and (not when.skus or goods.sku in when.skus)
        and (not when.channels or around.channel in when.channels)
        and (not when.countries or around.country in when.countries)
        and (not when.kinds or around.kind in when.kinds)
        and (not when.proofs or around.proof in when.proofs)
        and (not when.reasons or goods.reason in when.reasons)
        and goods.reason not in when.not_reasons
        and (not when.conditions or goods.condition in when.conditions)
        and (not when.standings or around.standing in when.standings)
        and (when.value_from is None or value >= when.value_from)
        and (when.value_below is None or value < when.value_below)
        and _in_season(when, around)
    )


def _answer(weighed: Sequence[Weighed], until: datetime | None) -> Answer:
    """The strictest decides. Where nothing speaks against it, what was said last does: the window, or the channel."""
    against = min(weighed, key=lambda each: _STRICTNESS.index(each.verdict))
    decided = against if against.verdict != ELIGIBLE else next(
        (each for each in weighed if each.code == "channel-agreed"), weighed[-1]
    )  # fmt: skip
    return Answer(decided.verdict, decided.code, decided.name, decided.why, until, tuple(weighed))


# --- What always holds


def _laws(goods: Goods, *, agreed: bool) -> list[Weighed]:
    if goods.left is None:
        return []
    name = "Already returned"
    if not goods.left and agreed:
        why = "The channel agreed to it, and nothing of it is known to have left us: it waits until it has."
        return [Weighed(NOT_SENT, "Not sent yet", REVIEW, why)]
    if not goods.left:
        return [Weighed(NOT_SENT, "Not sent yet", DENIED, "Nothing of it has left us yet: cancel it instead.")]
    free = max(goods.left - goods.back, 0)
    if goods.quantity > free:
        why = f"{goods.back} of {goods.left} are back or on their way back already, so {free} can still come back."
        return [Weighed("already-returned", name, DENIED, why)]
    twice = sorted(set(goods.serials) & goods.back_serials)
    if twice:
        return [Weighed("already-returned", name, DENIED, f"{', '.join(twice[:3])} came back already.")]
    return [Weighed("already-returned", name, ELIGIBLE, f"{free} of {goods.left} can still come back.")]


# --- Refusals


def _refusals(policy: Policy, goods: Goods, around: Around) -> list[Weighed]:
    found = []
    for rule in policy.refusals:
        if not fits(rule.when, goods, around):
            continue
        why, speaks = _TESTS[rule.test](rule, goods, around)
        if why:
            found.append(Weighed(rule.code, rule.name, rule.verdict if speaks else ELIGIBLE, why))
    return found


def _final_sale(rule: rules.Refusal, goods: Goods, around: Around) -> tuple[str, bool]:
    if goods.gift_card:
        return "Gift cards are sold for good.", True
    if any(_has(goods.attributes, name, "true") for name in ("final_sale", "final-sale")):
        return "It was sold as a final sale.", True
    if rule.discount_from is not None and goods.discount_percent >= rule.discount_from:
        return (
            f"It was sold {goods.discount_percent.normalize():f} % off; from {rule.discount_from} % on is final.",
            True,
        )
    # A rule that names the goods itself needs no mark on them.
    names_them = rule.when.categories or rule.when.attributes or rule.when.skus
    if names_them and rule.discount_from is None:
        return "Goods of this kind are sold for good.", True
    return "It was no final sale.", False


def _condition(rule: rules.Refusal, goods: Goods, around: Around) -> tuple[str, bool]:
    if not goods.condition:
        return "", False
    said = goods.condition.lower()
    if goods.condition in rule.accepts:
        return f"Said to be {said}, which is accepted.", False
    return f"Said to be {said}; accepted is {', '.join(each.lower() for each in rule.accepts)}.", True


def _serial(rule: rules.Refusal, goods: Goods, around: Around) -> tuple[str, bool]:
    if not goods.serial_tracked:
        return "", False
    if around.kind in {"COUNTER", "SERVICE", "API"} and len(set(goods.serials)) < goods.quantity:
        return f"{goods.quantity} units, and {len(set(goods.serials))} serial numbers were said.", True
    if not goods.sent_serials:
        return "No serial numbers were noted when it left, so none can be compared.", False
    foreign = sorted(set(goods.serials) - goods.sent_serials)
    if foreign:
        return f"{', '.join(foreign[:3])} is not a unit we sent with this order.", True
    return "The serial numbers are those we sent.", False


def _always(rule: rules.Refusal, goods: Goods, around: Around) -> tuple[str, bool]:
    return f"{rule.name}.", True


_TESTS = {"FINAL_SALE": _final_sale, "CONDITION": _condition, "SERIAL": _serial, "ALWAYS": _always}


# --- Windows


def _window(policy: Policy, goods: Goods, around: Around) -> tuple[Weighed | None, datetime | None]:
    """The window that counts, and when it ends. None where nothing says when it was bought."""
    if around.placed_at is None:
        return None, None
    base = next((w for w in policy.windows if not w.extends and fits(w.when, goods, around)), None)
    if base is None:
        return Weighed("no-window", "No window", REVIEW, "No window of the policy covers it."), None
    rule: Window | Promise = base
    until = _end(base, goods, around)
    more: list[Window | Promise] = [w for w in policy.windows if w.extends and fits(w.when, goods, around)]
    more += [promise for promise in policy.promises if fits(promise.when, goods, around)]
    for each in more:
        if (end := _end(each, goods, around)) > until:
            rule, until = each, end
    code, name = rule.code, rule.name
    if around.promised_until is not None and around.promised_until > until:
        code, name, until = "channel-agreed", "The channel's own promise", around.promised_until
    day = f"{until.astimezone(around.zone) - timedelta(seconds=1):%-d %B %Y}"
    if around.now < until:
        return Weighed(code, name, ELIGIBLE, f"May come back until {day}."), until
    return Weighed(code, name, base.over, f"Could come back until {day}."), until


def _end(rule: Window | Promise, goods: Goods, around: Around) -> datetime:
    """The first moment after its last day, in the zone of the sale."""
    start = _counted_from(rule.counts_from, goods, around).astimezone(around.zone).date()
    if isinstance(rule, Window) and rule.until is not None:
        assert around.placed_at is not None  # noqa: S101  (asked by _window)
        last = _next(rule.until, around.placed_at.astimezone(around.zone).date())
    else:
        last = start + timedelta(days=rule.days or 0)
    return datetime.combine(last + timedelta(days=1), time(), around.zone)


def _counted_from(what: str, goods: Goods, around: Around) -> datetime:
    """Where the moment isn't known, the latest known before it counts: what arrived later is never counted earlier."""
    moments = {"DELIVERED": goods.delivered_at, "SHIPPED": goods.shipped_at, "PLACED": around.placed_at}
    if what == "DELIVERED" and moments["DELIVERED"] is None:
        # Sent, and not said to have arrived: the window has hardly begun.
        moments["DELIVERED"] = goods.shipped_at
    found = moments[what] or around.placed_at
    assert found is not None  # noqa: S101  (asked by _window)
    return found


def _next(day_of_year: str, after: date) -> date:
    month, day = map(int, day_of_year.split("-"))
    for year in (after.year, after.year + 1):
        found = _day(year, month, day)
        if found >= after:
            return found
    raise AssertionError("a year has every day")


def _day(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:  # 29 February in a short year
        return date(year, month, 28)


def _in_season(when: When, around: Around) -> bool:
    if when.sold_from is None or when.sold_to is None:
        return True
    if around.placed_at is None:
        return False
    sold = f"{around.placed_at.astimezone(around.zone):%m-%d}"
    if when.sold_from <= when.sold_to:
        return when.sold_from <= sold <= when.sold_to
    return sold >= when.sold_from or sold <= when.sold_to


def _has(attributes: Mapping[str, Any], name: str, wanted: str) -> bool:
    value = attributes.get(name)
    if isinstance(value, list):
        return _text(wanted) in map(_text, value)
    return value is not None and _text(value) == _text(wanted)


def _text(value: Any) -> str:
    return str(value).strip().casefold() if value is not None else ""
