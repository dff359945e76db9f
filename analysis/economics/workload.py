"""Cloud to own: a workload's spend against hardware that could be bought for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import ROUND_CEILING, Decimal

from analysis.economics.answers import Answer, AnswerKind, Origin
from analysis.economics.basis import Basis, shown
from analysis.economics.breakeven import Plan, Step
from analysis.economics.comparison import Comparison, Direction, Purchase, buy, open_question
from analysis.economics.demand import (
    DAYS_PER_MONTH,
    HOURS_PER_MONTH,
    MEASURED_DAYS,
    WorkloadSpend,
    gpu_hours_per_month,
    spend_by_day,
    spend_per_month,
)
from analysis.economics.option import equivalence_of, purchase_of
from spendwatt.estate import Estate, HardwareOption, Quote, Workload
from spendwatt.money import Money


def compare_workloads(
    estate: Estate, spends: Sequence[WorkloadSpend], on: date
) -> Iterator[Comparison]:
    """Hold each workload that has a bill against its option, or against every option."""
    for workload in estate.workloads:
        if workload.filter is None:
            continue
        options = [o for o in estate.hardware_options if workload.option in (None, o.name)]
        found = [spend for spend in spends if spend.workload == workload.name]
        if not options:
            yield _without(workload, on, f"workloads.{workload.name}.option")
        elif not found:
            yield _without(workload, on, f"spend of workload {workload.name}", waits=True)
        for spend in found:
            for option in options:
                yield compare_workload(estate, workload, option, spend, on)


def compare_workload(
    estate: Estate, workload: Workload, option: HardwareOption, spend: WorkloadSpend, on: date
) -> Comparison:
    """Judge one workload against one option, by its last 28 complete days before `on`."""
    basis = Basis(spend.currency, on, estate.currency_rates)
    cloud, days = spend_per_month(spend, on)
    if days < MEASURED_DAYS:
        basis.waits.append(f"{MEASURED_DAYS} whole days of spend ({days} so far)")
    if days:
        month = shown(Money(cloud, spend.currency))
        basis.note(f"spend of {workload.name} a month", month, Origin.BILLED, on)
    hours = gpu_hours_per_month(spend, on)
    if hours is not None:
        basis.note(f"GPU-hours of {workload.name} a month", f"{hours:.0f}", Origin.BILLED, on)
    else:
        hours = _quoted_hours(estate, workload, cloud, basis)
    return judge(
        estate, workload, option, basis, cloud=cloud, gpu_hours=hours, days=spend_by_day(spend, on)
    )


def judge(
    estate: Estate,
    workload: Workload,
    option: HardwareOption,
    basis: Basis,
    *,
    cloud: Decimal,
    gpu_hours: Decimal | None,
    days: tuple[float, ...] = (),
) -> Comparison:
    """Judge a monthly spend in the cloud, and its GPU-hours where known, against an option.

    `days`: the spend of single days, from which its uncertainty is drawn.
    """
    servers, load = _servers(estate, workload, option, gpu_hours, basis)
    purchase = purchase_of(estate, option, servers, basis)
    plan = _plan(workload, purchase, cloud, basis, servers=servers, load=load)
    question = open_question(basis, "workload", workload.name, option.name, Direction.CLOUD_TO_OWN)
    if not basis.is_complete:
        return replace(question, cloud_per_month=cloud or None)
    answer, payback = buy(purchase, plan, on=basis.on, lead_days=option.lead_time_days or 0)
    own = purchase.per_month
    utilization = None if load is None else load / servers
    return replace(
        question,
        answer=answer,
        cloud_per_month=cloud,
        own_per_month=own,
        upfront=plan.upfront,
        utilization=utilization,
        utilization_turn=utilization * own / cloud if utilization and cloud > 0 else None,
        plan=plan,
        payback=payback,
        days=days,
    )


def _without(workload: Workload, on: date, need: str, *, waits: bool = False) -> Comparison:
    why = f"{'waiting for' if waits else 'set'} {need}"
    return Comparison(
        subject="workload",
        name=workload.name,
        option=workload.option,
        direction=Direction.CLOUD_TO_OWN,
        on=on,
        answer=Answer(AnswerKind.UNKNOWN, why, needs=(need,), waits=waits),
    )


def _plan(
    workload: Workload,
    purchase: Purchase,
    cloud: Decimal,
    basis: Basis,
    *,
    servers: int,
    load: Decimal | None,
) -> Plan:
    committed, months = _commitment(workload, basis)
    growth, decline = trends(workload, basis)
    running = purchase.running.running
    capital = purchase.purchase_price / servers
    one = Step(load, capital, running / servers, servers) if load else None
    return Plan(
        stay_per_month=cloud,
        go_per_month=running,
        upfront=purchase.purchase_price + moving_cost(workload, basis),
        committed_per_month=committed,
        committed_months=months,
        growth_per_month=growth,
        price_decline_per_year=decline,
        step=one,
        energy_per_month=purchase.running.energy,
        rate_per_year=purchase.rate_per_year,
        residual=purchase.salvage,
        horizon_months=purchase.life_months,
    )


def moving_cost(workload: Workload, basis: Basis) -> Decimal:
    """Gather what a move costs once: migration and egress, less credits."""
    key = f"workloads.{workload.name}"
    migration = basis.money(f"{key}.migration_cost", workload.migration_cost, optional=True)
    egress = basis.money(f"{key}.egress_cost", workload.egress_cost, optional=True)
    received = basis.money(f"{key}.credits", workload.credits, optional=True)
    return migration + egress - received


def _commitment(workload: Workload, basis: Basis) -> tuple[Decimal, int]:
    key = f"workloads.{workload.name}"
    committed = basis.money(
        f"{key}.committed_per_month", workload.committed_per_month, optional=True
    )
    if not committed:
        return Decimal(0), 0
    until = basis.day(f"{key}.committed_until", workload.committed_until)
    return committed, max(0, _ceiling((until - basis.on).days / DAYS_PER_MONTH))


def trends(workload: Workload, basis: Basis) -> tuple[Decimal, Decimal]:
    """Gather the growth of demand a month and the decline of the price a year, as shares."""
    key = f"workloads.{workload.name}"
    growth = workload.growth_percent_per_month
    decline = workload.cloud_price_decline_percent_per_year
    basis.note(f"{key}.growth_percent_per_month", f"{growth} %", _given(growth))
    basis.note(f"{key}.cloud_price_decline_percent_per_year", f"{decline} %", _given(decline))
    if not -100 < growth <= 100:
        basis.needs.append(f"{key}.growth_percent_per_month above -100 and at most 100")
        growth = Decimal(0)
    if not -100 <= decline < 100:
        basis.needs.append(f"{key}.cloud_price_decline_percent_per_year from -100 to below 100")
        decline = Decimal(0)
    return growth / 100, decline / 100


def _quoted_hours(
    estate: Estate, workload: Workload, cloud: Decimal, basis: Basis
) -> Decimal | None:
    """Give the GPU-hours that a spend buys at the workload's quote; None where it names none."""
    quote = _quote(estate, workload)
    if quote is None:
        if workload.quote is not None:
            basis.needs.append(f"a [[quotes]] entry named {workload.quote}")
        return None
    price = basis.money(
        f"quotes.{quote.name}.price_per_gpu_hour",
        quote.price_per_gpu_hour,
        origin=Origin.QUOTED,
        since=quote.quoted_on,
    )
    return cloud / price if price > 0 else None


def _quote(estate: Estate, workload: Workload) -> Quote | None:
    return next((q for q in estate.quotes if q.name == workload.quote), None)


def _servers(
    estate: Estate,
    workload: Workload,
    option: HardwareOption,
    gpu_hours: Decimal | None,
    basis: Basis,
) -> tuple[int, Decimal | None]:
    """Give how many of the option it takes, and today's load in servers; None if not known."""
    load = None
    if gpu_hours is not None and option.gpus > 0:
        same = equivalence_of(option, _quote(estate, workload), basis)
        load = gpu_hours / (option.gpus * HOURS_PER_MONTH * same) if same else None
    servers = max(1, workload.servers, _ceiling(load or Decimal(0)))
    basis.note(f"workloads.{workload.name}.servers", str(servers), Origin.CONFIGURED)
    return servers, load


def _given(value: Decimal) -> Origin:
    return Origin.CONFIGURED if value else Origin.DEFAULT


def _ceiling(value: Decimal) -> int:
    return int(value.to_integral_value(rounding=ROUND_CEILING))
