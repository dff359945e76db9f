"""When does it pay: hours, years, utilization and months until a move has earned its cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from analysis.economics.discounting import monthly_rate

HOURS_PER_YEAR = Decimal(8760)
DAYS_PER_YEAR = Decimal(365)


def simple_breakeven(
    upfront: Decimal, stay_per_unit: Decimal, go_per_unit: Decimal
) -> Decimal | None:
    """Give the units (hours, months, years) after which `upfront` is earned back, undiscounted.

    None where moving saves nothing: never. 0 where there is nothing to earn back: already.
    """
    saving = stay_per_unit - go_per_unit
    if saving <= 0:
        return None
    return upfront / saving if upfront > 0 else Decimal(0)


def years_at_hours_per_day(hours: Decimal | None, hours_per_day: Decimal) -> Decimal | None:
    """Spread break-even hours over days on which the hardware works so many hours."""
    if hours is None or (hours and hours_per_day <= 0):
        return None
    return hours / (hours_per_day * DAYS_PER_YEAR) if hours else Decimal(0)


def threshold_hours_per_day(
    *, capex: Decimal, own_hourly_always_on: Decimal, cloud_hourly: Decimal, years: Decimal
) -> Decimal | None:
    """Give the daily hours of cloud use above which owning is cheaper over so many years.

    Owned hardware is paid for around the clock, the cloud only while used. More than 24 means that
    no use suffices; None, that the cloud costs nothing. Source: Lenovo Press LP2368 (2026).
    """
    cloud = cloud_hourly * DAYS_PER_YEAR * years
    return owned_total(capex, own_hourly_always_on, years) / cloud if cloud > 0 else None


def owned_total(capex: Decimal, own_hourly: Decimal, years: Decimal) -> Decimal:
    """Give what owning costs over so many years of running around the clock."""
    return capex + own_hourly * HOURS_PER_YEAR * years


def utilization_turn(
    *, fixed_hourly: Decimal, idle_energy_hourly: Decimal, cloud: Decimal, marginal_energy: Decimal
) -> Decimal | None:
    """Give the utilization above which an owned GPU is cheaper: U* of busy hours, 0 to 1 and more.

    All figures per GPU-hour: what is paid anyway, idle power, the cloud's price for the same work,
    and what a busy hour draws beyond an idle one. Above 1 no utilization suffices; None: not even
    a free GPU would, as its energy alone costs as much as the cloud.
    """
    gain = cloud - marginal_energy
    return (fixed_hourly + idle_energy_hourly) / gain if gain > 0 else None


@dataclass(frozen=True, slots=True)
class Step:
    """Capacity that comes by the server: the next one is bought when demand outgrows the last."""

    demand_share: Decimal
    """Today's demand over what one server can do."""
    unit_price: Decimal
    unit_per_month: Decimal
    servers_now: int = 1
    """Bought at the start, and paid for by the plan's own upfront and monthly cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Two ways to go on: stay where the work is, or go. Amounts of one currency.

    Month 1 costs what a month costs today; growth and price decline work from there on.
    """

    stay_per_month: Decimal
    go_per_month: Decimal
    upfront: Decimal = Decimal(0)
    """Purchase, migration, egress; less credits and what sold hardware brings."""
    committed_per_month: Decimal = Decimal(0)
    """Of staying, payable also after leaving."""
    committed_months: int = 0
    growth_per_month: Decimal = Decimal(0)
    """Of demand, as a share. It moves the cost of whichever side is rented."""
    price_decline_per_year: Decimal = Decimal(0)
    """Of the rented side, as a share."""
    rents: str = "stay"
    """Which side is rented: `stay` (cloud to own) or `go` (own to cloud)."""
    step: Step | None = None
    energy_per_month: Decimal = Decimal(0)
    """Of the owned side, what follows the price of electricity."""
    rate_per_year: Decimal = Decimal(0)
    residual: Decimal = Decimal(0)
    """What is left at the horizon (salvage): counts in the net present value only."""
    horizon_months: int = 120


