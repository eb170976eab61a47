"""Measuring what stands out: return rates against their own history, and habits a person should look at.

Each measure is a few statements over all keys at once; only what might be flagged comes into Python. Nothing here
refuses anybody anything: a signal is a row and a case, and a person decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from core import events, jobs
from core.actors import Actor
from core.models import Job
from core.models.jobs import JobStatus
from core.subjects import Subject
from exceptions.services import cases
from inventory.models import Item, Location
from orders.models import Channel
from returns import anomaly
from returns import events as facts
from returns.anomaly import Figures, Finding
from returns.models import Dimension, ReturnSignal, SignalKind

JOB = "returns.signals"
WINDOW, PAST, AGES = 28, 364, 90  # days
MOST = 2_000  # signals of one kind and dimension: more is no work for people
REASONS = {
    SignalKind.RATE: "returns.rate_anomaly",
    SignalKind.RETURNER: "returns.serial_returner",
    SignalKind.RECEIPT: "returns.receipt_abuse",
}
STEPS = (*Dimension.values, SignalKind.RETURNER.value, SignalKind.RECEIPT.value)

# Who a customer is: one spelling of the address, else the channel's own id of the person.
CUSTOMER = (
    "coalesce(nullif(lower({0}.buyer_email), ''), "
    "nullif({0}.channel_id || ':' || {0}.buyer_ref, {0}.channel_id || ':'))"
)
_KEYS = {
    Dimension.SKU: "line.item_id::text",
    Dimension.CHANNEL: "o.channel_id::text",
    # The place that sent it; where nobody here did, the one it was bought at or collected from.
    Dimension.STORE: """coalesce((
        SELECT sent.location_id FROM orders_fulfilmentline sent
        WHERE sent.order_line_id = line.id AND sent.shipped ORDER BY sent.quantity DESC, sent.id LIMIT 1
    ), o.pickup_location_id)::text""",
    Dimension.CUSTOMER: CUSTOMER.format("o"),
}


@dataclass(frozen=True, slots=True)
class Raised:
    """Something that stands out now, with its figures as they are shown."""

    key: str
    figures: dict[str, Any]
    chance: float


def start(*, actor: Actor) -> Job:
    """Ask for everything to be measured; the caller sends the task. One that is under way is returned instead."""
    going = Job.objects.filter(kind=JOB, status__in=(JobStatus.QUEUED, JobStatus.RUNNING)).order_by("pk").first()
    return going or jobs.start(JOB, actor, total=len(STEPS), title="Measuring returns")


def work_off(job_id: int, *, actor: Actor) -> None:
    """Every measure, one after the other. Safe to take up again and to stop."""
    jobs.run_over(job_id, STEPS, lambda step: measure(step, actor=actor), every=1)


def measure(step: str, *, actor: Actor, today: date | None = None) -> list[ReturnSignal]:
    """One measure of STEPS: what stands out is kept with its figures, what no longer does is ended."""
    day = today or timezone.localdate()
    if step in Dimension.values:
        return keep(SignalKind.RATE, step, rates(step, day), actor=actor)
    found = returners(day) if step == SignalKind.RETURNER else receipts(day)
    return keep(SignalKind(step), Dimension.CUSTOMER, found, actor=actor)


def rates(dimension: str, today: date) -> list[Raised]:
    """Keys of a dimension whose returns of the last four weeks can't be chance, most certain first."""
    curve = ageing(today)
    given = {"curve": curve, "today": today, "window": WINDOW, "past": PAST, "ages": AGES,
             "least_past": anomaly.LEAST_HISTORY, "least": anomaly.LEAST_RETURNS,
             "since": _since(today, WINDOW + PAST + AGES), "returned_since": _since(today, WINDOW + PAST),
             "before": _since(today, -1)}  # fmt: skip
    rows = _fetch(_RATES.replace("(key)", _KEYS[Dimension(dimension)]), given)
    compared = int(rows[0][5]) if rows else 0
    wanted = {key: Figures(int(r), float(e), int(pr), float(pe)) for key, r, e, pr, pe, _ in rows if key}
    suspects = [key for key, figures in wanted.items() if _suspect(figures)]
    weeks = _weeks(dimension, suspects, given) if suspects else {}
    findings: dict[str, Finding] = {}
    for key in suspects:
        figures = wanted[key]
        weekly = tuple(weeks.get(key, ()))
        found = anomaly.compare(Figures(figures.returned, figures.exposure, figures.past_returned,
                                        figures.past_exposure, weekly))  # fmt: skip
        if found is not None:
            findings[key] = found
    names = anomaly.flagged(findings, among=compared)[:MOST]
    return [Raised(key, _told(findings[key], wanted[key], today), findings[key].chance) for key in names]


