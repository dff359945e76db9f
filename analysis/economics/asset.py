"""Own to cloud: hardware already bought against renting the same work. Its price is sunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from analysis.economics.answers import Answer, Origin
from analysis.economics.basis import NOT_COUNTED, Basis, shown
from analysis.economics.breakeven import Plan, utilization_turn
from analysis.economics.comparator import CloudPrice, comparator, equivalence_of
from analysis.economics.comparison import Comparison, Direction, open_question, rent
from analysis.economics.demand import (
    DAYS_PER_MONTH,
    HOURS_PER_MONTH,
    MEASURED_DAYS,
    AssetHours,
    AssetUse,
    WorkloadSpend,
    busy_by_day,
    busy_by_hour,
    use_of,
)
from analysis.economics.hybrid import Hybrid, hybrid_optimum
from analysis.economics.ownership import OwnMonth, capital_per_month, percent_per_month
from analysis.economics.tariff import load_price
from analysis.economics.workload import moving_cost, trends
from spendwatt.clock import midnight
from spendwatt.estate import Asset, Estate

LEAST_COVERAGE = Decimal("0.8")
LEAST_LIFE_MONTHS = Decimal(12)


def compare_assets(
    estate: Estate,
    measured: Sequence[AssetHours],
    spends: Sequence[WorkloadSpend],
    on: date,
) -> Iterator[Comparison]:
    """Hold each asset against the cloud price that it competes with."""
    for asset in estate.assets:
        hours = next((h for h in measured if h.asset == asset.name), None)
        price = comparator(estate, asset, spends, on)
        if isinstance(price, Answer):
            yield _unknown(asset, on, price)
        else:
            yield compare_asset(estate, asset, hours, price, on)


def compare_asset(
    estate: Estate, asset: Asset, hours: AssetHours | None, price: CloudPrice, on: date
) -> Comparison:
    """Judge one asset against one price, by the 28 days before `on`."""
    basis = Basis(price.per_gpu_hour.currency, on, estate.currency_rates)
    basis.note(f"{price.name} per GPU-hour", shown(price.per_gpu_hour), price.origin, price.since)
    use = use_of(hours, midnight(on)) if hours is not None else None
    _judge_measurement(asset, use, basis)
    own = _keep(estate, asset, hours, use, basis)
    per_gpu = price.per_gpu_hour.amount * equivalence_of(asset, hours, price, basis)
    move = _move(estate, asset, basis)
    question = open_question(basis, "asset", asset.name, price.name, Direction.OWN_TO_CLOUD)
    if not basis.is_complete or use is None or hours is None:
        return question
    cloud = use.busy_gpu_hours_per_month * per_gpu
    plan = _plan(own, cloud, move, asset)
    answer, payback = rent(plan, on)
    return replace(
        question,
        answer=answer,
        cloud_per_month=cloud,
        own_per_month=own.month.total,
        upfront=plan.upfront,
        utilization=use.utilization,
        utilization_turn=_turn(own, use, per_gpu),
        sizing=_sizing(own, use, hours, per_gpu, on),
        plan=plan,
        payback=payback,
        days=busy_by_day(hours, midnight(on)),
    )


@dataclass(frozen=True, slots=True)
class _Own:
    """A month of keeping, and what its energy is made of."""

    month: OwnMonth
    idle_energy: Decimal
    """Of the month if nothing worked."""
    busy_energy_per_gpu_hour: Decimal
    """Added by an hour of work."""
    life_left_months: Decimal


def _keep(
    estate: Estate, asset: Asset, hours: AssetHours | None, use: AssetUse | None, basis: Basis
) -> _Own:
    key = f"assets.{asset.name}"
    paid = basis.money(f"{key}.purchase_price", asset.purchase_price)
    resale = basis.money(f"{key}.resale_value", asset.resale_value)
    salvage = basis.money(f"{key}.salvage_value", asset.salvage_value, optional=True)
    rate = asset.cost_of_capital_percent_per_year
    basis.number(f"{key}.cost_of_capital_percent_per_year", rate, "%")
    life = _life_left(asset, basis)
    kwh_price = _kwh_price(estate, hours, basis)
    kw, idle_kw = _power(asset, use, basis)
    maintenance = basis.number(
        f"{key}.maintenance_percent_per_year", asset.maintenance_percent_per_year, "%"
    )
    spares = basis.number(
        f"{key}.spares_percent_per_year", asset.spares_percent_per_year, "%", optional=True
    )
    month = OwnMonth(
        # At the end it cannot bring more than now: a salvage value set at purchase may.
        capital=capital_per_month(resale, min(salvage, resale), rate / 100, life),
        energy=kw * HOURS_PER_MONTH * kwh_price,
        maintenance=percent_per_month(paid, maintenance),
        spares=percent_per_month(paid, spares),
        staff=basis.money(f"{key}.staff_per_month", asset.staff_per_month),
        colocation=basis.money(
            f"{key}.colocation_per_month", asset.colocation_per_month, optional=True
        ),
        software=basis.money(f"{key}.software_per_month", asset.software_per_month, optional=True),
    )
    slope = (use.busy_kw_per_gpu if use else None) or Decimal(0)
    return _Own(month, idle_kw * HOURS_PER_MONTH * kwh_price, slope * kwh_price, life)


@dataclass(frozen=True, slots=True)
class _Move:
    """What moving costs once, and how the rented side will go."""

    upfront: Decimal
    growth_per_month: Decimal
    price_decline_per_year: Decimal


def _move(estate: Estate, asset: Asset, basis: Basis) -> _Move:
    """Gather it from the workload that names the asset."""
    workload = next((w for w in estate.workloads if w.asset == asset.name), None)
    if workload is None:
        basis.note(f"cost of moving {asset.name}", NOT_COUNTED, Origin.DEFAULT)
        return _Move(Decimal(0), Decimal(0), Decimal(0))
    return _Move(moving_cost(workload, basis), *trends(workload, basis))


def _plan(own: _Own, cloud: Decimal, move: _Move, asset: Asset) -> Plan:
    return Plan(
        stay_per_month=own.month.total,
        go_per_month=cloud,
        upfront=move.upfront,
        rents="go",
        energy_per_month=own.month.energy,
        growth_per_month=move.growth_per_month,
        price_decline_per_year=move.price_decline_per_year,
        rate_per_year=asset.cost_of_capital_percent_per_year / 100,
        horizon_months=max(1, int(own.life_left_months)),
    )


def _judge_measurement(asset: Asset, use: AssetUse | None, basis: Basis) -> None:
    if use is None:
        basis.waits.append(f"telemetry of {asset.name} ({asset.match})")
        return
    if use.days < MEASURED_DAYS:
        basis.waits.append(f"{MEASURED_DAYS} days of telemetry ({use.days:.0f} so far)")
    elif use.coverage < LEAST_COVERAGE:
        basis.waits.append(
            f"telemetry of {LEAST_COVERAGE:.0%} of {MEASURED_DAYS} days ({use.coverage:.0%} so far)"
        )
    busy = f"{use.busy_gpu_hours_per_month:.0f} of {use.gpus * HOURS_PER_MONTH:.0f}"
    basis.note(f"busy GPU-hours of {asset.name} a month", busy, Origin.MEASURED, basis.on)


def _life_left(asset: Asset, basis: Basis) -> Decimal:
    key = f"assets.{asset.name}"
    years = basis.number(
        f"{key}.useful_life_years", asset.useful_life_years, "years", positive=True
    )
    bought = basis.day(f"{key}.purchased_on", asset.purchased_on)
    left = years * 12 - (basis.on - bought).days / DAYS_PER_MONTH
    if left < LEAST_LIFE_MONTHS:
        basis.note(f"life left of {asset.name}", f"{LEAST_LIFE_MONTHS} months", Origin.DEFAULT)
    return max(left, LEAST_LIFE_MONTHS)


def _power(asset: Asset, use: AssetUse | None, basis: Basis) -> tuple[Decimal, Decimal]:
    """Give the mean and the idle kilowatts of the asset, its hosts included."""
    key = f"assets.{asset.name}.host_overhead_watts"
    hosts = basis.number(key, asset.host_overhead_watts, "W") / 1000
    if use is None or use.mean_kw is None or use.idle_kw is None:
        basis.waits.append(f"measured power of {asset.name}")
        return hosts, hosts
    basis.note(f"power of {asset.name}'s GPUs", f"{use.mean_kw:.3f} kW", Origin.MEASURED, basis.on)
    return use.mean_kw + hosts, use.idle_kw + hosts


def _kwh_price(estate: Estate, hours: AssetHours | None, basis: Basis) -> Decimal:
    """Give a kilowatt-hour at the GPU: its tariff at the hours drawn, with the building's share."""
    end = midnight(basis.on)
    span = (hours or AssetHours.empty()).between(end - timedelta(days=MEASURED_DAYS), end)
    price = basis.money("energy.price_per_kwh", load_price(estate.energy, span))
    return price * basis.number("energy.pue", estate.energy.pue, "", positive=True)


