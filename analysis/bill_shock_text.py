"""Writes a bill shock down for a person: what, how much, since when, because of what, what next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np

from analysis.bill_shock_episodes import Episode, Toll
from analysis.bill_shock_parts import BEFORE_DAYS, MOST_DAYS, movers, movers_text
from analysis.bill_shock_parts import evidence as evidence_of
from analysis.bill_shock_replay import Alert, Replay
from analysis.bill_shock_rules import RULE_TEXTS, Rule
from analysis.causes import LEAST_SHARE, MOST_PARTS, Cause, causes, regions, services
from analysis.ledger import Ledger
from analysis.series import ALL, SeriesKey
from analysis.wording import day, exact, money, percent, short, text
from spendwatt.clock import midnight
from spendwatt.parts import PartDays, PartsAsked
from spendwatt.records import Finding, MoneyBasis, Severity

KIND = "bill_shock"
PLOT_DAYS = 42
CRITICAL_SHARE = 0.25
"""Of the account's month: what points to less than this is not critical,"""
CRITICAL_OF_ALL = 0.05
"""nor what points to less than this of the month of everything: a small account may double."""


@dataclass(frozen=True, slots=True)
class Shock:
    """An episode with everything that its text needs."""

    replay: Replay
    ledger: Ledger
    episode: Episode
    toll: Toll
    as_of: datetime
    names: Mapping[tuple[str, str], str]
    """(provider, account) -> what people call the account."""
    month_key: SeriesKey
    month_usual: float
    """Forecast end of the account's month had the shock not been."""
    month_stays: float
    """The same, the shock going on as it does."""
    month_total: float
    """Forecast end of the month of everything in the currency."""
    is_new: bool

    @property
    def key(self) -> SeriesKey:
        """The series."""
        return self.replay.keys[self.episode.row]

    @property
    def name(self) -> str:
        """The series as people call it."""
        return series_name(self.key, self.names)

    @property
    def shown(self) -> Alert:
        """The day to tell: the newest alerted one that is whole, else the newest."""
        whole = self.replay.first_day + int(self.replay.whole[self.episode.row])
        days = [alert for alert in self.episode.alerts if alert.day <= whole]
        return max(days or self.episode.alerts, key=lambda alert: alert.day)

    @property
    def is_whole(self) -> bool:
        """Tell whether the day to tell is known whole."""
        return self.shown.day - self.replay.first_day <= int(self.replay.whole[self.episode.row])

    @property
    def asked(self) -> PartsAsked | None:
        """Ask what the service's newest alerted days were made of; None for what is rolled up."""
        if self.key.level != "service":
            return None
        whole = self.replay.first_day + int(self.replay.whole[self.episode.row])
        days = sorted({alert.day for alert in self.episode.alerts})
        first = self.episode.first_day
        return PartsAsked(
            *self.key,
            days=tuple(day(one) for one in ([d for d in days if d <= whole] or days)[-MOST_DAYS:]),
            before=tuple(day(one) for one in range(first - BEFORE_DAYS, first)),
        )


def finding(shock: Shock, started: date, parts: Sequence[PartDays] = ()) -> Finding:
    """Write a shock as a finding; `started` names it, `parts` answer what it asked."""
    key, up = shock.key, shock.episode.direction > 0
    ranked = find_causes(shock)
    moved = movers(parts, shock.asked, shock.episode.direction) if shock.asked else []
    because = movers_text(moved, parts) or _shares_text(ranked)
    result = Finding(
        kind=KIND,
        labels=_labels(key, "up" if up else "down", started),
        severity=_severity(shock),
        title=_title(shock),
        detail="\n".join(_detail(shock, because)),
        next_step="",
        opened_at=midnight(day(shock.episode.first.alerted_on)),
        money_at_stake=exact(shock.toll.ahead) if up else None,
        money_basis=MoneyBasis.PROJECTED if up else None,
        currency=key.currency,
        evidence=_evidence(shock, evidence_of(moved) or _causes_evidence(ranked)),
    )
    return _with_next_step(result, shock, ranked)


def find_causes(shock: Shock) -> list[Cause]:
    """Rank what explains the shock: services of an account or total, regions of a service."""
    days = np.array(sorted({alert.day for alert in shock.episode.alerts}))
    if shock.key.level == "service":
        return causes(regions(shock.ledger, shock.key, days), shock.episode.direction)
    parts = services(shock.replay, shock.key, days - shock.replay.first_day)
    return causes(parts, shock.episode.direction)


def series_name(key: SeriesKey, names: Mapping[tuple[str, str], str]) -> str:
    """Name a series for people, its account by its name where that is known."""
    if key.level == "total":
        return f"All spend in {key.currency}"
    account = names.get((key.provider, key.account), key.account)
    return f"{key.provider} {account} {'(all services)' if key.service == ALL else key.service}"


def _labels(key: SeriesKey, direction: str, started: date) -> dict[str, str]:
    named = {"provider": key.provider, "account": key.account, "service": key.service}
    return {name: value for name, value in named.items() if value != ALL} | {
        "currency": key.currency,
        "direction": direction,
        "started_on": started.isoformat(),
    }


def _severity(shock: Shock) -> Severity:
    if shock.episode.direction < 0:
        return Severity.INFO
    critical = shock.toll.ahead >= max(
        CRITICAL_SHARE * abs(shock.month_usual), CRITICAL_OF_ALL * abs(shock.month_total)
    )
    return Severity.CRITICAL if critical and shock.toll.goes_on else Severity.WARNING


