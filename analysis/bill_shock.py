"""Finds bill shocks: costs that jump, drift, appear or vanish against what a series lets expect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from analysis.bill_shock_episodes import QUIET_DAYS, Episode, Toll, episodes, is_open, toll
from analysis.bill_shock_replay import Replay
from analysis.bill_shock_rules import DEFAULT, Rule, Thresholds
from analysis.bill_shock_text import Shock, finding
from analysis.forecast import MonthEnd, month_end
from analysis.series import ALL, Ints, SeriesKey
from analysis.wording import day, number
from spendwatt.clock import month_start, utc_day
from spendwatt.parts import PartDays, PartsAsked
from spendwatt.records import Finding
from spendwatt.settings import SettingsModel

if TYPE_CHECKING:  # inputs imports other analyzers' modules for its fields
    from analysis.inputs import Inputs

KIND = "bill_shock"
HISTORY_DAYS = 210
TRAILING_DAYS = 30
_SENSITIVITY = {"low": 1.4, "normal": 1.0, "high": 0.75}


def first_needed(as_of: datetime) -> date:
    """Give the first usage day of the ledger that a judgement rests on: a month's start.

    A month's start, and not a fixed number of days, so that all days of a month see one past.
    """
    return month_start(utc_day(as_of) - timedelta(days=HISTORY_DAYS))


class Settings(SettingsModel):
    """How much a shock must be to be told."""

    sensitivity: Literal["low", "normal", "high"] = "normal"
    """How far a day must stand out of a series' own noise."""
    floor: Decimal = Field(default=Decimal(200), ge=0)
    """Least excess so far, with that of the next seven days, in the bill's currency."""
    floor_percent: float = Field(default=1.0, ge=0)
    """The same as a share of the last 30 days' spend in that currency; the greater counts."""
    drops: bool = True
    """Whether costs that vanish are told as well."""

    @property
    def thresholds(self) -> Thresholds:
        """Give the rules' limits at this sensitivity."""
        by = _SENSITIVITY[self.sensitivity]
        return DEFAULT if by == 1 else DEFAULT.scaled(by)


@dataclass(frozen=True, slots=True)
class ShockLook:
    """The shocks of one moment, each with the day that names it."""

    shocks: Sequence[tuple[Shock, date]]

    @property
    def asks(self) -> list[PartsAsked]:
        """Ask for the parts of each service that is told."""
        return [shock.asked for shock, _ in self.shocks if shock.asked is not None]

    def findings(self, parts: Mapping[PartsAsked, Sequence[PartDays]]) -> list[Finding]:
        """Write each shock down, explained by its parts where they are given."""
        return [
            finding(shock, started, parts.get(shock.asked, ()) if shock.asked else ())
            for shock, started in self.shocks
        ]


class BillShock:
    """Finds bill shocks in the ledger."""

    kinds = (KIND,)
    needs = ("ledger", "account_names")

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()

    def analyze(self, inputs: Inputs) -> Sequence[Finding]:
        """Give a finding for each shock that lasts at `inputs.as_of` and is worth its money."""
        return self.look(inputs).findings({})

    def look(self, inputs: Inputs) -> ShockLook:
        """Give those shocks with what their causes rest on."""
        if not len(inputs.ledger):
            return ShockLook(())
        today = number(utc_day(inputs.as_of))
        replay = Replay(inputs.ledger, last_day=today, thresholds=self.settings.thresholds)
        alerts = replay.run(until_seconds=int(inputs.as_of.timestamp()))
        told = self.worth_telling(
            [episode for episode in episodes(alerts) if is_open(episode, replay)], replay
        )
        ends = month_end(replay, utc_day(inputs.as_of))
        seen = _Seen(inputs, replay, ends)
        return ShockLook(
            tuple((seen.shock(episode, cost), seen.started(episode)) for episode, cost in told)
        )

    def worth_telling(self, found: Sequence[Episode], replay: Replay) -> list[tuple[Episode, Toll]]:
        """Keep episodes over the floor, and rolled-up ones only where no part of them is told."""
        floors = self.floors(replay)
        big = [
            (episode, cost)
            for episode in found
            if abs((cost := toll(episode, replay)).most)
            >= floors[replay.keys[episode.row].currency]
            and (episode.direction > 0 or self.settings.drops)
        ]
        levels = [replay.keys[episode.row].level for episode, _ in big]
        parts = [one for one, level in zip(big, levels, strict=True) if level == "service"]
        for level in ("account", "total"):
            wider = [one for one, other in zip(big, levels, strict=True) if other == level]
            parts += [one for one in wider if not _told_by(one[0], parts, replay)]
        return parts

    def floors(self, replay: Replay) -> dict[str, float]:
        """Give, per currency, the least money that is worth a word."""
        spend: dict[str, float] = {}
        for row, key in enumerate(replay.keys):
            if key.level == "total":
                end = int(replay.judged[row]) + 1
                recent = replay.state.cost[row, max(end - TRAILING_DAYS, 0) : end]
                spend[key.currency] = float(recent.sum())
        share = self.settings.floor_percent / 100
        return {coin: max(float(self.settings.floor), share * of) for coin, of in spend.items()}


