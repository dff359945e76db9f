"""When each job runs: APScheduler's jobs, their first times, and a sooner try after a failure."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from service import jobs
from service.failures import PREFIX
from service.wiring import Source, Wired
from storage import runs

_WORKERS = 8
NOTIFY_EVERY = timedelta(minutes=1)
ROLL_UP_EVERY = timedelta(minutes=10)
RETAIN_EVERY = timedelta(days=1)
RETAIN_AFTER_START = timedelta(minutes=5)
_AFTER_COLLECTING = timedelta(seconds=10)
_FIRST_RETRY = timedelta(minutes=5)
_MOST_DOUBLINGS = 4


def when(
    source: Source, began: datetime | None, now: datetime, zone: ZoneInfo
) -> tuple[BaseTrigger, datetime | None]:
    """Give a source's trigger, and its first time where that differs from the trigger's.

    A source that was never asked (`began` is None) is asked at once. A restart asks none sooner
    than planned, since some cost money to ask.
    """
    if source.entry.schedule is not None:
        trigger = CronTrigger.from_crontab(source.entry.schedule, timezone=zone)
        return trigger, now if began is None else None
    first = now if began is None else max(now, began + source.every)
    return IntervalTrigger(seconds=source.every.total_seconds()), first


def retry_wait(tries: int, every: timedelta) -> timedelta:
    """Give the wait after the (`tries` + 1)th failure in a row; never longer than the plan's."""
    doubled: int = 2 ** min(tries, _MOST_DOUBLINGS)
    return min(_FIRST_RETRY * doubled, every)


class Schedule:
    """The jobs of one daemon."""

    def __init__(self, wired: Wired) -> None:
        self._wired = wired
        self._running: set[str] = set()
        self._retries: dict[str, int] = {}
        self._idle = threading.Condition()
        self._scheduler = BackgroundScheduler(
            timezone=wired.settings.display.timezone,
            executors={"default": ThreadPoolExecutor(_WORKERS)},
            # A job that was due several times while something was in its way runs once, however
            # late it is; and never twice at the same time.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def start(self) -> None:
        """Begin."""
        self._plan()
        self._scheduler.start()

    def stop(self) -> None:
        """Start no job any more."""
        self._scheduler.shutdown(wait=False)

    def wait(self, seconds: float) -> bool:
        """Wait until no job runs; False where some still do."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._running, timeout=seconds)

    def running(self) -> frozenset[str]:
        """Name the jobs that run now."""
        return frozenset(self._running)

    def _plan(self) -> None:
        wired, now = self._wired, self._wired.clock()
        zone = wired.settings.display.timezone
        with wired.store.read() as connection:
            last = runs.last_runs(connection)
        for source in wired.sources.values():
            if source.is_asked:
                name = f"{PREFIX}{source.name}"
                began = last[name].newest.started_at if name in last else None
                self._add(name, partial(self._collect, source), *when(source, began, now, zone))
        for name, work, every, first in (
            ("analyze", self._analyze, wired.settings.analysis.every, now + _AFTER_COLLECTING),
            ("notify", jobs.notify, NOTIFY_EVERY, now),
            ("roll_up", jobs.roll_up, ROLL_UP_EVERY, now + ROLL_UP_EVERY),
            ("retain", jobs.retain, RETAIN_EVERY, now + RETAIN_AFTER_START),
        ):
            trigger = IntervalTrigger(seconds=every.total_seconds())
            self._add(name, partial(work, wired), trigger, first)

    def _analyze(self, wired: Wired) -> None:
        jobs.analyze(wired)
        self._bring_forward("notify")

    def _add(
        self,
        name: str,
        work: Callable[[], object],
        trigger: BaseTrigger,
        first: datetime | None,
    ) -> None:
        when: dict[str, Any] = {} if first is None else {"next_run_time": first}
        self._scheduler.add_job(
            partial(self._counted, name, work), trigger, id=name, name=name, **when
        )

    def _counted(self, name: str, work: Callable[[], object]) -> None:
        with self._idle:
            self._running.add(name)
        try:
            work()
        finally:
            with self._idle:
                self._running.discard(name)
                self._idle.notify_all()

    def _collect(self, source: Source) -> None:
        ended = jobs.collect(self._wired, source.name)
        if ended.retryable:
            self._try_again(source)
            return
        self._retries.pop(source.name, None)
        if ended.rows:
            self._bring_forward("analyze")

    def _try_again(self, source: Source) -> None:
        """Ask once more before the next planned time, each time after twice the wait."""
        tries = self._retries.get(source.name, 0)
        self._retries[source.name] = tries + 1
        self._bring_forward(f"{PREFIX}{source.name}", retry_wait(tries, source.every))

    def _bring_forward(self, name: str, wait: timedelta = timedelta(0)) -> None:
        job = self._scheduler.get_job(name)
        when = self._wired.clock() + wait
        if job is not None and (job.next_run_time is None or job.next_run_time > when):
            job.modify(next_run_time=when)
