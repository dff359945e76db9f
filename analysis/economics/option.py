"""What an option of hardware costs to buy and to run, gathered from what is configured."""

from __future__ import annotations

from decimal import Decimal

from analysis.economics.answers import Origin
from analysis.economics.basis import Basis
from analysis.economics.comparison import Purchase
from analysis.economics.demand import HOURS_PER_MONTH
from analysis.economics.ownership import OwnMonth, percent_per_month
from analysis.economics.tariff import mean_price
from spendwatt.estate import Estate, HardwareOption, Quote


def purchase_of(estate: Estate, option: HardwareOption, servers: int, basis: Basis) -> Purchase:
    """Gather what so many of an option cost; the option's own figures are those of one."""
    key = f"hardware_options.{option.name}"
    price = basis.money(
        f"{key}.purchase_price",
        option.purchase_price,
        origin=Origin.QUOTED,
        since=option.quoted_on,
    )
    salvage = basis.money(f"{key}.salvage_value", option.salvage_value, optional=True)
    if salvage > price:
        basis.needs.append(f"{key}.salvage_value at most its purchase_price")
    life = basis.number(
        f"{key}.useful_life_years", option.useful_life_years, "years", positive=True
    )
    running = _running(estate, option, price, basis).times(servers)
    rate = option.cost_of_capital_percent_per_year
    basis.number(f"{key}.cost_of_capital_percent_per_year", rate, "%")
    return Purchase(
        purchase_price=servers * price,
        salvage=servers * salvage,
        life_months=max(1, int(life * 12)),
        running=running,
        rate_per_year=rate / 100,
    )


def _running(estate: Estate, option: HardwareOption, price: Decimal, basis: Basis) -> OwnMonth:
    """Gather what one costs a month beside its capital."""
    key = f"hardware_options.{option.name}"
    nothing = Decimal(0)
    if option.running_per_month is not None:
        whole = basis.money(f"{key}.running_per_month", option.running_per_month)
        return OwnMonth(
            capital=nothing, energy=nothing, maintenance=nothing, staff=nothing, other=whole
        )
    maintenance = basis.number(
        f"{key}.maintenance_percent_per_year", option.maintenance_percent_per_year, "%"
    )
    spares = basis.number(
        f"{key}.spares_percent_per_year", option.spares_percent_per_year, "%", optional=True
    )
    return OwnMonth(
        capital=nothing,
        energy=_energy(estate, option, key, basis),
        maintenance=percent_per_month(price, maintenance),
        spares=percent_per_month(price, spares),
        staff=basis.money(f"{key}.staff_per_month", option.staff_per_month),
        colocation=basis.money(
            f"{key}.colocation_per_month", option.colocation_per_month, optional=True
        ),
        software=basis.money(f"{key}.software_per_month", option.software_per_month, optional=True),
    )


def _energy(estate: Estate, option: HardwareOption, key: str, basis: Basis) -> Decimal:
    watts = basis.number(f"{key}.power_watts", option.power_watts, "W")
    price = basis.money("energy.price_per_kwh", mean_price(estate.energy))
    pue = basis.number("energy.pue", estate.energy.pue, "", positive=True)
    return watts / 1000 * HOURS_PER_MONTH * pue * price


def equivalence_of(option: HardwareOption, quote: Quote | None, basis: Basis) -> Decimal:
    """Give how many cloud GPUs one of an option's replaces; 0, noted as needed, where not known."""
    key = f"hardware_options.{option.name}.cloud_gpus_per_gpu"
    models = (option.gpu_model, quote.gpu_model if quote else None)
    if option.cloud_gpus_per_gpu is not None:
        return basis.number(key, option.cloud_gpus_per_gpu, "", positive=True)
    if None in models or models[0] == models[1]:
        basis.note(key, "1", Origin.DEFAULT if None in models else Origin.CONFIGURED)
        return Decimal(1)
    basis.needs.append(f"{key} (an {models[0]} against a cloud {models[1]})")
    return Decimal(0)
