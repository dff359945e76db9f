"""What Prometheus may scrape: spend, idle GPUs, findings, and how the daemon's jobs stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection

from api.auth import requires
from api.context import Context, context_of
from api.describe import problems
from spendwatt import __version__
from spendwatt.query import Query
from spendwatt.window import Window, parse_window
from storage import findings, runs
from storage.queries import idle
from storage.queries.costs import costs
from storage.runs import LastRuns
from storage.tokens import Role

_LATELY = timedelta(hours=1)
_IDLE_LAG = timedelta(minutes=15)


def router() -> APIRouter:
    """Make the route."""
    routes = APIRouter(tags=["health"], dependencies=[Depends(requires(Role.VIEWER))])
    text = {"text/plain": {"schema": {"type": "string"}}}

    @routes.get(
        "/metrics",
        response_class=Response,
        operation_id="metrics",
        summary="How do spend, findings and jobs stand, in Prometheus's text format?",
        responses={200: {"description": "The metrics", "content": text}, **problems({})},
    )
    def metrics(request: Request) -> Response:
        registry = CollectorRegistry()
        registry.register(StoreMetrics(context_of(request)))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return routes


class StoreMetrics(Collector):
    """Reads every metric from one consistent view of the store, at each scrape."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def describe(self) -> list[Metric]:
        """Name nothing beforehand: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Give the metrics as they stand now."""
        yield _gauge("spendwatt_build_info", "What runs here.", ["version"], {(__version__,): 1})
        with self.context.store.read() as connection:
            yield _spend(connection, self.context.clock())
            yield from _gpus(connection, self.context.clock())
            yield from _findings(connection)
            yield from _runs(connection)


def _spend(connection: Connection, now: datetime) -> Metric:
    query = Query(parse_window("month", now), aggregate=("provider",))
    # A float is good enough for a graph; exact money is what the reports give.
    spend = {
        (row["provider"] or "", row["billing_currency"]): float(row["billed_cost"])
        for row in costs(connection, query, ()).rows
    }
    return _gauge(
        "spendwatt_month_to_date_billed_cost",
        "Billed cost of this UTC month so far.",
        ["provider", "currency"],
        spend,
    )


def _gpus(connection: Connection, now: datetime) -> Iterator[Metric]:
    lately = Window(now - _LATELY, now)
    seen = {u: at for u, at in idle.read_until(connection, now).items() if at >= lately.start}
    # Stretches are worked out every few minutes, and so end a little before the last reading.
    standing = [
        stretch
        for stretch in idle.stretches(connection, lately)
        if stretch.gpu_uuid in seen and seen[stretch.gpu_uuid] - stretch.ended_at <= _IDLE_LAG
    ]
    states = Counter((stretch.state.value,) for stretch in standing)
    yield _gauge("spendwatt_gpus_seen", "GPUs read in the last hour.", [], {(): len(seen)})
    yield _gauge("spendwatt_gpus_idle", "Of these, GPUs that stand idle.", ["state"], states)


def _findings(connection: Connection) -> Iterator[Metric]:
    count = Counter((f.kind, f.severity.value) for f in findings.open_findings(connection))
    yield _gauge("spendwatt_findings_open", "Open findings.", ["kind", "severity"], count)


def _runs(connection: Connection) -> Iterator[Metric]:
    last = runs.last_runs(connection)
    yield _gauge(
        "spendwatt_job_last_success_timestamp_seconds",
        "When a job last ended well, or a sampler last showed life.",
        ["job"],
        {(name,): at.timestamp() for name, job in last.items() if (at := _good_at(job))},
    )
    yield _gauge(
        "spendwatt_job_last_duration_seconds",
        "How long the newest ended run of a job took.",
        ["job"],
        {
            (name,): (job.newest.finished_at - job.newest.started_at).total_seconds()
            for name, job in last.items()
            if job.newest.finished_at
        },
    )
    yield _gauge(
        "spendwatt_job_failures_in_a_row",
        "Runs of a job that failed since its last success.",
        ["job"],
        {(name,): job.failures_in_a_row for name, job in last.items()},
    )


def _good_at(job: LastRuns) -> datetime | None:
    # A sampler's run stays open for as long as it lives; it is touched instead.
    if job.newest.outcome is None:
        return job.newest.touched_at
    return job.last_ok.finished_at if job.last_ok else None


def _gauge(
    name: str, help_text: str, labels: list[str], values: Mapping[Any, float]
) -> GaugeMetricFamily:
    """Make a metric; a key of `values` is the tuple of its labels' values."""
    family = GaugeMetricFamily(name, help_text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
