"""Tells which GPUs stand idle now, in whose memory, since when and at what cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from pydantic import Field

from analysis.idle_groups import Group, groups
from analysis.idle_minutes import IdleRule
from analysis.idle_texts import detail, next_step, title
from analysis.inputs import Inputs
from spendwatt.clock import rfc3339
from spendwatt.money import amount_text
from spendwatt.records import Finding, GpuState, MoneyBasis, Severity
from spendwatt.settings import SettingsModel

KIND = "idle_gpu"
CENT = Decimal("0.01")


class Settings(SettingsModel):
    """When a GPU counts as idle, and when that is worth a word."""

    window_minutes: int = Field(default=60, ge=10, le=1_440)
    """Length of the window that slides over the minutes."""
    quiet_percent: int = Field(default=90, ge=50, le=100)
    """Of the known time of a window, how much must be under 5 % utilization."""
    coverage_percent: int = Field(default=80, ge=10, le=100)
    """Of a window, how much must be known at all."""
    power_tolerance_percent: int = Field(default=15, ge=1, le=200)
    """How far above the card's learned idle power its power may be."""
    tell_after_hours: float = Field(default=1, ge=0, le=720)
    """Shorter idleness is in the reports only."""
    warn_after_hours: float = Field(default=4, ge=0, le=720)
    """From here on it is a warning,"""
    warn_from_gpu_hours: float = Field(default=8, ge=0, le=100_000)
    """if the group has lost at least so many GPU-hours."""

    def rule(self) -> IdleRule:
        """Give the rule by which stretches are found."""
        return IdleRule(
            window_minutes=self.window_minutes,
            quiet_share=self.quiet_percent / 100,
            coverage=self.coverage_percent / 100,
            power_tolerance=self.power_tolerance_percent / 100,
        )


class IdleWatch:
    """One finding for each host and state in which GPUs of it stand idle."""

    kinds = (KIND,)
    needs = ("idle_stretches", "gpus", "gpu_read_until")

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()

    def analyze(self, inputs: Inputs) -> Sequence[Finding]:
        """Give what stands idle at `as_of`; what is silent since stays as it was last seen."""
        at_least = timedelta(hours=self.settings.tell_after_hours)
        return [self._finding(group) for group in groups(inputs, at_least)]

    def _finding(self, group: Group) -> Finding:
        per_day = _per_day(group)
        return Finding(
            kind=KIND,
            labels={"host": group.host, "state": group.state.value},
            severity=self._severity(group),
            title=title(group),
            detail=detail(group),
            next_step=next_step(group),
            opened_at=group.since,
            money_at_stake=per_day,
            money_basis=None if per_day is None else MoneyBasis.PER_DAY,
            currency=None if per_day is None else group.cost.currency,
            evidence=_evidence(group),
        )

    def _severity(self, group: Group) -> Severity:
        # An empty card harms nobody until somebody waits for one.
        wasted = group.state is not GpuState.IDLE_EMPTY
        long = group.hours >= self.settings.warn_after_hours
        much = group.cost.gpu_hours >= Decimal(str(self.settings.warn_from_gpu_hours))
        return Severity.WARNING if wasted and long and much else Severity.INFO


def _per_day(group: Group) -> Decimal | None:
    """Give what a day like this costs, to the cent; None where the price is unknown."""
    hourly = group.hourly
    return None if hourly is None else (hourly * 24 * len(group.gpus)).quantize(CENT)


def _evidence(group: Group) -> dict[str, Any]:
    cost, hourly = group.cost, group.hourly
    return {
        "gpus": [gpu.uuid for gpu in group.gpus],
        "gpu_indexes": [gpu.index for gpu in group.gpus],
        "since": rfc3339(group.since),
        "seen_until": rfc3339(group.seen_until),
        "hours": round(group.hours, 2),
        "idle_gpu_hours": amount_text(cost.gpu_hours.quantize(CENT)),
        "util_mean_percent": _rounded(group.util_percent),
        "memory_mean_mib": _rounded(group.memory_mib),
        "power_mean_watts": _rounded(group.watts),
        "energy_kwh": _text(cost.energy_kwh),
        "idle_cost": _text(cost.total),
        "avoidable_cost": _text(cost.avoidable),
        "cost_per_gpu_hour": _text(hourly),
        "price_lacks": list(cost.lacks),
        "price_leaves_out": list(cost.leaves_out),
    }


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else amount_text(amount)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