def _suspect(figures: Figures) -> bool:
    found = anomaly.compare(figures)
    return found is not None and found.ratio >= anomaly.LEAST_RATIO and found.chance <= anomaly.FALSE_SHARE


def _told(found: Finding, figures: Figures, today: date) -> dict[str, Any]:
    return {
        **{name: round(value, 6) for name, value in asdict(found).items()}, "ratio": round(found.ratio, 3),
        "exposure": round(figures.exposure, 2), "past_returned": figures.past_returned,
        "past_exposure": round(figures.past_exposure, 2), "from": (today - timedelta(days=WINDOW - 1)).isoformat(),
        "until": today.isoformat(), "days": WINDOW, "past_days": PAST,
    }  # fmt: skip


def ageing(today: date) -> list[float]:
    """How returns came back by days after their sale, measured over a year of all of them."""
    rows = _fetch(_AGES, {"since": _since(today, PAST + WINDOW), "before": _since(today, -1), "ages": AGES})
    return anomaly.ageing({int(age): int(units) for age, units in rows}, AGES)


def _weeks(dimension: str, keys: list[str], given: Mapping[str, Any]) -> dict[str, list[tuple[int, float]]]:
    rows = _fetch(_WEEKS.replace("(key)", _KEYS[Dimension(dimension)]), {**given, "keys": keys})
    found: dict[str, list[tuple[int, float]]] = {}
    for key, _, returned, exposure in rows:
        found.setdefault(key, []).append((int(returned), float(exposure)))
    return found


# --- Habits

RETURNER_LEAST, RETURNER_REQUESTS, RETURNER_CHANCE, RETURNER_SHARE = 6, 3, 0.001, 0.4
BLIND_MOST, AGAIN_MOST, OTHER_MOST = 3, 2, 2  # within half a year


def returners(today: date) -> list[Raised]:
    """Customers who send back far more of what they buy than others do, over a year and several returns."""
    rows = _fetch(_RETURNERS, {"since": _since(today, 365), "before": _since(today, -1),
                               "least": RETURNER_LEAST, "requests": RETURNER_REQUESTS})  # fmt: skip
    found = []
    for key, bought, returned, requests, all_bought, all_returned in rows:
        usual = float(all_returned) / float(all_bought) if all_bought else 0.0
        chance = anomaly.above(min(int(returned), int(bought)), int(bought), max(RETURNER_SHARE, 2 * usual))
        if chance <= RETURNER_CHANCE:
            figures = {"bought": int(bought), "returned": int(returned), "requests": int(requests), "days": 365,
                       "rate": round(returned / bought, 4), "usual": round(usual, 4)}  # fmt: skip
            found.append(Raised(key, figures, chance))
    return sorted(found, key=lambda each: (each.chance, each.key))[:MOST]


def receipts(today: date) -> list[Raised]:
    """Customers whose returns keep not being what they say: without an order, of one sold before, of another unit."""
    rows = _fetch(_RECEIPTS, {"since": _since(today, 182), "before": _since(today, -1), "blind": BLIND_MOST,
                              "again": AGAIN_MOST, "other": OTHER_MOST, "most": MOST})  # fmt: skip
    return [
        Raised(key, {"blind": int(blind), "again": int(again), "other": int(other), "requests": int(requests),
                     "places": int(places), "days": 182}, 0.0)
        for key, blind, again, other, requests, places in rows
    ]  # fmt: skip


# --- Keeping


def keep(kind: str, dimension: str, raised: Iterable[Raised], *, actor: Actor) -> list[ReturnSignal]:
    """Keep what stands out as signals with their cases, and end those that no longer do. Safe to repeat."""
    wanted = {each.key: each for each in raised}
    labels = _labels(dimension, list(wanted))
    now = timezone.now()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"return_signal:{kind}:{dimension}"])
        rows = ReturnSignal.objects.standing().filter(kind=kind, dimension=dimension)
        standing = {row.key: row for row in rows}
        for key, row in standing.items():
            if key not in wanted:
                _end(row, now, actor)
        found = []
        for key, each in wanted.items():
            label, site_id, channel = labels.get(key, (key, None, ""))
            known = standing.get(key)
            signal = known or ReturnSignal(kind=kind, dimension=dimension, key=key, found_at=now)
            signal.label, signal.site_id, signal.channel = label[:255], site_id, channel
            signal.figures, signal.chance, signal.measured_at = each.figures, each.chance, now
            signal.save()
            if known is None:
                _tell(signal, actor)
            found.append(signal)
        return found


