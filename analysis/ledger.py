"""The cost ledger in columns: what each delivery changed, and when that became known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Ledger:
    """Changes of daily cost. All columns are parallel; the order of rows means nothing.

    The cost of (series, day) as known at a moment A is the sum of its changes received up to A.
    Costs are floats here: they feed statistics, and never return to stored money.
    """

    series: Sequence[tuple[str, str, str, str, str]]
    """Distinct (provider, account, service, region, currency)."""
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

    @staticmethod
    def empty() -> Ledger:
        """Give a ledger without rows."""
        none = np.zeros(0)
        return Ledger(
            series=(),
            series_index=none.astype(np.int32),
            day=none.astype(np.int32),
            received=none.astype(np.int64),
            assumed=none.astype(np.bool_),
            billed_cost=none,
            effective_cost=none,
        )

    def as_of(self, moment_seconds: int) -> Ledger:
        """Give what was known at a moment."""
        seen = self.received <= moment_seconds
        return Ledger(
            series=self.series,
            series_index=self.series_index[seen],
            day=self.day[seen],
            received=self.received[seen],
            assumed=self.assumed[seen],
            billed_cost=self.billed_cost[seen],
            effective_cost=self.effective_cost[seen],
        )