@dataclass(frozen=True, slots=True)
class Month:
    """One month of both curves, undiscounted, and the discounted position at its end."""

    month: int
    stay: Decimal
    go: Decimal
    stay_total: Decimal
    go_total: Decimal
    position: Decimal
    """Discounted savings so far, less upfront: break-even is where it reaches 0."""


@dataclass(frozen=True, slots=True)
class Payback:
    """How a plan turns out."""

    months: Decimal | None
    """Until the position first reaches 0, linear within the month; None: not in the horizon."""
    reverses_month: int | None
    """The month in which the position falls below 0 again; None: it does not."""
    net_present_value: Decimal
    curve: tuple[Month, ...]
    """Month 0 (only upfront) first."""


def pay_back(plan: Plan) -> Payback:
    """Follow a plan month by month; flows fall at months' ends."""
    rate = monthly_rate(plan.rate_per_year)
    curve = [Month(0, Decimal(0), plan.upfront, Decimal(0), plan.upfront, -plan.upfront)]
    discount = Decimal(1)
    for number, (stay, go) in enumerate(_flows(plan), start=1):
        discount /= 1 + rate
        last = curve[-1]
        curve.append(
            Month(
                month=number,
                stay=stay,
                go=go,
                stay_total=last.stay_total + stay,
                go_total=last.go_total + go,
                position=last.position + (stay - go) * discount,
            )
        )
    positions = [month.position for month in curve]
    months = first_crossing(positions)
    return Payback(
        months=months,
        reverses_month=_reversal(positions, months),
        net_present_value=positions[-1] + plan.residual * discount,
        curve=tuple(curve),
    )


def outgrown_month(plan: Plan) -> int | None:
    """Give the first month in which demand needs one more server; None: not in the horizon."""
    if plan.step is None:
        return None
    share = plan.step.demand_share
    for month in range(1, plan.horizon_months + 1):
        if share > plan.step.servers_now:
            return month
        share *= 1 + plan.growth_per_month
    return None


def first_crossing(positions: Sequence[Decimal]) -> Decimal | None:
    """Give the first moment, in months, at which the position is 0 or more and does not sink.

    A start at 0 that sinks at once has crossed nothing. None where it never crosses.
    """
    if positions[0] > 0 or (positions[0] == 0 and _rises(positions)):
        return Decimal(0)
    for month in range(1, len(positions)):
        before, after = positions[month - 1], positions[month]
        if before < 0 <= after:
            return month - 1 + before / (before - after)
    return None


def _rises(positions: Sequence[Decimal]) -> bool:
    return next((later > 0 for later in positions[1:] if later != 0), False)


def _reversal(positions: Sequence[Decimal], months: Decimal | None) -> int | None:
    if months is None:
        return None
    after = range(int(months) + 1, len(positions))
    return next((month for month in after if positions[month] < 0), None)


def _flows(plan: Plan) -> list[tuple[Decimal, Decimal]]:
    factor = (1 + plan.growth_per_month) * (1 + monthly_rate(-plan.price_decline_per_year))
    rented, demand = Decimal(1), Decimal(1)
    servers = plan.step.servers_now if plan.step else 0
    flows = []
    for month in range(1, plan.horizon_months + 1):
        stay = plan.stay_per_month * (rented if plan.rents == "stay" else 1)
        go = plan.go_per_month * (rented if plan.rents == "go" else 1)
        if month <= plan.committed_months:
            go += plan.committed_per_month
        if plan.step is not None:
            needed = max(servers, _servers(plan.step.demand_share * demand))
            go += (needed - servers) * plan.step.unit_price
            go += (needed - plan.step.servers_now) * plan.step.unit_per_month
            servers = needed
        flows.append((stay, go))
        rented *= factor
        demand *= 1 + plan.growth_per_month
    return flows


def _servers(share: Decimal) -> int:
    return int(share.to_integral_value(rounding="ROUND_CEILING"))
