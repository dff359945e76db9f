"""Samples GPUs in a thread of its own, and saves each minute when it is complete."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from collectors import SamplingCollector
from service.failures import PREFIX
from service.logs import without_secrets
from service.wiring import Wired
from spendwatt.clock import Clock
from spendwatt.errors import CollectError, SpendwattError
from spendwatt.records import MinuteReading
from storage import runs, telemetry
from storage.engine import Store
from storage.retention import DEFAULT, Keeps

log = structlog.get_logger()

TOUCH_EVERY = timedelta(hours=1)
_KEPT_MINUTES = 200_000
"""How much is held while the database is away: a day of 138 GPUs. Then the oldest is let go of."""


class Sampler:
    """One collector's thread. Whatever fails in it is logged and recorded, and harms no other."""

    def __init__(
        self,
        name: str,
        collector: SamplingCollector,
        store: Store,
        clock: Clock,
        *,
        retention: Keeps = DEFAULT,
    ) -> None:
        self.name = name
        self._collector = collector
        self._store = store
        self._clock = clock
        self._retention = retention
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=f"sampler:{name}", daemon=True)
        self._waiting: deque[MinuteReading] = deque(maxlen=_KEPT_MINUTES)
        self._has_resumed = False
        self._journal = _Journal(f"{PREFIX}{name}", store)

    def start(self) -> None:
        """Begin to sample."""
        self._thread.start()

    def stop(self) -> None:
        """Sample no more; a minute that is not complete is left to the next run's counter."""
        self._stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait for the thread's end; False where it has not come."""
        if self._thread.is_alive():
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _loop(self) -> None:
        every = self._collector.sample_every.total_seconds()
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            self.step()
            # Whole steps, so that a slow pass moves no later one.
            due += every * (1 + max(0, int((time.monotonic() - due) / every)))
        self._collector.close()
        self._journal.end(self._clock())

    def step(self) -> None:
        """Sample once, save what is complete, and record how it stands. Never raises."""
        error = self._tried(self._sample)
        saved = 0
        if self._waiting:
            away = self._tried(self._save)
            saved = 0 if away else len(self._waiting)
            error = error or away
            if not away:
                self._waiting.clear()
        self._journal.note(error, saved, self._clock())

    def _tried(self, work: Callable[[], None]) -> str | None:
        try:
            work()
        except SpendwattError as err:
            return without_secrets(str(err))
        except Exception as err:
            # A bug of ours must end neither the daemon nor the sampling of the next step.
            log.exception("sampler broke", collector=self.name)
            return without_secrets(f"{type(err).__name__}: {err}")
        return None

    def _sample(self) -> None:
        if not self._has_resumed:
            self._collector.resume(telemetry.marks(self._store, self.name))
            self._has_resumed = True
        self._waiting += self._collector.sample()
        errors = self._collector.errors
        if errors:
            raise CollectError("; ".join(str(error) for error in errors))

    def _save(self) -> None:
        report = telemetry.save(
            self._store,
            self.name,
            list(self._waiting),
            now=self._clock(),
            retention=self._retention,
        )
        for reason, minutes in report.refused.items():
            log.warning("minutes refused", collector=self.name, reason=reason, minutes=minutes)


def samplers(wired: Wired) -> list[Sampler]:
    """Give a sampler for each configured collector that is asked every few seconds."""
    return [
        Sampler(
            source.name,
            source.collector,
            wired.store,
            wired.clock,
            retention=wired.settings.storage,
        )
        for source in wired.sources.values()
        if hasattr(source.collector, "sample")
    ]


class _Journal:
    """The sampler's rows in `run`: one stays open while all is well, and is touched hourly."""

    def __init__(self, name: str, store: Store) -> None:
        self._name = name
        self._store = store
        self._run: int | None = None
        self._error: str | None = None
        self._rows = 0
        self._told_at: datetime | None = None

    def note(self, error: str | None, rows: int, now: datetime) -> None:
        """Record a change at once, and that nothing changed once an hour."""
        self._rows += rows
        is_news = error != self._error or self._told_at is None
        if is_news and error is not None:
            log.warning("sampling failed", job=self._name, error=error)
        elif is_news:
            log.info("sampling", job=self._name)
        if not is_news and self._told_at is not None and now < self._told_at + TOUCH_EVERY:
            return
        try:
            self._record(error, now, is_news=is_news)
        except SpendwattError as err:
            log.warning("run not recorded", job=self._name, error=str(err))
        else:
            self._error, self._told_at = error, now

    def end(self, now: datetime) -> None:
        """Record that sampling was ended on purpose."""
        if self._run is None:
            return
        try:
            with self._store.write() as connection:
                runs.finish(connection, self._run, now, rows=self._rows)
        except SpendwattError as err:
            log.warning("run not recorded", job=self._name, error=str(err))

    def _record(self, error: str | None, now: datetime, *, is_news: bool) -> None:
        with self._store.write() as connection:
            if error is not None:
                run = self._run or runs.start(connection, self._name, now)
                runs.finish(connection, run, now, rows=self._rows, error=error)
                self._run, self._rows = None, 0
            elif is_news or self._run is None:
                # A run that still lasts tells nothing yet: this short one says that it works.
                works = runs.start(connection, self._name, now)
                runs.finish(connection, works, now)
                self._run = runs.start(connection, self._name, now)
            else:
                runs.touch(connection, self._run, now, rows=self._rows)
