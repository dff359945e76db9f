"""Replays a past day by day: what would have been said, and when, with the present settings."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeVar

import numpy as np

from analysis.backtest_score import Label, Told
from analysis.bill_shock import HISTORY_DAYS, Settings
from analysis.bill_shock_episodes import NEXT_DAYS, QUIET_DAYS
from analysis.bill_shock_replay import Alert, Replay
from analysis.bill_shock_rules import Rule
from analysis.causes import MOST_PARTS, causes, services
from analysis.ledger import DAY_SECONDS, Change, Ledger
from analysis.series import ALL, SeriesKey
from analysis.wording import day as day_of
from analysis.wording import number
from spendwatt.errors import InputError

Value = TypeVar("Value")

LEDGER_COLUMNS = ("usage_date", "account", "provider", "service", "region", "cost", "ingested_at")
OUTPUT_COLUMNS = (
    "account",
    "service",
    "usage_date",
    "alerted_at",
    "direction",
    "excess",
    "causes",
)
LABEL_COLUMNS = (
    "account",
    "service",
    "kind",
    "direction",
    "start",
    "end",
    "detect_by",
    "ignore_until",
)


@dataclass(frozen=True, slots=True)
class Said:
    """One day of one series that was called a shock, as it stood when it was said."""

    key: SeriesKey
    usage_date: date
    alerted_at: date
    direction: str
    rule: Rule
    cost: float
    expected: float
    causes: tuple[str, ...]
    """Services of the account that explain the day, the one that explains most first."""
    is_notice: bool
    """The first day on which its episode was worth its money: here a message goes out."""

    @property
    def excess(self) -> float:
        """Cost over the expectation; negative for a drop."""
        return self.cost - self.expected


def replay(
    ledger: Ledger,
    first: date,
    last: date,
    settings: Settings | None = None,
    *,
    progress: Callable[[date], None] | None = None,
) -> list[Said]:
    """Say what would have been said on each day first <= day <= last, in that order.

    Days before `first` are replayed as well, to learn from, but what they said is left out.
    Rolled-up series are judged for the notices' floor alone. `progress` is told each day done.
    """
    settings = settings or Settings()
    start = number(first) - HISTORY_DAYS
    ledger = ledger.where((ledger.day >= start) & (ledger.day <= number(last)))
    if not len(ledger):
        return []
    played = Replay(ledger, last_day=number(last), thresholds=settings.thresholds)
    floors = _Floors(played, settings)
    said: list[Said] = []
    for day in range(played.first_day, number(last) + 1):
        alerts = played.step(day)
        new = [_said(alert, played, floors.passed(alert)) for alert in alerts]
        said += [
            one
            for one in new
            if one.key.level == "service" and one.alerted_at >= first and _wanted(one, settings)
        ]
        if progress is not None:
            progress(day_of(day))
    return said


def _wanted(one: Said, settings: Settings) -> bool:
    return settings.drops or one.direction == "up"


def _said(alert: Alert, played: Replay, is_notice: bool) -> Said:
    key = played.keys[alert.row]
    account = SeriesKey(key.provider, key.account, ALL, key.currency)
    column = np.array([alert.day - played.first_day])
    parts = services(played, account, column) if key.level == "service" else []
    ranked = causes(parts, alert.direction)
    return Said(
        key=key,
        usage_date=day_of(alert.day),
        alerted_at=day_of(alert.alerted_on),
        direction="up" if alert.direction > 0 else "down",
        rule=alert.rule,
        cost=alert.known,
        expected=alert.expected,
        causes=tuple(cause.part.value for cause in ranked[:MOST_PARTS]),
        is_notice=is_notice,
    )


class _Floors:
    """Keeps, for each running episode, what it has cost and whether it was told."""

    def __init__(self, played: Replay, settings: Settings) -> None:
        from analysis.bill_shock import BillShock

        self._played = played
        self._floors = BillShock(settings).floors
        self._running: dict[tuple[int, int], tuple[int, float, bool]] = {}

    def passed(self, alert: Alert) -> bool:
        """Tell whether with this day the episode is for the first time worth a message."""
        key = (alert.row, alert.direction)
        last, cost, told = self._running.get(key, (-QUIET_DAYS, 0.0, False))
        if alert.day - last >= QUIET_DAYS:
            cost, told = 0.0, False
        excess = alert.known - alert.expected
        cost += excess
        floor = self._floors(self._played)[self._played.keys[alert.row].currency]
        now = not told and abs(cost + NEXT_DAYS * excess) >= floor
        self._running[key] = (max(last, alert.day), cost, told or now)
        return now


def beginnings(said: Iterable[Said]) -> list[tuple[Said, bool]]:
    """Join days less than four apart to shocks: the first day of each, and whether it was told."""
    found: list[tuple[Said, bool]] = []
    running: dict[tuple[SeriesKey, str], tuple[int, date]] = {}
    for one in said:
        key = (one.key, one.direction)
        place, last = running.get(key, (-1, date.min))
        if place < 0 or (one.usage_date - last).days >= QUIET_DAYS:
            place, last = len(found), one.usage_date
            found.append((one, False))
        found[place] = (found[place][0], found[place][1] or one.is_notice)
        running[key] = (place, max(last, one.usage_date))
    return found


def told(said: Iterable[Said]) -> list[Told]:
    """Give what was said as the scorer takes it."""
    return [
        Told(one.key.account, one.key.service, one.usage_date, one.alerted_at, one.direction)
        for one in said
    ]


def output_rows(said: Iterable[Said]) -> Iterator[dict[str, str]]:
    """Give what was said as rows of `OUTPUT_COLUMNS`; causes are separated by semicolons."""
    for one in said:
        yield {
            "account": one.key.account,
            "service": one.key.service,
            "usage_date": one.usage_date.isoformat(),
            "alerted_at": one.alerted_at.isoformat(),
            "direction": one.direction,
            "excess": f"{one.excess:.2f}",
            "causes": ";".join(one.causes),
        }


def read_ledger(lines: Iterable[str], *, file: str) -> Ledger:
    """Read a ledger in CSV with `LEDGER_COLUMNS`, optionally `currency` (else USD).

    Each row is a change of a day's cost, known on the day `ingested_at`, or from that
    moment on where it is one. Raises InputError naming line and column.
    """
    return Ledger.of(_changes(_rows(lines, LEDGER_COLUMNS, file), file))


def _changes(rows: Iterable[tuple[int, Mapping[str, str]]], file: str) -> Iterator[Change]:
    for line, row in rows:
        name = (
            row["provider"],
            row["account"],
            row["service"],
            row["region"],
            row.get("currency") or "USD",
        )
        usage = number(_read(_day, row, "usage_date", file, line))
        received = _read(_moment, row, "ingested_at", file, line)
        cost = _read(_amount, row, "cost", file, line)
        yield name, usage, received, False, cost, cost


def read_labels(lines: Iterable[str], *, file: str) -> list[Label]:
    """Read the true shocks of a ledger, with `LABEL_COLUMNS`. Raises InputError."""
    return [
        Label(
            account=row["account"],
            service=row["service"],
            kind=row["kind"],
            direction=row["direction"],
            start=_read(_day, row, "start", file, line),
            end=_read(_day, row, "end", file, line),
            detect_by=_read(_day, row, "detect_by", file, line),
            ignore_until=_read(_day, row, "ignore_until", file, line),
            material=(row.get("material") or "true").lower() == "true",
        )
        for line, row in _rows(lines, LABEL_COLUMNS, file)
    ]


def _rows(
    lines: Iterable[str], needed: Sequence[str], file: str
) -> Iterator[tuple[int, Mapping[str, str]]]:
    reader = csv.DictReader(lines)
    try:
        missing = sorted({*needed} - {*(reader.fieldnames or ())})
        if missing:
            raise InputError(
                f"the first line lacks {', '.join(missing)}",
                file=file,
                line=1,
                do=f"Give a CSV file with the columns {','.join(needed)}",
            )
        for row in reader:
            if any(row[name] is None for name in needed):
                raise InputError("the row is too short", file=file, line=reader.line_num)
            yield reader.line_num, row
    except (csv.Error, UnicodeDecodeError) as err:
        raise InputError(
            f"this is not CSV: {err}", file=file, line=reader.line_num or None
        ) from err


def _read(
    read: Callable[[str], Value], row: Mapping[str, str], column: str, file: str, line: int
) -> Value:
    try:
        return read(row[column].strip())
    except (ValueError, OverflowError) as err:
        raise InputError(
            f'"{row[column][:40]}" is not understood', file=file, line=line, column=column
        ) from err


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _moment(text: str) -> int:
    if len(text) == len("2025-01-01"):
        return number(date.fromisoformat(text)) * DAY_SECONDS
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _amount(text: str) -> float:
    amount = float(text)
    if not np.isfinite(amount):
        raise ValueError(text)
    return amount