def _tell(signal: ReturnSignal, actor: Actor) -> None:
    subject = Subject("return_signal", str(signal.pk), signal.label)
    data = {"kind": signal.kind, "dimension": signal.dimension, "label": signal.label, "figures": signal.figures}
    events.record(facts.SIGNALLED, subject, actor=actor, data=data)
    cases.open_(REASONS[SignalKind(signal.kind)], subject, site_id=signal.site_id, actor=actor)


def _end(signal: ReturnSignal, now: datetime, actor: Actor) -> None:
    signal.ended_at = now
    signal.save(update_fields=["ended_at"])
    subject = Subject("return_signal", str(signal.pk), signal.label)
    data = {"kind": signal.kind, "dimension": signal.dimension, "label": signal.label}
    events.record(facts.SIGNAL_ENDED, subject, actor=actor, data=data)
    cases.recheck(subject, cause="It no longer stands out.", actor=actor)


def _labels(dimension: str, keys: list[str]) -> dict[str, tuple[str, int | None, str]]:
    """{key: (words, site, channel)}; one query."""
    if dimension == Dimension.CUSTOMER:
        return {key: (key, None, "") for key in keys}
    if dimension == Dimension.SKU:
        rows = Item.objects.filter(pk__in=keys).values_list("pk", "sku", "name")
        return {str(pk): (f"{sku} {name}", None, "") for pk, sku, name in rows}
    if dimension == Dimension.CHANNEL:
        return {str(pk): (name, None, code) for pk, name, code in
                Channel.objects.filter(pk__in=keys).values_list("pk", "name", "code")}  # fmt: skip
    places = Location.objects.filter(pk__in=keys).values_list("pk", "name", "site")
    return {str(pk): (name, site, "") for pk, name, site in places}


def _since(today: date, days: int) -> datetime:
    return timezone.make_aware(datetime.combine(today - timedelta(days=days), time.min))


def _fetch(sql: str, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, dict(given))
        return cursor.fetchall()


# What counts as come back: units somebody asked to return and nobody refused or called off, on the day they asked.
_RETURNED = """
    SELECT {columns}, sum(rl.quantity) AS units
    FROM returns_returnline rl
    JOIN returns_returnrequest r ON r.id = rl.request_id
    JOIN orders_orderline line ON line.id = rl.order_line_id
    JOIN orders_order o ON o.id = line.order_id
    WHERE r.created_at >= %(returned_since)s AND r.created_at < %(before)s AND NOT o.test
        AND r.status NOT IN ('DECLINED', 'CANCELLED')
    GROUP BY {groups}
"""

_AGES = """
SELECT least(greatest(r.created_at::date - o.placed_at::date, 0), %(ages)s), sum(rl.quantity)
FROM returns_returnline rl
JOIN returns_returnrequest r ON r.id = rl.request_id
JOIN orders_orderline line ON line.id = rl.order_line_id
JOIN orders_order o ON o.id = line.order_id
WHERE r.created_at >= %(since)s AND r.created_at < %(before)s AND r.status NOT IN ('DECLINED', 'CANCELLED')
GROUP BY 1
"""

_SOLD = """
    SELECT (key) AS key, %(today)s::date - o.placed_at::date AS ago, sum(line.fulfilled) AS units
    FROM orders_order o JOIN orders_orderline line ON line.order_id = o.id
    WHERE o.placed_at >= %(since)s AND o.placed_at < %(before)s AND line.fulfilled > 0 AND NOT o.test {more}
    GROUP BY 1, 2
"""


def _share(until: str, since: str) -> str:
    """The part of a day's returns that falls between two ages; the curve's first entry is age nought."""
    point = "coalesce((%(curve)s::float8[])[least({0}, %(ages)s)::int + 1], 0)"
    return f"({point.format(until)} - {point.format(since)})"


_RATES = f"""
WITH sold AS ({_SOLD.format(more="")}), exposed AS (
    SELECT key, sum(units * {_share("ago", "ago - %(window)s")}) AS exposure,
        sum(units * {_share("ago - %(window)s", "ago - %(window)s - %(past)s")}) AS past_exposure
    FROM sold WHERE key IS NOT NULL GROUP BY key
), came AS (
    SELECT key, sum(units) FILTER (WHERE ago < %(window)s) AS returned,
        sum(units) FILTER (WHERE ago >= %(window)s) AS past_returned
    FROM ({_RETURNED.format(columns="(key) AS key, %(today)s::date - r.created_at::date AS ago", groups="1, 2")}) days
    GROUP BY key
), compared AS (
    SELECT count(*) AS keys FROM exposed WHERE past_exposure >= %(least_past)s AND exposure > 0
)
SELECT exposed.key, came.returned, exposed.exposure, coalesce(came.past_returned, 0), exposed.past_exposure,
    compared.keys
FROM compared LEFT JOIN (
    exposed JOIN came ON came.key = exposed.key AND came.returned >= %(least)s
) ON exposed.past_exposure >= %(least_past)s AND exposed.exposure > 0
"""  # noqa: S608  (parts of our own)

