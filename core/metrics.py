"""What /metrics tells: counts each process keeps itself, and figures asked of the database when somebody looks.

An app's metrics.py registers figures with `register`; being queries they are right whichever process answers. The
processes' own counts are merged through PROMETHEUS_MULTIPROC_DIR where that names an empty folder all of them share.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.db import Error, connection
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

log = logging.getLogger(__name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Reading = tuple[Mapping[str, str], float]

REQUESTS = Histogram(
    "backroom_request_seconds",
    "Time to answer a request",
    ("method", "route", "status"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
DELIVERED = Counter("backroom_deliveries_total", "Attempts to hand a fact to its handler", ("outcome",))


@dataclass(frozen=True, slots=True)
class _Figure:
    name: str
    description: str
    labels: tuple[str, ...]
    read: Callable[[], Iterable[Reading]]


_figures: dict[str, _Figure] = {}


def register(name: str, description: str, read: Callable[[], Iterable[Reading]], labels: tuple[str, ...] = ()) -> None:
    """State a figure (`backroom_cases_open`). `read` yields (labels, value); called from AppConfig.ready()."""
    _figures[name] = _Figure(name, description, labels, read)


def by_sql(sql: str, labels: tuple[str, ...] = ()) -> Callable[[], Iterable[Reading]]:
    """A figure as a query whose first columns are the labels and whose last is the value."""

    def read() -> Iterable[Reading]:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            for row in cursor.fetchall():
                yield dict(zip(labels, map(str, row[:-1]), strict=True)), float(row[-1] or 0)

    return read


def page() -> bytes:
    """Everything there is to tell, in Prometheus' own form."""
    return _own_counts() + generate_latest(_asked())


def _own_counts() -> bytes:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    merged = CollectorRegistry()
    multiprocess.MultiProcessCollector(merged)
    return generate_latest(merged)


class _Asked:
    def collect(self) -> Iterable[Metric]:
        for figure in _figures.values():
            family = GaugeMetricFamily(figure.name, figure.description, labels=figure.labels)
            try:
                for labels, value in figure.read():
                    family.add_metric([labels[name] for name in figure.labels], value)
            except Error as error:
                log.warning("metric.unreadable", extra={"metric": figure.name, "error": type(error).__name__})
                continue
            yield family


def _asked() -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_Asked())
    return registry


def register_core() -> None:
    """Core's own figures. The counts are capped: past a hundred thousand it doesn't matter how many."""
    register(
        "backroom_deliveries_pending",
        "Deliveries waiting or in hand, counted to 100 000 per queue",
        by_sql(
            "SELECT queue, count(*) FROM (SELECT queue FROM core_delivery WHERE status = 'PENDING' LIMIT 100000) w"
            " GROUP BY queue",
            ("queue",),
        ),
        ("queue",),
    )
    register(
        "backroom_deliveries_oldest_seconds",
        "How long the longest due delivery has been due",
        by_sql("SELECT extract(epoch FROM now() - min(next_at)) FROM core_delivery WHERE status = 'PENDING'"),
    )
    register(
        "backroom_deliveries_dead",
        "Deliveries that wait for a person",
        by_sql("SELECT count(*) FROM core_delivery WHERE status = 'DEAD'"),
    )
    register(
        "backroom_heartbeat_age_seconds",
        "Seconds since a background process was last known to work",
        by_sql("SELECT name, extract(epoch FROM now() - beat_at) FROM core_heartbeat", ("name",)),
        ("name",),
    )
    register(
        "backroom_jobs_running",
        "Jobs under way",
        by_sql("SELECT count(*) FROM core_job WHERE status IN ('QUEUED', 'RUNNING', 'STOPPING')"),
    )
