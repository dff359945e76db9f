"""The cost ledger in columns: what each delivery changed, and when that became known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spendwatt.money import NANO_PER_UNIT

DAY_SECONDS = 86_400

SeriesName = tuple[str, str, str, str, str]
"""(provider, account, service, region, currency); the account is the sub-account where the bill
names one, else the billing account."""

Change = tuple[SeriesName, int, int, bool, float, float]
"""(series, day, received, assumed, billed cost, effective cost), as `Ledger.of` takes them."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Changes of daily cost. All columns are parallel; the order of rows means nothing.

    The cost of (series, day) as known at a moment A is the sum of its changes received up to A.
    Costs are floats here: they feed statistics, and never return to stored money.
    """

    series: Sequence[SeriesName]
    """One (provider, account, service, region, currency) each. One may stand twice: a sub-account
    that has moved from payer to payer goes on as one series."""
    series_index: NDArray[np.int32]
    """Row -> place in `series`."""
    day: NDArray[np.int32]
    """UTC usage day, in days since 1970-01-01."""
    received: NDArray[np.int64]
    """When the change became known, in seconds since 1970-01-01 UTC."""
    assumed: NDArray[np.bool_]
    """The moment was assumed (imported history), not seen."""
    billed_cost: NDArray[np.float64]
    effective_cost: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.day)

    @staticmethod
    def empty() -> Ledger:
        """Give a ledger without rows."""
        return Ledger.of(())

    @staticmethod
    def of(changes: Iterable[Change]) -> Ledger:
        """Make a ledger from rows."""
        rows = list(changes)
        names = sorted({row[0] for row in rows})
        place = {name: index for index, name in enumerate(names)}
        return Ledger(
            series=tuple(names),
            series_index=np.array([place[row[0]] for row in rows], dtype=np.int32),
            day=np.array([row[1] for row in rows], dtype=np.int32),
            received=np.array([row[2] for row in rows], dtype=np.int64),
            assumed=np.array([row[3] for row in rows], dtype=np.bool_),
            billed_cost=np.array([row[4] for row in rows], dtype=np.float64),
            effective_cost=np.array([row[5] for row in rows], dtype=np.float64),
        )

    @staticmethod
    def from_columns(
        series: Sequence[SeriesName],
        *,
        series_index: ArrayLike,
        day: ArrayLike,
        received: ArrayLike,
        assumed: ArrayLike,
        billed_nano: ArrayLike,
        effective_nano: ArrayLike,
    ) -> Ledger:
        """Make a ledger from parallel columns as the store gives them, money in nano-units."""
        return Ledger(
            series=tuple(series),
            series_index=np.asarray(series_index, dtype=np.int32),
            day=np.asarray(day, dtype=np.int32),
            received=np.asarray(received, dtype=np.int64),
            assumed=np.asarray(assumed, dtype=np.bool_),
            billed_cost=np.asarray(billed_nano, dtype=np.float64) / NANO_PER_UNIT,
            effective_cost=np.asarray(effective_nano, dtype=np.float64) / NANO_PER_UNIT,
        )

    def where(self, kept: NDArray[np.bool_]) -> Ledger:
        """Give the rows that `kept` marks."""
        return Ledger(
            series=self.series,
            series_index=self.series_index[kept],
            day=self.day[kept],
            received=self.received[kept],
            assumed=self.assumed[kept],
            billed_cost=self.billed_cost[kept],
            effective_cost=self.effective_cost[kept],
        )

    def as_of(self, moment_seconds: int) -> Ledger:
        """Give what was known at a moment."""
        return self.where(self.received <= moment_seconds)