_WEEKS = f"""
WITH sold AS ({_SOLD.format(more="AND (key) = ANY(%(keys)s)")}), weeks AS (
    SELECT generate_series(0, %(past)s / 7 - 1) AS week
), exposed AS (
    SELECT key, week,
        sum(units * {_share("ago - %(window)s - 7 * week", "ago - %(window)s - 7 * week - 7")}) AS exposure
    FROM sold CROSS JOIN weeks GROUP BY key, week
), came AS (
    SELECT key, (ago - %(window)s) / 7 AS week, sum(units) AS units
    FROM ({_RETURNED.format(columns="(key) AS key, %(today)s::date - r.created_at::date AS ago", groups="1, 2")}) days
    WHERE ago >= %(window)s AND key = ANY(%(keys)s) GROUP BY 1, 2
)
SELECT exposed.key, week, coalesce(came.units, 0), exposed.exposure
FROM exposed LEFT JOIN came USING (key, week) WHERE exposed.exposure > 0 ORDER BY 1, 2
"""  # noqa: S608  (parts of our own)

_RETURNERS = f"""
WITH bought AS (
    SELECT {CUSTOMER.format("o")} AS key, sum(line.fulfilled) AS units
    FROM orders_order o JOIN orders_orderline line ON line.order_id = o.id
    WHERE o.placed_at >= %(since)s AND o.placed_at < %(before)s AND line.fulfilled > 0 AND NOT o.test GROUP BY 1
), back AS (
    SELECT {CUSTOMER.format("o")} AS key, sum(rl.quantity) AS units, count(DISTINCT r.id) AS requests
    FROM returns_returnline rl
    JOIN returns_returnrequest r ON r.id = rl.request_id
    JOIN orders_orderline line ON line.id = rl.order_line_id
    JOIN orders_order o ON o.id = line.order_id
    WHERE o.placed_at >= %(since)s AND r.created_at < %(before)s AND NOT o.test
        AND r.status NOT IN ('DECLINED', 'CANCELLED')
    GROUP BY 1
), all_ AS (
    SELECT (SELECT sum(units) FROM bought) AS bought, coalesce((SELECT sum(units) FROM back), 0) AS returned
)
SELECT bought.key, bought.units, back.units, back.requests, all_.bought, all_.returned
FROM bought JOIN back USING (key) CROSS JOIN all_
WHERE bought.key IS NOT NULL AND back.units >= %(least)s AND back.requests >= %(requests)s
"""  # noqa: S608  (parts of our own)

_RECEIPTS = f"""
WITH asked AS (
    SELECT r.id, coalesce({CUSTOMER.format("r")}, {CUSTOMER.format("o")}) AS key, r.order_id, r.asked_at_id,
        EXISTS (SELECT FROM returns_returnline l WHERE l.request_id = r.id AND l.rule = 'already-returned') AS again,
        EXISTS (
            SELECT FROM returns_arrival a JOIN returns_returnline l ON l.id = a.line_id
            WHERE l.request_id = r.id AND (a.kind = 'WRONG_ITEM' OR a.serial_fits IS FALSE)
        ) OR EXISTS (SELECT FROM returns_returnline l WHERE l.request_id = r.id AND l.reception = 'SHORT') AS other
    FROM returns_returnrequest r LEFT JOIN orders_order o ON o.id = r.order_id
    WHERE r.created_at >= %(since)s AND r.created_at < %(before)s
)
SELECT key, count(*) FILTER (WHERE order_id IS NULL), count(*) FILTER (WHERE again), count(*) FILTER (WHERE other),
    count(*), count(DISTINCT asked_at_id)
FROM asked WHERE key IS NOT NULL GROUP BY key
HAVING count(*) FILTER (WHERE order_id IS NULL) >= %(blind)s OR count(*) FILTER (WHERE again) >= %(again)s
    OR count(*) FILTER (WHERE other) >= %(other)s
ORDER BY count(*) DESC, key LIMIT %(most)s
"""  # noqa: S608  (parts of our own)
