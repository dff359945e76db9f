"""Tells when a workload has become cheaper to own, or an asset's work cheaper to rent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from analysis.economics.answers import AnswerKind, Origin
from analysis.economics.asset import compare_assets
from analysis.economics.comparison import Comparison, Direction
from analysis.economics.demand import DAYS_PER_MONTH
from analysis.economics.futures import drawn_row, futures, sure_text, swings
from analysis.economics.hysteresis import CONFIRM, Place, has_crossed
from analysis.economics.uncertainty import Outcome
from analysis.economics.workload import compare_workloads
from analysis.inputs import Inputs
from spendwatt.clock import utc_day
from spendwatt.estate import Estate
from spendwatt.money import amount_text
from spendwatt.records import Finding, MoneyBasis, Severity
from spendwatt.settings import SettingsModel
from spendwatt.texts import money_text

KIND = "breakeven"
CENT = Decimal("0.01")
STEP = timedelta(days=7)
SURE = 0.8
"""Least share of futures in which a move must gain before it is told."""
NOTHING_TO_RENT = Decimal(1000)
MOST_SHOWN = 6

_VERDICT = {Direction.CLOUD_TO_OWN: "buy", Direction.OWN_TO_CLOUD: "rent"}
_UNKNOWN = "unknown"

Key = tuple[str, str, str | None, str | None]


class Settings(SettingsModel):
    """Settings of the break-even watch."""

    tell_unknown: bool = True
    """Whether to say (at severity info) that a comparison lacks a setting, and which."""


class BreakevenWatch:
    """Judges every workload and asset three times, a week apart, so that one week turns nothing.

    A crossing is told when local cost over cloud cost was at or beyond 0.90 (to buy) or 1.10 (to
    rent) each time, and stays told until the ratio is back within 0.02 of 1.
    """

    kinds = (KIND,)
    needs = ("asset_hours", "workload_spend")

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()

    def analyze(self, inputs: Inputs) -> Sequence[Finding]:
        """Give a finding for each crossing, and one for each comparison that lacks a setting."""
        today = utc_day(inputs.as_of)
        past = [
            {_key(c): c for c in compare_all(inputs, today - age * STEP)}
            for age in range(CONFIRM - 1, 0, -1)
        ]
        findings: dict[str, Finding] = {}
        for latest in compare_all(inputs, today):
            history = [when.get(_key(latest)) for when in past]
            for found in self._judge(inputs, latest, history):
                findings[found.id] = found
        return list(findings.values())

    def _judge(
        self, inputs: Inputs, latest: Comparison, history: Sequence[Comparison | None]
    ) -> Sequence[Finding]:
        told = [f for f in inputs.open_findings if _speaks_of(f, latest)]
        if latest.answer.kind is AnswerKind.UNKNOWN:
            asked = self.settings.tell_unknown and not latest.answer.waits
            return told or ([_lacking(latest, inputs)] if asked else [])
        ratios = [ratio for c in (*history, latest) if (ratio := _ratio(c)) is not None]
        runs_in: Place = "cloud" if latest.direction is Direction.CLOUD_TO_OWN else "local"
        if not has_crossed(ratios, runs_in=runs_in, is_told=bool(told)):
            return []
        outcome = futures(latest)
        if not told and (outcome is None or outcome.gains < SURE):
            # Cheaper by the month, yet too likely that moving is never earned back.
            return []
        return [_finding(latest, inputs, ratios, outcome)]


def compare_all(inputs: Inputs, on: date) -> list[Comparison]:
    """Compare every workload with its options and every asset with its cloud price, as of a day.

    By what is known at `inputs.as_of`: a bill restated since changes what is said of the past.
    """
    estate = inputs.estate
    return [
        *compare_workloads(estate, inputs.workload_spend, on),
        *compare_assets(estate, inputs.asset_hours, inputs.workload_spend, on),
    ]


def _key(comparison: Comparison) -> Key:
    return comparison.subject, comparison.name, comparison.option, comparison.currency


def _ratio(comparison: Comparison | None) -> Decimal | None:
    """Give local cost over cloud cost; where nothing would be rented it has no bound."""
    if comparison is None or comparison.own_per_month is None:
        return None
    return NOTHING_TO_RENT if comparison.cloud_per_month == 0 else comparison.ratio


def _labels(comparison: Comparison, verdict: str) -> dict[str, str]:
    labels = {comparison.subject: comparison.name, "verdict": verdict}
    if comparison.option is not None:
        labels["option"] = comparison.option
    if comparison.currency is not None:
        labels["currency"] = comparison.currency
    return labels


def _speaks_of(finding: Finding, comparison: Comparison) -> bool:
    """Tell whether an open crossing is this comparison's, as far as the latter can still tell."""
    labels = _labels(comparison, _VERDICT[comparison.direction])
    return all(finding.labels.get(name) == value for name, value in labels.items())


