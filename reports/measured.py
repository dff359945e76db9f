"""Brings together what economics rests on: the hours of assets, the spend of workloads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from analysis.economics.comparison import Comparison
from analysis.economics.demand import HISTORY_DAYS, AssetHours, WorkloadSpend
from analysis.economics.watch import compare_all
from analysis.inputs import Inputs
from spendwatt.clock import midnight, utc_day
from spendwatt.estate import Asset, Estate
from storage.queries.demand import group_hours
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
    """Give the daily effective cost of each configured workload, by currency."""
    del connection, estate, as_of
    return []


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
        gpus=len(members),
        hour=found.hour * SECONDS_PER_HOUR,
        covered_gpu_hours=found.util_seconds / SECONDS_PER_HOUR,
        busy_gpu_hours=found.busy_seconds / SECONDS_PER_HOUR,
        energy_kwh=found.energy_joules / JOULES_PER_KWH,
        energy_gpu_hours=found.energy_seconds / SECONDS_PER_HOUR,
        gpu_name=names.pop() if len(names) == 1 else None,
    )
