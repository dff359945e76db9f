"""What was measured and billed, in the form that economics takes it: hours of assets, days of work.

Evaluations look at 28 days, and a crossing is told after three weekly ones agree. Bills come days
late, so loaders bring the 49 days before `as_of` (`HISTORY_DAYS`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

MEASURED_DAYS = 28
"""Days that one evaluation rests on: whole weeks, so that weekends weigh what they weigh."""

HISTORY_DAYS = 49
"""Days that three evaluations need, a week apart, the newest bill a week late."""

HOURS_PER_MONTH = Decimal(730)
DAYS_PER_MONTH = Decimal(365) / 12


@dataclass(frozen=True, slots=True)
class AssetHours:
    """An asset's GPUs by the hour, as telemetry tells. All columns are parallel, in any order.

    Source: `gpu_hour`, summed over the GPUs for which `Asset.holds` is true.
    """

    asset: str
    gpus: int
    """GPUs of the asset that were ever seen."""
    hour: NDArray[np.int64]
    """First second of the UTC hour, since 1970-01-01."""
    covered_gpu_hours: NDArray[np.float64]
    """For which utilization is known."""
    busy_gpu_hours: NDArray[np.float64]
    """With gpu_util >= 5 %."""
    energy_kwh: NDArray[np.float64]
    """Of the boards, over `energy_gpu_hours`."""
    energy_gpu_hours: NDArray[np.float64]
    """For which energy is known."""
    gpu_name: str | None = None
    """As the driver names the GPUs, where all of the asset's have one name."""

    @staticmethod
    def empty() -> AssetHours:
        """Give an asset of which nothing was measured."""
        none = np.zeros(0)
        return AssetHours("", 0, none.astype(np.int64), none, none, none, none)

    def between(self, start: datetime, end: datetime) -> AssetHours:
        """Give the hours that start in [start, end)."""
        inside = (self.hour >= start.timestamp()) & (self.hour < end.timestamp())
        return AssetHours(
            asset=self.asset,
            gpus=self.gpus,
            hour=self.hour[inside],
            covered_gpu_hours=self.covered_gpu_hours[inside],
            busy_gpu_hours=self.busy_gpu_hours[inside],
            energy_kwh=self.energy_kwh[inside],
            energy_gpu_hours=self.energy_gpu_hours[inside],
            gpu_name=self.gpu_name,
        )


@dataclass(frozen=True, slots=True)
class WorkloadSpend:
    """A workload's cloud spend by UTC day, effective cost, in one currency.

    Source: the cost facts that satisfy `Workload.filter`. A workload billed in two currencies
    gives two of these.
    """

    workload: str
    currency: str
    effective_cost: Mapping[date, Decimal]
    """Days without spend may be left out."""
    first_day: date
    """First day for which the sources were read at all."""
    complete_until: date
    """First day that is not yet complete: every day before it is."""
    gpu_hours: Mapping[date, Decimal] | None = None
    """GPU-hours that the bill counts, where its quantities tell; None where they do not."""


@dataclass(frozen=True, slots=True)
class AssetUse:
    """What an asset did over a span, scaled to a month of 730 hours. None is not measured."""

    gpus: int
    days: Decimal
    """From the first measured hour to the end of the span, at most its length."""
    coverage: Decimal
    """Known GPU-hours over those that the span holds, 0 to 1."""
    busy_gpu_hours_per_month: Decimal
    mean_kw: Decimal | None
    """Of all boards together."""
    idle_kw: Decimal | None
    """Of all boards together when none is busy: the intercept of hourly power over busy GPUs."""
    busy_kw_per_gpu: Decimal | None
    """What a busy GPU draws beyond an idle one: the slope of the same line."""

    @property
    def utilization(self) -> Decimal:
        """Give busy GPU-hours over all GPU-hours."""
        return self.busy_gpu_hours_per_month / (self.gpus * HOURS_PER_MONTH)


def use_of(hours: AssetHours, end: datetime, days: int = MEASURED_DAYS) -> AssetUse | None:
    """Fold the `days` before `end`; None where nothing was measured.

    Unknown hours are taken to be like the known ones of the span, never to be idle.
    """
    span = hours.between(end - timedelta(days=days), end)
    known = float(span.covered_gpu_hours.sum())
    if not known or not hours.gpus:
        return None
    busy_share = float(span.busy_gpu_hours.sum()) / known
    mean, idle, slope = _power(span)
    whole = hours.gpus * days * 24
    since = (end.timestamp() - float(hours.hour.min())) / 86_400
    return AssetUse(
        gpus=hours.gpus,
        days=exact(min(float(days), since)),
        coverage=exact(min(1.0, known / whole)),
        busy_gpu_hours_per_month=exact(busy_share * hours.gpus * 730),
        mean_kw=mean,
        idle_kw=idle,
        busy_kw_per_gpu=slope,
    )


