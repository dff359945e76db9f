"""Settings of telling: when an open finding speaks again, and how hard a channel is tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from spendwatt.errors import UsageError
from spendwatt.finding_filter import check_fields
from spendwatt.query import Filter
from spendwatt.records import Severity
from spendwatt.settings import Duration, FilterText, SettingsModel


class RouteSettings(SettingsModel):
    """Sends the findings that match a filter to a channel."""

    channel: str
    """Name of one of `[[alerts.channels]]`."""
    filter: FilterText | None = None
    """Over `kind`, `severity`, `currency`, `id` and `label[NAME]`; without one, everything."""

    @field_validator("filter")
    @classmethod
    def _asks_for_what_findings_have(cls, filter_: Filter | None) -> Filter | None:
        try:
            check_fields(filter_)
        except UsageError as err:
            raise ValueError(str(err)) from err
        return filter_


class AlertSettings(SettingsModel):
    """How findings are told."""

    repeat_critical_every: Duration | Literal["never"] = timedelta(days=7)
    """How often an open critical finding is told again though nothing changed."""
    repeat_warning_every: Duration | Literal["never"] = "never"
    """The same for warnings."""
    group_by: Mapping[str, tuple[str, ...]] = {}
    """Kind to labels: findings of the kind with equal labels share one message."""
    send_deadline: Duration = timedelta(seconds=10)
    """How long one attempt to send may take."""
    attempts: int = Field(default=3, ge=1, le=10)
    """Attempts in a row; then the channel rests."""
    first_wait: Duration = timedelta(seconds=1)
    """Pause after the first failed attempt; doubles each time."""
    longest_wait: Duration = timedelta(seconds=10)
    """Longest pause between attempts; a receiver that asks for more makes the channel rest."""
    rest: Duration = timedelta(minutes=1)
    """First rest of a channel that could not be reached; doubles up to `longest_rest`."""
    longest_rest: Duration = timedelta(minutes=15)
    """Longest rest of a channel that cannot be reached."""
    refused_rest: Duration = timedelta(days=1)
    """Rest of a channel that refuses for good; a restart tries it at once."""
    give_up_after: Duration = timedelta(days=7)
    """Age at which a message that never arrived is no news any more."""

    def repeat_every(self, severity: Severity) -> timedelta | None:
        """Give how often an unchanged finding is told again, None for never."""
        chosen: timedelta | Literal["never"] = "never"
        if severity is Severity.CRITICAL:
            chosen = self.repeat_critical_every
        elif severity is Severity.WARNING:
            chosen = self.repeat_warning_every
        return None if chosen == "never" else chosen

    @property
    def lease(self) -> timedelta:
        """Give how long one try of a notice can take at most, with some room."""
        return self.attempts * (self.send_deadline + self.longest_wait) + timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Display:
    """How texts show times, and where their links lead."""

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    public_url: str | None = None
