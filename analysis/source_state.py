"""What is known of a source: when it last brought something, and how often it should."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class SourceState:
    """A source of bills or readings as known at a moment."""

    name: str
    content: str
    """`bills` or `readings`."""
    last_delivery_at: datetime | None
    """When it last brought something new; None where it never did."""
    expected_every: timedelta | None
    """How often a configured collector asks; None for files brought by hand, which owe nothing."""
    configured_at: datetime | None = None
    """Since when it is asked; a source that never delivered is late counted from here."""
