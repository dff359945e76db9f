"""The jobs: each one short function, each try a row in `run`; one that fails harms no other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from alerts import pipeline
from alerts.settings import Display
from analysis import LooksTwice
from service import failures, idle, inputs
from service.logs import without_secrets
from service.wiring import Wired
from spendwatt.errors import SpendwattError
from spendwatt.records import Finding
from storage import bills, findings, retention, runs, telemetry
from storage import roll_up as roll_ups

log = structlog.get_logger()

RUNS_KEPT = timedelta(days=14)
"""How long the tries of jobs are remembered; the newest of each job are kept for good."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How one try went. `retryable`: the same may work soon without anybody's help."""

    rows: int | None = None
    error: str | None = None
    retryable: bool = False

    @property
    def ok(self) -> bool:
        """Tell whether it worked."""
        return self.error is None


def attempt(wired: Wired, name: str, work: Callable[[], int | None]) -> Ended:
    """Run one try of a job and record it. Never raises; a database that is away is logged."""
    started = wired.clock()
    try:
        with wired.store.write() as connection:
            run_id = runs.start(connection, name, started)
    except SpendwattError as err:
        log.warning("job not started", job=name, error=str(err))
        return Ended(error=str(err), retryable=err.retryable)
    ended = _tried(name, work)
    now = wired.clock()
    try:
        with wired.store.write() as connection:
            runs.finish(connection, run_id, now, rows=ended.rows, error=ended.error)
    except SpendwattError as err:
        log.warning("run not recorded", job=name, error=str(err))
    if ended.ok:
        seconds = round((now - started).total_seconds(), 3)
        log.info("job done", job=name, rows=ended.rows, seconds=seconds)
    return ended


def _tried(name: str, work: Callable[[], int | None]) -> Ended:
    try:
        return Ended(rows=work())
    except SpendwattError as err:
        error = without_secrets(str(err))
        log.warning("job failed", job=name, error=error, retryable=err.retryable)
        return Ended(error=error, retryable=err.retryable)
    except (Exception, SystemExit) as err:
        # Somebody's collector, or a bug of ours: it must not end the daemon.
        log.exception("job broke", job=name)
        return Ended(error=without_secrets(f"{type(err).__name__}: {err}"))


def collect(wired: Wired, name: str) -> Ended:
    """Bring in what a source has that is new; keep the findings of failing sources up to date."""
    ended = attempt(wired, f"{failures.PREFIX}{name}", lambda: _collect(wired, name))
    _tried("judge sources", lambda: judge_sources(wired))
    return ended


def _collect(wired: Wired, name: str) -> int:
    collector = wired.sources[name].collector
    rows = 0
    if hasattr(collector, "deliveries"):
        for delivery in collector.deliveries(bills.known(wired.store, name)):
            for ingested in bills.ingest(wired.store, delivery, now=wired.clock()):
                rows += ingested.rows
    if hasattr(collector, "readings"):
        since = telemetry.newest(wired.store, name)
        report = telemetry.save(wired.store, name, collector.readings(since), now=wired.clock())
        rows += report.saved
    return rows


def judge_sources(wired: Wired) -> None:
    """Open a finding for each source that fails, and resolve those of sources that work again."""
    with wired.store.write() as connection:
        found = failures.failures(runs.last_runs(connection), wired.sources)
        findings.save(connection, (failures.KIND,), found, wired.clock())


@dataclass(frozen=True, slots=True)
class Judgement:
    """What all analyzers found, and which of them failed, why."""

    findings: list[Finding]
    broken: Mapping[str, str]


def analyze(wired: Wired) -> Ended:
    """Judge everything as of now and keep the findings."""
    return attempt(wired, "analyze", partial(_analyze, wired))


def _analyze(wired: Wired) -> int:
    judge_sources(wired)
    judgement = judge(wired, wired.clock())
    if judgement.broken:
        broken = judgement.broken.items()
        raise SpendwattError("; ".join(f"analyzer {name} failed: {why}" for name, why in broken))
    return len(judgement.findings)


def judge(wired: Wired, as_of: datetime, *, keep: bool = True) -> Judgement:
    """Let every analyzer judge what was known at `as_of`; one that fails stops no other.

    With `keep` the findings are saved. Raises StorageError.
    """
    idle.refresh(wired.store, wired.idle_rule)
    found: list[Finding] = []
    broken: dict[str, str] = {}
    known: dict[str, Any] = {}
    for name in wired.analyzers:
        mine: list[Finding] = []
        judging = partial(_judge, wired, name, as_of, known, mine, keep=keep)
        ended = _tried(f"analyze:{name}", judging)
        found += mine
        if ended.error is not None:
            broken[name] = ended.error
    return Judgement(found, broken)


def _judge(
    wired: Wired,
    name: str,
    as_of: datetime,
    known: dict[str, Any],
    into: list[Finding],
    *,
    keep: bool,
) -> int:
    analyzer = wired.analyzers[name]
    with wired.store.read() as connection:
        open_before = findings.open_findings(connection, analyzer.kinds)
    given = inputs.load(
        wired.store,
        wired.estate,
        analyzer.needs,
        as_of,
        open_before,
        sources=wired.sources,
        known=known,
    )
    if isinstance(analyzer, LooksTwice):
        look = analyzer.look(given)
        into += look.findings(inputs.load_parts(wired.store, look.asks))
    else:
        into += analyzer.analyze(given)
    if keep:
        with wired.store.write() as connection:
            findings.save(connection, analyzer.kinds, into, as_of)
    return len(into)


def notify(wired: Wired) -> Ended:
    """Tell what is to be told, and send again what did not arrive."""
    return attempt(wired, "notify", partial(_notify, wired))


def _notify(wired: Wired) -> int:
    settings = wired.settings
    report = pipeline.notify(
        wired.store,
        wired.channels,
        wired.routes,
        clock=wired.clock,
        settings=settings.alerts,
        display=Display(settings.display.timezone, settings.server.public_url),
    )
    return report.sent


def roll_up(wired: Wired) -> Ended:
    """Bring the sums by day up to date."""
    return attempt(wired, "roll_up", lambda: roll_ups.roll_up(wired.store, now=wired.clock()))


def retain(wired: Wired) -> Ended:
    """Drop what is older than its retention."""
    return attempt(wired, "retain", partial(_retain, wired))


def _retain(wired: Wired) -> int:
    now = wired.clock()
    dropped = retention.retain(wired.store, now=now, settings=wired.settings.storage)
    with wired.store.write() as connection:
        return dropped + runs.prune(connection, now - RUNS_KEPT)
