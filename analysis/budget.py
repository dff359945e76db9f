"""Watches budgets: what is spent already, and what the month will end at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from analysis.bill_shock_replay import Replay
from analysis.budget_days import BudgetDays
from analysis.completeness import DEFAULT_HOLD_OFF, whole_days
from analysis.forecast import MonthEnd, month_end
from analysis.ledger import DAY_SECONDS, Ledger
from analysis.wording import day, exact, money, number, percent, short
from spendwatt.clock import month_start, next_month, utc_day
from spendwatt.estate import Budget
from spendwatt.records import Finding, MoneyBasis, Severity
from spendwatt.settings import SettingsModel

if TYPE_CHECKING:  # inputs imports other analyzers' modules for its fields
    from analysis.inputs import Inputs

KIND = "budget"
LATE_DAYS = 7
"""Days into a month in which the month before is still watched: its last days arrive late."""


class Settings(SettingsModel):
    """When a budget is worth a message."""

    forecast_from_day: int = Field(default=3, ge=1, le=28)
    """First day of the month on which a forecast alone may say that a budget will break."""
    warn_percent: float = Field(default=100.0, gt=0)
    """Share of a budget that the month's forecast must reach."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """One budget in one month."""

    budget: Budget
    month: date
    spent: Decimal
    """Billed this month so far: exact, as stored."""
    p10: Decimal
    p50: Decimal
    p90: Decimal
    """Where the month may end; never below what is spent."""
    breaks_on: date | None
    """The day on which the running total passes the budget, known or forecast."""
    whole_until: date
    """Last day that is known whole."""
    has_history: bool
    """Enough is known for a forecast."""
    other_currencies: tuple[str, ...] = ()
    has_ended: bool = False
    """It is the month before the present one."""

    @property
    def is_over(self) -> bool:
        """Tell whether more is spent already than the budget allows."""
        return self.spent > self.budget.monthly.amount


class BudgetWatch:
    """Finds budgets that are broken, or that the month's forecast breaks."""

    kinds = (KIND,)
    needs = ("ledger", "budget_days")

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()

    def analyze(self, inputs: Inputs) -> Sequence[Finding]:
        """Give a finding for each budget that is over, or will be, at `inputs.as_of`."""
        found = outlooks(inputs.estate.budgets, inputs.budget_days, inputs.ledger, inputs.as_of)
        return [self._finding(one, inputs.as_of) for one in found if self._tells(one, inputs)]

    def _tells(self, one: Outlook, inputs: Inputs) -> bool:
        if one.is_over:
            return True
        told = any(
            known.labels == _labels(one) for known in inputs.open_findings if known.kind == KIND
        )
        limit = one.budget.monthly.amount * Decimal(str(self.settings.warn_percent)) / 100
        # Once told, it is over only when the month may well end below the limit.
        likely = one.p90 if told else one.p50
        early = utc_day(inputs.as_of).day < self.settings.forecast_from_day
        return one.has_history and likely > limit and (told or not early)

    def _finding(self, one: Outlook, as_of: datetime) -> Finding:
        coin, limit = one.budget.monthly.currency, one.budget.monthly.amount
        over = max(one.p50, one.spent) - limit
        return Finding(
            kind=KIND,
            labels=_labels(one),
            severity=Severity.CRITICAL if one.is_over else Severity.WARNING,
            title=_title(one),
            detail=_detail(one),
            next_step=(
                f"See what spends it: `spendwatt report costs --window month --aggregate service"
                f"{_filter(one.budget)}`. Cut the largest, or raise [[budgets]] "
                f'"{one.budget.name}" above {money(exact(float(one.p90)), coin)}.'
            ),
            opened_at=as_of,
            money_at_stake=max(over, Decimal(0)).quantize(Decimal("0.01")),
            money_basis=MoneyBasis.PROJECTED,
            currency=coin,
            evidence=_evidence(one),
        )


def outlooks(
    budgets: Sequence[Budget], days: Mapping[str, BudgetDays], ledger: Ledger, as_of: datetime
) -> list[Outlook]:
    """Forecast the month of `as_of` for each budget whose days are given.

    `ledger` only tells how late each provider is.
    """
    given = [budget for budget in budgets if budget.name in days]
    if not given:
        return []
    today = utc_day(as_of)
    known = whole_days(ledger, today=number(today), until_seconds=int(as_of.timestamp()))
    slow = number(today) - DEFAULT_HOLD_OFF
    whole = {
        budget.name: day(
            min((known.get(name, slow) for name in days[budget.name].providers), default=slow)
        )
        for budget in given
    }
    replay = _played(given, days, whole, today)
    ends = month_end(replay, today)
    place = {key.service: row for row, key in enumerate(replay.keys)}
    found = []
    for budget in given:
        held, until = days[budget.name], whole[budget.name]
        if today.day <= LATE_DAYS:
            found.append(_last_month(budget, held, today, until))
        found.append(
            _outlook(budget, held, ends, row=place.get(budget.name), whole=until, today=today)
        )
    return found