def _title(shock: Shock) -> str:
    last, coin = shock.shown, shock.key.currency
    name, when = shock.name, short(day(last.day))
    if shock.is_new:
        return f"New: {name}, {money(_cost_now(shock), coin)} on {when}, nothing before"
    low, high = f"{last.low:,.0f}", f"{last.high:,.0f}"
    return (
        f"{name}: {money(_cost_now(shock), coin)} on {when}, "
        f"expected {money(last.expected, coin)} ({low}-{high})"
    )


def _cost_now(shock: Shock) -> float:
    column = shock.shown.day - shock.replay.first_day
    return float(shock.replay.state.cost[shock.episode.row, column])


def _detail(shock: Shock, because: str) -> list[str]:
    coin, cost = shock.key.currency, shock.toll
    first, last = day(shock.episode.first_day), day(shock.shown.day)
    lines = [f"Since {short(first)}, {money(cost.so_far, coin, sign=True)} so far"]
    if cost.goes_on:
        lines[0] += f", about {money(cost.per_day, coin, sign=True)} a day."
    else:
        lines[0] += f"; {short(last)} was its last day, the days after were normal."
    if because:
        lines.append(f"Because of: {because}.")
    if cost.goes_on:
        account = series_name(shock.month_key, shock.names)
        # Part of a day tells the least that a day costs.
        stays = f"{'' if shock.is_whole else 'at least '}{money(shock.month_stays, coin)}"
        lines.append(
            f"If it stays: month of {account} {money(shock.month_usual, coin)} -> {stays}."
        )
    lines.append(
        f"{short(last)} is {'complete' if shock.is_whole else 'not complete yet and will rise'}. "
        f"Confidence {confidence(shock)}: {RULE_TEXTS[shock.episode.rule]}."
    )
    return lines


def confidence(shock: Shock) -> str:
    """Say how sure the judgement is: by days that agree, and by how far they exceed the limit."""
    last = shock.shown
    days = len({alert.day for alert in shock.episode.alerts})
    clear = last.direction < 0 or _cost_now(shock) > last.high + 0.5 * (last.high - last.expected)
    if days >= 3 or (clear and shock.is_whole):
        return "high"
    return "medium" if shock.is_whole or clear else "low"


def _shares_text(ranked: list[Cause]) -> str:
    told = [cause for cause in ranked if cause.share >= LEAST_SHARE][:MOST_PARTS]
    return ", ".join(
        f"{percent(cause.share)} {'new ' if cause.is_new else ''}{cause.part.dimension} "
        f"{cause.part.value or 'without a name'}"
        for cause in told
    )


def _with_next_step(made: Finding, shock: Shock, ranked: list[Cause]) -> Finding:
    from dataclasses import replace

    since = short(day(shock.episode.first_day))
    where = f" in {ranked[0].part.value}" if ranked and ranked[0].part.value else ""
    if shock.episode.direction < 0:
        look = (
            f"Check whether {shock.name} was meant to end{where}; if not, look for a stopped "
            f"job or a bill export that lost it since {since}."
        )
    else:
        look = f"Look at what was started or changed in {shock.name}{where} on {since}."
    planned = f"spendwatt silence 'id:\"{made.id}\"' --for 14d --reason planned"
    return replace(made, next_step=f"{look} Planned? `{planned}`")


def _causes_evidence(ranked: list[Cause]) -> list[dict[str, Any]]:
    return [
        {
            "dimension": cause.part.dimension,
            "value": cause.part.value,
            "share": round(cause.share, 3),
            "excess": text(cause.part.excess),
            "new": cause.is_new,
        }
        for cause in ranked[:MOST_PARTS]
    ]


def _evidence(shock: Shock, because: list[dict[str, Any]]) -> dict[str, Any]:
    last, replay = shock.shown, shock.replay
    return {
        "day": day(last.day).isoformat(),
        "billed_cost": text(_cost_now(shock)),
        "expected": text(last.expected),
        "expected_low": text(last.low),
        "expected_high": text(last.high),
        "excess_so_far": text(shock.toll.so_far),
        "excess_per_day": text(shock.toll.per_day),
        "goes_on": shock.toll.goes_on,
        "day_is_complete": shock.is_whole,
        "days_alerted": len({alert.day for alert in shock.episode.alerts}),
        "first_day": day(shock.episode.first_day).isoformat(),
        "account_name": shock.names.get((shock.key.provider, shock.key.account)),
        "rule": shock.episode.rule.name.lower(),
        "rule_text": RULE_TEXTS[Rule(shock.episode.rule)],
        "confidence": confidence(shock),
        "month_forecast": text(shock.month_stays),
        "month_forecast_without": text(shock.month_usual),
        "causes": because,
        "plot": _plot(replay, shock.episode),
    }


def _plot(replay: Replay, episode: Episode) -> list[dict[str, Any]]:
    """Give the last weeks of the series: cost as known now, and what was expected."""
    state, row = replay.state, episode.row
    end = episode.last.day - replay.first_day + 1
    points = []
    for column in range(max(end - PLOT_DAYS, 0), end):
        expected = state.expected[row, column]
        judged = bool(np.isfinite(expected))
        points.append(
            {
                "day": day(replay.first_day + column).isoformat(),
                "billed_cost": text(state.cost[row, column]),
                "expected": text(expected) if judged else None,
                "high": text(state.high[row, column])
                if np.isfinite(state.high[row, column])
                else None,
                "alerted": bool(state.alerted[row, column]),
            }
        )
    return points
