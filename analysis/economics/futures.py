"""Says how sure a comparison is, in sentences, rows and dates."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from analysis.economics.answers import after_months
from analysis.economics.comparison import Comparison
from analysis.economics.uncertainty import DRAWS, Outcome, Swing, simulate, tornado


def futures(one: Comparison) -> Outcome | None:
    """Draw futures of a comparison; None where its answer is unknown."""
    return None if one.plan is None else simulate(one.plan, days=one.days)


def swings(one: Comparison) -> list[Swing]:
    """Tell which inputs move a comparison, the most telling first; none where it is unknown."""
    return [] if one.plan is None else tornado(one.plan, days=one.days)


def sure_text(one: Comparison, outcome: Outcome) -> str:
    """Write the range and the chance of never, in one sentence."""
    early, middle, late = (
        _month(_day(one, months))
        for months in (outcome.p10_months, outcome.p50_months, outcome.p90_months)
    )
    return (
        f"In {DRAWS:,} drawn futures it is paid back in {middle} (p10-p90: {early} - {late}); "
        f"in {outcome.never:.0%} never, and {outcome.gains:.0%} gain over the whole span"
    )


def _month(day: date | None) -> str:
    return "no month of the horizon" if day is None else f"{day:%b %Y}"


def drawn_row(one: Comparison, outcome: Outcome | None) -> dict[str, Any]:
    """Give what futures say as fields of a row; each None where the answer is unknown."""
    if outcome is None:
        return dict.fromkeys(("p10_on", "p50_on", "p90_on", "never_share", "gain_share"))
    return {
        "p10_on": _day(one, outcome.p10_months),
        "p50_on": _day(one, outcome.p50_months),
        "p90_on": _day(one, outcome.p90_months),
        "never_share": round(outcome.never, 4),
        "gain_share": round(outcome.gains, 4),
    }


def _day(one: Comparison, months: float | None) -> date | None:
    if months is None or one.answer.live_on is None:
        return None
    return after_months(one.answer.live_on, Decimal(repr(months)))
