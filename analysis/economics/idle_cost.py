"""What an idle hour of owned hardware costs: in all, and the part that switching off would save."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from spendwatt.errors import MoneyError

HOURS_PER_YEAR = Decimal(8760)


@dataclass(frozen=True, slots=True)
class IdleHour:
    """One idle hour, by what it is paid for."""

    depreciation: Decimal
    maintenance: Decimal
    energy: Decimal

    @property
    def owned(self) -> Decimal:
        """Give what is paid whether the hardware runs or not."""
        return self.depreciation + self.maintenance

    @property
    def total(self) -> Decimal:
        """Give the whole cost."""
        return self.owned + self.energy

    @property
    def avoidable(self) -> Decimal:
        """Give what switching off would save: the energy. The rest is paid anyway."""
        return self.energy


def idle_hour(
    *,
    purchase_price: Decimal,
    salvage: Decimal,
    life_years: Decimal,
    maintenance_percent_per_year: Decimal,
    energy: Decimal,
) -> IdleHour:
    """Give the cost of an idle hour; straight-line depreciation over every hour of the life.

    `energy`: what the hour's energy costs, such as `energy_hourly` gives. Raises
    MoneyError for a life of no years.
    """
    if life_years <= 0:
        raise MoneyError(f"a life of {life_years} years spreads no cost")
    return IdleHour(
        depreciation=(purchase_price - salvage) / (life_years * HOURS_PER_YEAR),
        maintenance=purchase_price * maintenance_percent_per_year / 100 / HOURS_PER_YEAR,
        energy=energy,
    )


def energy_hourly(watts: Decimal, pue: Decimal, price_per_kwh: Decimal) -> Decimal:
    """Give what an hour at so many watts costs at the building's meter."""
    return watts / 1000 * pue * price_per_kwh


def displaceable(idle_gpu_hours: Decimal, rented_gpu_hours: Decimal, price: Decimal) -> Decimal:
    """Give the rent that idle hours could have spared.

    `rented_gpu_hours`: GPU-hours of the same class rented at the same time; only as many can be
    spared as stood idle.
    """
    return min(idle_gpu_hours, rented_gpu_hours) * price
