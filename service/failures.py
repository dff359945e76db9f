"""Turns what runs of collectors say into findings: which source is failing, since when, why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from spendwatt.clock import rfc3339
from spendwatt.records import Finding, Severity
from storage.runs import LastRuns

KIND = "collector_failed"
PREFIX = "collect:"
_CRITICAL_AFTER = 3


def failures(runs: Mapping[str, LastRuns], sources: Iterable[str]) -> list[Finding]:
    """Give a finding for each configured source whose newest tries failed.

    `runs` maps a job's name to how it stands. A try that still lasts tells nothing yet, so the
    tries before it count.
    """
    found = ((name, runs.get(f"{PREFIX}{name}")) for name in sources)
    return [
        _finding(name, last, last.failing_since)
        for name, last in found
        if last is not None and last.failing_since is not None
    ]


def _finding(name: str, last: LastRuns, since: datetime) -> Finding:
    times = last.failures_in_a_row
    error = last.last_error or "its process ended"
    good = f"It last worked at {rfc3339(last.last_ok.started_at)}. " if last.last_ok else ""
    return Finding(
        kind=KIND,
        labels={"source": name},
        severity=Severity.CRITICAL if times >= _CRITICAL_AFTER else Severity.WARNING,
        title=f"Collecting {name} fails" + (f", {times} times in a row" if times > 1 else ""),
        detail=f"{good}{error}",
        next_step="Mend what the message names; `spendwatt check` tries it, and says what works.",
        opened_at=since,
        evidence={"failures_in_a_row": times, "error": error, "failing_since": rfc3339(since)},
    )
