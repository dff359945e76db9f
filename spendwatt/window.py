"""Half-open spans of time, and the words by which users name them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from spendwatt.clock import midnight, month_start, next_month, parse_moment, rfc3339, utc_day
from spendwatt.errors import UsageError

ALLOWED = (
    "today, yesterday, week, lastweek, month, lastmonth, a span such as 7d or 24h, a span shifted "
    "back such as '7d offset 1d', or two RFC 3339 moments or dates separated by a comma"
)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_SPAN = re.compile(r"^([1-9][0-9]{0,4})(m|h|d|w)$")
_UNIT = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


@dataclass(frozen=True, slots=True)
class Window:
    """All moments t with start <= t < end; both aware UTC, start before end."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise UsageError(
                f"the window ends at {rfc3339(self.end)}, not after it starts "
                f"at {rfc3339(self.start)}",
                parameter="window",
            )

    @property
    def start_day(self) -> date:
        """First UTC day that the window touches."""
        return utc_day(self.start)

    @property
    def end_day(self) -> date:
        """First UTC day after the last one that the window touches."""
        day = utc_day(self.end)
        return day if self.end == midnight(day) else day + timedelta(days=1)

    def shifted(self, by: timedelta) -> Window:
        """Give the window moved by `by`."""
        return Window(self.start + by, self.end + by)

    def __str__(self) -> str:
        return f"{rfc3339(self.start)},{rfc3339(self.end)}"


def parse_window(text: str, now: datetime) -> Window:
    """Read a window as OpenCost's users write it.

    `7d` and `2w` are whole UTC days including today; `24h` and `90m` end at `now`, cut to the
    minute; `month` is the whole calendar month of `now`. Raises UsageError naming what is allowed.
    """
    word, has_offset, offset = text.strip().partition(" offset ")
    word, offset = word.strip(), offset.strip()
    try:
        window = _pair(word) if "," in word else _named(word, now)
        window = window.shifted(-_span(offset)) if has_offset else window
    except (ValueError, OverflowError) as err:
        raise UsageError(
            f'window "{_shown(text)}" is not understood',
            do=f"Allowed: {ALLOWED}",
            parameter="window",
        ) from err
    if window.start < EARLIEST or window.end > LATEST:
        raise UsageError(
            f'window "{_shown(text)}" reaches beyond what is known',
            do=f"Allowed: from {EARLIEST:%Y-%m-%d} to {LATEST:%Y-%m-%d}",
            parameter="window",
        )
    return window


def _shown(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text[:80])


def _pair(text: str) -> Window:
    start, end = text.split(",")
    return Window(parse_moment(start), parse_moment(end))


def _named(word: str, now: datetime) -> Window:
    today = utc_day(now)
    tomorrow = today + timedelta(days=1)
    monday = today - timedelta(days=today.weekday())
    last_month = month_start(month_start(today) - timedelta(days=1))
    named: dict[str, tuple[date, date]] = {
        "today": (today, tomorrow),
        "yesterday": (today - timedelta(days=1), today),
        "week": (monday, monday + timedelta(days=7)),
        "lastweek": (monday - timedelta(days=7), monday),
        "month": (month_start(today), next_month(today)),
        "lastmonth": (last_month, month_start(today)),
    }
    if word in named:
        first, end = named[word]
        return Window(midnight(first), midnight(end))
    span = _span(word)
    if word[-1] in "dw":
        return Window(midnight(tomorrow) - span, midnight(tomorrow))
    end_at = now.astimezone(UTC).replace(second=0, microsecond=0)
    return Window(end_at - span, end_at)


def _span(word: str) -> timedelta:
    match = _SPAN.match(word)
    if match is None:
        raise ValueError(word)
    return int(match[1]) * _UNIT[match[2]]