def _turn(own: _Own, use: AssetUse, per_gpu: Decimal) -> Decimal | None:
    hours = use.gpus * HOURS_PER_MONTH
    return utilization_turn(
        fixed_hourly=own.month.fixed / hours,
        idle_energy_hourly=own.idle_energy / hours,
        cloud=per_gpu,
        marginal_energy=own.busy_energy_per_gpu_hour,
    )


def _sizing(
    own: _Own, use: AssetUse, hours: AssetHours, per_gpu: Decimal, on: date
) -> Hybrid | None:
    """Size the fleet from the measured hours, each GPU bearing its share of the fixed cost."""
    load = busy_by_hour(hours, midnight(on))
    if not len(load):
        return None
    fixed = (own.month.fixed + own.idle_energy) / (use.gpus * HOURS_PER_MONTH)
    return hybrid_optimum(
        load,
        fixed_hourly=float(fixed),
        marginal_hourly=float(own.busy_energy_per_gpu_hour),
        cloud_hourly=float(per_gpu),
        most=use.gpus,
    )


def _unknown(asset: Asset, on: date, answer: Answer) -> Comparison:
    return Comparison(
        subject="asset",
        name=asset.name,
        option=asset.comparator,
        direction=Direction.OWN_TO_CLOUD,
        on=on,
        answer=answer,
    )