def _told_by(episode: Episode, parts: Sequence[tuple[Episode, Toll]], replay: Replay) -> bool:
    """Tell whether some part of a rolled-up series is already told to move the same way."""
    key = replay.keys[episode.row]
    return any(
        part.direction == episode.direction
        and (other := replay.keys[part.row]).currency == key.currency
        and (key.level == "total" or other[:2] == key[:2])
        for part, _ in parts
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """Everything that a shock is told with."""

    inputs: Inputs
    replay: Replay
    ends: MonthEnd

    def started(self, episode: Episode) -> date:
        """Give the day that names the episode: the one it was told by before, where there is one.

        With each new month the replay starts a month later, which may move a start by a day.
        """
        key = self.replay.keys[episode.row]
        for known in self.inputs.open_findings:
            same = (
                known.labels.get("provider", "*") == key.provider
                and known.labels.get("account", "*") == key.account
                and known.labels.get("service", "*") == key.service
                and known.labels.get("currency") == key.currency
                and known.labels.get("direction") == ("up" if episode.direction > 0 else "down")
            )
            if same:
                before = date.fromisoformat(known.labels["started_on"])
                if abs(number(before) - episode.started_on) < QUIET_DAYS:
                    return before
        return day(episode.started_on)

    def shock(self, episode: Episode, cost: Toll) -> Shock:
        """Gather what the text needs."""
        replay, row = self.replay, episode.row
        usual = self._usual_month(episode)
        return Shock(
            replay=replay,
            ledger=self.inputs.ledger,
            episode=episode,
            toll=cost,
            as_of=self.inputs.as_of,
            names=self.inputs.account_names,
            month_key=replay.keys[self._account(row)],
            month_usual=usual,
            month_stays=usual + self._in_month(episode, cost),
            month_total=float(self.ends.p50[self._total(row)]),
            is_new=episode.rule == Rule.NEW,
        )

    def _usual_month(self, episode: Episode) -> float:
        """Give the end of the account's month had the shock not been.

        Only days that are whole count as they came; an unfinished one holds part of the shock.
        The account's other services end as they are forecast, other shocks of theirs included.
        """
        replay, row = self.replay, episode.row
        columns = self._columns()
        untouched = (columns <= replay.judged[row]) & ~np.isin(
            columns, _columns_of(episode, replay)
        )
        own = np.where(untouched, self.ends.path[row], self.ends.usual[row])
        return float(own.sum()) + float(self.ends.p50[self._beside(row)].sum())

    def _in_month(self, episode: Episode, cost: Toll) -> float:
        """Give what the shock adds to the month: known of whole days, and each other day's."""
        replay, row = self.replay, episode.row
        columns, judged = self._columns(), replay.judged[row]
        past = np.isin(columns, _columns_of(episode, replay)) & (columns <= judged)
        excess = self.ends.path[row] - self.ends.usual[row]
        ahead = int(np.sum(columns > judged)) if cost.goes_on else 0
        return float(excess[past].sum()) + ahead * cost.per_day

    def _columns(self) -> Ints:
        """Give the month's days as columns of the replay."""
        return np.array([number(one) for one in self.ends.days]) - self.replay.first_day

    def _beside(self, row: int) -> list[int]:
        """Give the other services of a service's account; none for what is rolled up."""
        keys, key = self.replay.keys, self.replay.keys[row]
        if key.level != "service":
            return []
        return [
            place
            for place, other in enumerate(keys)
            if place != row
            and other.level == "service"
            and other[:2] == key[:2]
            and other.currency == key.currency
        ]

    def _total(self, row: int) -> int:
        """Give the row of everything in a row's currency."""
        return self.replay.keys.index(SeriesKey(ALL, ALL, ALL, self.replay.keys[row].currency))

    def _account(self, row: int) -> int:
        """Give the row of the account that a row belongs to."""
        key = self.replay.keys[row]
        return next(
            (
                place
                for place, other in enumerate(self.replay.keys)
                if other.level == "account"
                and other[:2] == key[:2]
                and other.currency == key.currency
            ),
            row,
        )


def _columns_of(episode: Episode, replay: Replay) -> Ints:
    return np.array(sorted({alert.day for alert in episode.alerts})) - replay.first_day