def _finding(
    latest: Comparison, inputs: Inputs, ratios: Sequence[Decimal], outcome: Outcome | None
) -> Finding:
    saving = latest.saving_per_month
    return Finding(
        kind=KIND,
        labels=_labels(latest, _VERDICT[latest.direction]),
        severity=Severity.WARNING,
        title=_title(latest),
        detail="\n".join(_detail(latest, outcome)),
        next_step=_next_step(latest, inputs.estate),
        opened_at=inputs.as_of,
        money_at_stake=None if saving is None else (saving / DAYS_PER_MONTH).quantize(CENT),
        money_basis=MoneyBasis.PER_DAY,
        currency=latest.currency,
        evidence=evidence(latest, ratios, outcome),
    )


def _lacking(latest: Comparison, inputs: Inputs) -> Finding:
    needs = latest.answer.needs
    return Finding(
        kind=KIND,
        labels=_labels(latest, _UNKNOWN),
        severity=Severity.INFO,
        title=f"Break-even of {latest.subject} {latest.name}: {latest.answer}",
        detail=f"Nothing is taken for 0, so {_against(latest)} cannot be judged.",
        next_step=f"Set {', '.join(needs)} in the configuration.",
        opened_at=inputs.as_of,
        evidence={"needs": list(needs), "subject": latest.subject, "option": latest.option},
    )


def _against(latest: Comparison) -> str:
    return latest.name if latest.option is None else f"{latest.name} against {latest.option}"


def _title(latest: Comparison) -> str:
    saving = _amount(latest.saving_per_month, latest.currency)
    if latest.direction is Direction.OWN_TO_CLOUD:
        return f"{latest.name}: renting at {latest.option} is {saving} a month cheaper than keeping"
    when = latest.answer.paid_back_on
    back = "at once" if when is None else f"on {when:%d %B %Y}"
    return f"{latest.name}: owning {latest.option} saves {saving} a month, paid back {back}"


def _detail(latest: Comparison, outcome: Outcome | None) -> Iterator[str]:
    answer, currency = latest.answer, latest.currency
    if outcome is not None:
        yield f"{sure_text(latest, outcome)}."
    yield f"Break-even: {answer.why}."
    yield (
        f"Cloud {_amount(latest.cloud_per_month, currency)} a month, "
        f"own {_amount(latest.own_per_month, currency)} a month with capital, "
        f"{_amount(latest.upfront, currency)} to pay first."
    )
    if latest.utilization is not None and latest.utilization_turn is not None:
        yield (
            f"Busy {latest.utilization:.0%} of the time; it turns at {latest.utilization_turn:.0%}."
        )
    if latest.plan is not None:
        moves = ", ".join(swing.name.replace("_", " ") for swing in swings(latest)[:3])
        yield f"What moves it most: {moves}."
    yield "It rests on:"
    trusted = sorted(latest.assumptions, key=lambda a: list(Origin).index(a.origin))
    for assumption in trusted[:MOST_SHOWN]:
        yield f"- {assumption.line(latest.on)}"


def _next_step(latest: Comparison, estate: Estate) -> str:
    see = f"`spendwatt breakeven --{latest.subject} {latest.name}`"
    if estate.public_url:
        see += f" or {estate.public_url.rstrip('/')}/api/v1/breakeven"
    if latest.direction is Direction.CLOUD_TO_OWN:
        return f"Check every month and assumption with {see}; then get a binding quote."
    return f"Check the figures with {see}; then move the work and sell the hardware."


def evidence(
    latest: Comparison, ratios: Sequence[Decimal], outcome: Outcome | None
) -> dict[str, Any]:
    """Give the facts behind a judgement, ready for JSON."""
    answer = latest.answer
    drawn = {} if outcome is None else drawn_row(latest, outcome)
    return {
        **{k: v.isoformat() if isinstance(v, date) else v for k, v in drawn.items()},
        "answer": answer.kind.value,
        "direction": latest.direction.value,
        "months": _text(answer.months, "0.1"),
        "paid_back_on": None if answer.paid_back_on is None else answer.paid_back_on.isoformat(),
        "cloud_per_month": _text(latest.cloud_per_month),
        "own_per_month": _text(latest.own_per_month),
        "upfront": _text(latest.upfront),
        "ratios": [_text(ratio, "0.001") for ratio in ratios],
        "utilization": _text(latest.utilization, "0.001"),
        "utilization_turn": _text(latest.utilization_turn, "0.001"),
        "assumptions": [assumption.line(latest.on) for assumption in latest.assumptions],
    }


def _text(value: Decimal | None, places: str = "0.01") -> str | None:
    return None if value is None else amount_text(value.quantize(Decimal(places)))


def _amount(value: Decimal | None, currency: str | None) -> str:
    if value is None or currency is None:
        return "an unknown amount"
    return money_text(value, currency)
