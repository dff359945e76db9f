"""The forms of an answer: never, already, a date, or unknown and what it lacks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from analysis.economics.breakeven import Payback
from analysis.economics.demand import DAYS_PER_MONTH


class AnswerKind(StrEnum):
    """What can be said of a break-even."""

    DATE = "date"
    NEVER = "never"
    ALREADY = "already"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """When a move has earned its cost. Only a date has `months` above 0."""

    kind: AnswerKind
    why: str
    """One sentence."""
    months: Decimal | None = None
    """From the first day on which the work runs at its new place."""
    needs: tuple[str, ...] = ()
    """For unknown: the settings to make, or the measurement to wait for."""
    waits: bool = False
    """Unknown only until more is measured: nothing is left to set."""
    worth_on: date | None = None
    """First day on which a month there costs less than a month here, capital included."""
    live_on: date | None = None
    """Ordered today: the first day of work at the new place."""
    paid_back_on: date | None = None

    def __str__(self) -> str:
        if self.kind is AnswerKind.UNKNOWN:
            return f"unknown: {self.why}"
        return self.kind if self.paid_back_on is None else self.paid_back_on.isoformat()


class Origin(StrEnum):
    """Where a figure comes from, the hardest evidence first."""

    MEASURED = "measured"
    BILLED = "billed"
    QUOTED = "quoted"
    CONFIGURED = "configured"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Assumption:
    """One figure that an answer rests on."""

    key: str
    value: str
    """With its unit."""
    origin: Origin
    since: date | None = None
    """The day that it is true of, where known."""

    def age_days(self, on: date) -> int | None:
        """Give its age; None where its day is not known."""
        return None if self.since is None else (on - self.since).days

    def line(self, on: date) -> str:
        """Write it as one line: `assets.a.pue = 1.3 (configured, 12 days old)`."""
        age = self.age_days(on)
        old = "" if age is None else f", {age} day{'' if age == 1 else 's'} old"
        return f"{self.key} = {self.value} ({self.origin}{old})"


def unknown(needs: tuple[str, ...], *, waits: bool = False) -> Answer:
    """Say that nothing can be said, and what is lacking."""
    verb = "waiting for" if waits else "set"
    return Answer(AnswerKind.UNKNOWN, f"{verb} {', '.join(needs)}", needs=needs, waits=waits)


def answer_of(
    payback: Payback, *, on: date, horizon: str, lead_days: int = 0, worth_on: date | None = None
) -> Answer:
    """Put the outcome of a plan that starts today into words and dates.

    `horizon` names the span that was looked at, such as "its useful life of 48 months".
    """
    live_on = on + timedelta(days=lead_days)
    if payback.months is None:
        why = f"within {horizon} the savings never earn back what moving costs"
        if all(month.go >= month.stay for month in payback.curve[1:]):
            why = f"in no month within {horizon} does moving save anything"
        return Answer(AnswerKind.NEVER, why, worth_on=worth_on, live_on=live_on)
    again = payback.reverses_month
    turns = "" if again is None else f"; from month {again} on it loses again"
    if payback.months == 0:
        why = f"nothing has to be earned back, and every month saves from the first on{turns}"
        return Answer(AnswerKind.ALREADY, why, Decimal(0), worth_on=worth_on, live_on=live_on)
    return Answer(
        kind=AnswerKind.DATE,
        why=f"paid back after {payback.months:.1f} months{turns}",
        months=payback.months,
        worth_on=worth_on,
        live_on=live_on,
        paid_back_on=after_months(live_on, payback.months),
    )


def after_months(day: date, months: Decimal) -> date:
    """Give the day so many months (of 365/12 days) later, cut to the calendar's end."""
    days = round(months * DAYS_PER_MONTH)
    return date.max if days > (date.max - day).days else day + timedelta(days=days)