def _last_month(budget: Budget, days: BudgetDays, today: date, whole: date) -> Outlook:
    """Look at the month that has just ended: its last days are still arriving."""
    end = month_start(today)
    start = month_start(end - timedelta(days=1))
    spent = days.between(start, end)
    return Outlook(
        budget=budget,
        month=start,
        spent=spent,
        p10=spent,
        p50=spent,
        p90=spent,
        breaks_on=None,
        whole_until=min(whole, end - timedelta(days=1)),
        has_history=False,
        has_ended=True,
        other_currencies=days.other_currencies,
    )


def _played(
    budgets: Sequence[Budget],
    days: Mapping[str, BudgetDays],
    whole: Mapping[str, date],
    today: date,
) -> Replay:
    """Judge the budgets' days as series of their own: level, weekday, fees, shocks and all."""
    rows = []
    for budget in budgets:
        held = days[budget.name]
        name = (budget.name, "budget", budget.name, "", budget.monthly.currency)
        for place, billed in enumerate(held.billed_cost):
            at, cost = number(held.first_day) + place, float(billed)
            if at <= number(whole[budget.name]):
                rows.append((name, at, at * DAY_SECONDS, True, cost, cost))
    replay = Replay(Ledger.of(rows), last_day=number(today), roll_up=False)
    replay.run()
    return replay


def _outlook(
    budget: Budget, days: BudgetDays, ends: MonthEnd, *, row: int | None, whole: date, today: date
) -> Outlook:
    start = month_start(today)
    spent = days.between(start, today + timedelta(days=1))
    known = row is not None and bool(np.any(ends.path[row] > 0))
    path = ends.path[row].copy() if row is not None else np.zeros(len(ends.days))
    for place, one in enumerate(ends.days):
        if whole < one <= today:
            told = float(days.between(one, one + timedelta(days=1)))
            path[place] = max(path[place], told)
    center = max(exact(float(path.sum())), spent)
    half = exact(1.2816 * float(ends.deviation[row])) if row is not None else Decimal(0)
    over = np.flatnonzero(np.cumsum(path) > float(budget.monthly.amount))
    return Outlook(
        budget=budget,
        month=start,
        spent=spent,
        p10=max(center - half, spent),
        p50=center,
        p90=center + half,
        breaks_on=ends.days[int(over[0])] if over.size else None,
        whole_until=whole,
        has_history=known and (start - days.first_day).days >= 28,
        other_currencies=days.other_currencies,
    )


def _labels(one: Outlook) -> dict[str, str]:
    return {"budget": one.budget.name, "month": f"{one.month:%Y-%m}"}


def _title(one: Outlook) -> str:
    coin, limit = one.budget.monthly.currency, one.budget.monthly.amount
    name, most = f"Budget {one.budget.name}", money(limit, coin)
    if one.is_over:
        return f"{name} is broken: {money(one.spent, coin)} of {most} spent in {one.month:%B}"
    if one.breaks_on is None:
        return f"{name} may break in {one.month:%B}: {money(one.p50, coin)} of {most} expected"
    return (
        f"{name} of {most} breaks on {short(one.breaks_on)}: {one.month:%B} ends at about "
        f"{money(one.p50, coin)}"
    )


def _detail(one: Outlook) -> str:
    coin, limit = one.budget.monthly.currency, one.budget.monthly.amount
    share = percent(float(one.spent / limit)) if limit else "all"
    until = f"days are known whole until {short(one.whole_until)}"
    lines = [f"Spent so far {money(one.spent, coin)} ({share}); {until}."]
    if one.has_ended:
        lines.append("The month has ended; its last days may still rise a little.")
    elif one.has_history:
        lines.append(
            f"Month end {money(one.p50, coin)} (p10-p90 {money(one.p10, coin)} - "
            f"{money(one.p90, coin)}), expected fees included."
        )
        left = (next_month(one.month) - max(one.month, one.whole_until)).days - 1
        if not one.is_over and left > 0:
            rest = money((limit - one.spent) / left, coin)
            lines.append(f"To stay inside, {rest} a day may still be spent.")
    else:
        lines.append("Too little history for a forecast.")
    if one.other_currencies:
        lines.append(f"Not counted: spend in {', '.join(one.other_currencies)}.")
    return "\n".join(lines)


def _filter(budget: Budget) -> str:
    if budget.filter is None:
        return ""
    from spendwatt.filter_grammar import filter_text

    return f" --filter '{filter_text(budget.filter)}'"


def _evidence(one: Outlook) -> dict[str, Any]:
    return {
        "month": f"{one.month:%Y-%m}",
        "budget": str(one.budget.monthly.amount),
        "spent": str(one.spent),
        "forecast_p10": str(one.p10),
        "forecast_p50": str(one.p50),
        "forecast_p90": str(one.p90),
        "breaks_on": one.breaks_on.isoformat() if one.breaks_on else None,
        "whole_until": one.whole_until.isoformat(),
        "is_over": one.is_over,
    }
