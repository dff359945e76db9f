"""Watches that sources keep delivering: silence is a finding, not a fall in cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import Field

from analysis.inputs import Inputs
from analysis.source_state import SourceState
from spendwatt.clock import rfc3339
from spendwatt.records import Finding, Severity
from spendwatt.settings import SettingsModel
from spendwatt.texts import span_text

KIND = "stale_source"


class Settings(SettingsModel):
    """When a source counts as silent."""

    bills_hours: float = Field(default=48, gt=0)
    """Hours without news after which a source of bills is silent: providers refresh daily."""
    readings_minutes: float = Field(default=30, gt=0)
    """Minutes without news after which a source of readings is silent."""
    missed: float = Field(default=3, ge=1)
    """A source that is asked rarely may also miss this many of its turns."""


class FreshnessWatch:
    """Finds sources that have gone silent."""

    kinds = (KIND,)
    needs = ("sources",)

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()

    def analyze(self, inputs: Inputs) -> Sequence[Finding]:
        """Give a finding for each source that owes news at `inputs.as_of`."""
        return [
            self._finding(source, since, inputs.as_of)
            for source in inputs.sources
            if (since := source.last_delivery_at or source.configured_at) is not None
            and source.expected_every is not None
            and inputs.as_of - since > self.patience(source)
        ]

    def patience(self, source: SourceState) -> timedelta:
        """Give how long a source may be silent."""
        least = (
            timedelta(minutes=self.settings.readings_minutes)
            if source.content == "readings"
            else timedelta(hours=self.settings.bills_hours)
        )
        return max(least, self.settings.missed * (source.expected_every or timedelta()))

    def _finding(self, source: SourceState, since: datetime, now: datetime) -> Finding:
        never = source.last_delivery_at is None
        silent = span_text(now - since)
        state = "never delivered" if never else f"been silent for {silent}"
        twice = now - since > 2 * self.patience(source)
        return Finding(
            kind=KIND,
            labels={"source": source.name},
            severity=Severity.CRITICAL if twice and not never else Severity.WARNING,
            title=f"{source.name} has {state}",
            detail=(
                f"{'Asked since' if never else 'Last news'} {rfc3339(since)}; news was due within "
                f"{span_text(self.patience(source))}. While it is silent, nothing is concluded "
                f"from missing {source.content}: neither a fall in cost nor idleness."
            ),
            next_step=f"Run `spendwatt check` and `spendwatt collect {source.name}`; both say what "
            "the source answers.",
            opened_at=since + self.patience(source),
            evidence={
                "content": source.content,
                "last_delivery_at": None if never else rfc3339(since),
                "silent_hours": round((now - since) / timedelta(hours=1), 1),
                "allowed_hours": round(self.patience(source) / timedelta(hours=1), 1),
            },
        )
