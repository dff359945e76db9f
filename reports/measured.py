"""Brings together what economics rests on: the hours of assets, the spend of workloads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from analysis.completeness import DEFAULT_HOLD_OFF
from analysis.economics.comparison import Comparison
from analysis.economics.demand import HISTORY_DAYS, AssetHours, WorkloadSpend, exact
from analysis.economics.watch import compare_all
from analysis.inputs import Inputs
from spendwatt.clock import midnight, utc_day
from spendwatt.estate import Asset, Estate, LabelRule, Workload
from spendwatt.query import CostMetric, Filter, Query
from spendwatt.window import Window
from storage.queries.costs import costs
from storage.queries.demand import billed_hours, group_hours
from storage.queries.gpus import KnownGpu, gpus

SECONDS_PER_HOUR = 3600
JOULES_PER_KWH = 3_600_000


def asset_hours(connection: Connection, estate: Estate, as_of: datetime) -> list[AssetHours]:
    """Give the hours of each configured asset that telemetry knows, up to today's midnight.

    A GPU belongs to the first asset that holds it. Numbers are floats: they feed statistics.
    """
    by_asset: dict[str, list[KnownGpu]] = {}
    for known in gpus(connection) if estate.assets else ():
        asset = estate.asset_of(host=known.gpu.host, gpu_uuid=known.gpu.uuid)
        if asset is not None:
            by_asset.setdefault(asset.name, []).append(known)
    return [
        _hours(connection, asset, by_asset[asset.name], as_of)
        for asset in estate.assets
        if asset.name in by_asset
    ]


def comparisons(connection: Connection, estate: Estate, as_of: datetime) -> list[Comparison]:
    """Compare everything that is configured, by what is stored."""
    inputs = Inputs(
        as_of=as_of,
        estate=estate,
        asset_hours=asset_hours(connection, estate, as_of),
        workload_spend=workload_spend(connection, estate, as_of),
    )
    return compare_all(inputs, utc_day(as_of))


def workload_spend(connection: Connection, estate: Estate, as_of: datetime) -> list[WorkloadSpend]:
    """Give the effective cost by day of each workload that has a filter, one for each currency."""
    asked = [workload for workload in estate.workloads if workload.filter is not None]
    if not asked:
        return []
    window = Window(
        midnight(utc_day(as_of) - timedelta(days=HISTORY_DAYS)), midnight(utc_day(as_of))
    )
    newest = _newest_days(connection, window)
    return [
        spend
        for workload in asked
        for spend in _spends(connection, workload, estate.label_rules, window, newest)
    ]


Billed = tuple[str | None, str]
"""Provider and currency."""


def _newest_days(connection: Connection, window: Window) -> dict[Billed, date]:
    """Give the newest day that each provider has billed anything for."""
    found: dict[Billed, date] = {}
    for billed, day, _ in _days(connection, None, (), window):
        found[billed] = max(day, found.get(billed, day))
    return found


def _spends(
    connection: Connection,
    workload: Workload,
    rules: Sequence[LabelRule],
    window: Window,
    newest: Mapping[Billed, date],
) -> Iterator[WorkloadSpend]:
    by_currency: dict[str, dict[date, Decimal]] = {}
    whole_until: dict[str, date] = {}
    for (provider, currency), day, cost in _days(connection, workload.filter, rules, window):
        days = by_currency.setdefault(currency, {})
        days[day] = days.get(day, Decimal(0)) + cost
        last = newest[provider, currency] - timedelta(days=DEFAULT_HOLD_OFF - 1)
        whole_until[currency] = min(last, whole_until.get(currency, last))
    start = window.start_day
    gpu_hours = _gpu_hours(connection, workload, rules, window)
    for currency, days in sorted(by_currency.items()):
        # What began within the window did not cost nothing before; a weekly job did.
        first = start if min(days) - start < timedelta(days=7) else min(days)
        yield WorkloadSpend(
            workload=workload.name,
            currency=currency,
            effective_cost=days,
            first_day=first,
            complete_until=whole_until[currency],
            gpu_hours=gpu_hours.get(currency),
        )


def _gpu_hours(
    connection: Connection, workload: Workload, rules: Sequence[LabelRule], window: Window
) -> dict[str, dict[date, Decimal]]:
    """Give the GPU-hours on the bill by currency and day; none unless the instances are known."""
    found: dict[str, dict[date, Decimal]] = {}
    if workload.gpus_per_instance is None:
        return found
    counted = billed_hours(connection, window, workload.filter, rules)
    for (currency, day), hours in counted.items():
        found.setdefault(currency, {})[day] = exact(hours) * workload.gpus_per_instance
    return found


def _days(
    connection: Connection, filter_: Filter | None, rules: Sequence[LabelRule], window: Window
) -> Iterator[tuple[Billed, date, Decimal]]:
    query = Query(
        window=window,
        aggregate=("provider",),
        accumulate=False,
        filter=filter_,
        cost_metric=CostMetric.EFFECTIVE,
        limit=0,
    )
    for row in costs(connection, query, rules).rows:
        billed = row["provider"], row["billing_currency"]
        yield billed, utc_day(row["window_start"]), row["effective_cost"]


def _hours(
    connection: Connection, asset: Asset, members: Sequence[KnownGpu], as_of: datetime
) -> AssetHours:
    end = midnight(utc_day(as_of))
    start = end - timedelta(days=HISTORY_DAYS)
    found = group_hours(
        connection,
        [member.gpu_id for member in members],
        int(start.timestamp()) // SECONDS_PER_HOUR,
        int(end.timestamp()) // SECONDS_PER_HOUR,
    )
    names = {member.gpu.name for member in members}
    return AssetHours(
        asset=asset.name,
        gpus=found.gpus,
        hour=found.hour * SECONDS_PER_HOUR,
        covered_gpu_hours=found.util_seconds / SECONDS_PER_HOUR,
        busy_gpu_hours=found.busy_seconds / SECONDS_PER_HOUR,
        energy_kwh=found.energy_joules / JOULES_PER_KWH,
        energy_gpu_hours=found.energy_seconds / SECONDS_PER_HOUR,
        gpu_name=names.pop() if len(names) == 1 else None,
    )