def spend_per_month(
    spend: WorkloadSpend, end: date, days: int = MEASURED_DAYS
) -> tuple[Decimal, int]:
    """Give the cost of a month at the pace of the last complete `days`, and how many there are.

    Only days before `end` and complete ones count; an incomplete one would read as a drop. The
    cost is 0 where the second figure is 0: look at that first.
    """
    last = min(end, spend.complete_until)
    first = max(last - timedelta(days=days), spend.first_day)
    known = (last - first).days
    if known <= 0:
        return Decimal(0), 0
    total = sum((c for d, c in spend.effective_cost.items() if first <= d < last), Decimal(0))
    return total / known * DAYS_PER_MONTH, known


def spend_by_day(spend: WorkloadSpend, end: date, days: int = MEASURED_DAYS) -> tuple[float, ...]:
    """Give the cost of each of the last complete days, the oldest first, for statistics."""
    last = min(end, spend.complete_until)
    first = max(last - timedelta(days=days), spend.first_day)
    span = (first + timedelta(days=n) for n in range((last - first).days))
    return tuple(float(spend.effective_cost.get(day, 0)) for day in span)


def gpu_hours_per_month(
    spend: WorkloadSpend, end: date, days: int = MEASURED_DAYS
) -> Decimal | None:
    """Give the GPU-hours of a month that the bill counts; None where it counts none."""
    if spend.gpu_hours is None:
        return None
    counted = WorkloadSpend(
        workload=spend.workload,
        currency=spend.currency,
        effective_cost=spend.gpu_hours,
        first_day=spend.first_day,
        complete_until=spend.complete_until,
    )
    hours, known = spend_per_month(counted, end, days)
    return hours if known else None


def busy_by_day(hours: AssetHours, end: datetime, days: int = MEASURED_DAYS) -> tuple[float, ...]:
    """Give each day's busy share of its known GPU-hours, oldest first; unknown days left out."""
    span = hours.between(end - timedelta(days=days), end)
    day = (span.hour - int(end.timestamp())) // 86_400 + days
    busy = np.bincount(day, weights=span.busy_gpu_hours)
    known = np.bincount(day, weights=span.covered_gpu_hours)
    return tuple(map(float, busy[known > 0] / known[known > 0]))


def busy_by_hour(
    hours: AssetHours, end: datetime, days: int = MEASURED_DAYS
) -> NDArray[np.float64]:
    """Give the GPUs that were busy in each known hour: the load from which a fleet is sized."""
    span = hours.between(end - timedelta(days=days), end)
    known = span.covered_gpu_hours > 0
    return span.busy_gpu_hours[known] / span.covered_gpu_hours[known] * hours.gpus


def exact(value: float) -> Decimal:
    """Take a measured float to a decimal of nine places: the edge where statistics end."""
    return Decimal(repr(round(float(value), 9)))


def _power(span: AssetHours) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    known = span.energy_gpu_hours > 0
    if not known.any():
        return None, None, None
    covered = span.covered_gpu_hours[known]
    kw_per_gpu = span.energy_kwh[known] / span.energy_gpu_hours[known]
    busy = np.divide(
        span.busy_gpu_hours[known], covered, out=np.zeros(len(covered)), where=covered > 0
    )
    weight = span.energy_gpu_hours[known]
    mean = float(np.average(kw_per_gpu, weights=weight))
    mean_busy = float(np.average(busy, weights=weight))
    centred = busy - mean_busy
    spread = float(np.sum(weight * centred**2))
    # One level of load shows no slope: then all of the power counts as there anyway.
    slope = float(np.sum(weight * centred * kw_per_gpu)) / spread if spread > 1e-6 else 0.0
    # Neither may work save power, nor idleness give any back.
    slope = max(0.0, min(slope, mean / mean_busy)) if mean_busy else 0.0
    idle = max(0.0, mean - slope * mean_busy)
    return exact(mean * span.gpus), exact(idle * span.gpus), exact(slope)
