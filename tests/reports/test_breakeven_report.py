from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from reports.contract import run_report
from reports.measured import asset_hours
from reports.render import table_json
from spendwatt.clock import rfc3339
from spendwatt.errors import UsageError
from spendwatt.estate import Asset, EnergyPrice, Estate, Quote, TariffBand
from spendwatt.money import Money
from spendwatt.table import DataStatus
from storage.engine import Store
from storage.tables.telemetry import gpu, gpu_hour

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR_NOW = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp()) // 3600
JOULES = 500 * 3600
"""Of an hour at 500 W."""


def usd(amount: float | str) -> Money:
    return Money(Decimal(str(amount)), "USD")


ASSET = Asset(
    name="rack-a",
    match="host:node-a*",
    purchase_price=usd(60_000),
    purchased_on=date(2025, 3, 1),
    useful_life_years=Decimal(4),
    resale_value=usd(30_000),
    maintenance_percent_per_year=Decimal(5),
    staff_per_month=usd(300),
    host_overhead_watts=Decimal(200),
)
ESTATE = Estate(
    assets=(ASSET,),
    energy=EnergyPrice(bands=(TariffBand(usd("0.15"), frozenset(range(7)), 0, 24),)),
    quotes=(Quote("h100", usd(3), gpu_model="H100", quoted_on=date(2026, 2, 1)),),
)


def reading(gpu_id: int, hour: int, busy: int) -> dict[str, Any]:
    columns = [column.name for column in gpu_hour.columns]
    zero: dict[str, Any] = {
        name: None if name.endswith(("_mib", "_watts", "_celsius")) else 0 for name in columns
    }
    return zero | {
        "hour": hour,
        "gpu_id": gpu_id,
        "covered_seconds": 3600,
        "busy_seconds": busy,
        "energy_counter_joules": JOULES,
        "energy_counter_seconds": 3600,
    }


@pytest.fixture
def measured(store: Store) -> Store:
    """Give 49 days of two GPUs of the asset, busy half of each hour, and one elsewhere."""
    hosts = ("node-a1", "node-a1", "elsewhere")
    with store.write() as connection:
        for number, host in enumerate(hosts, start=1):
            name = "NVIDIA H100 80GB HBM3"
            row = {"gpu_id": number, "uuid": f"GPU-{number}", "host": host, "name": name}
            connection.execute(gpu.insert(), row | {"pool": name})
        hours = range(HOUR_NOW - 49 * 24, HOUR_NOW + 6)
        connection.execute(
            gpu_hour.insert(), [reading(n, h, 1800) for n in (1, 2, 3) for h in hours]
        )
    return store


def test_hours_of_an_asset_are_summed_over_its_own_gpus_up_to_midnight(measured: Store) -> None:
    with measured.read() as connection:
        (found,) = asset_hours(connection, ESTATE, NOW)
    assert found.gpus == 2
    assert found.gpu_name == "NVIDIA H100 80GB HBM3"
    assert len(found.hour) == 49 * 24
    assert found.hour.max() == (HOUR_NOW - 1) * 3600
    assert set(found.busy_gpu_hours) == {1.0}
    assert set(found.energy_kwh) == {1.0}


def test_report_compares_an_asset_with_its_only_quote(measured: Store) -> None:
    table = run_report("breakeven", {}, measured, ESTATE, NOW)
    (row,) = table.rows
    assert (row["subject"], row["name"], row["option"]) == ("asset", "rack-a", "h100")
    assert row["utilization"] == 0.5
    assert row["cloud_per_month"] == 2 * 365 * 3
    energy = Decimal("1.2") * 730 * Decimal("0.15")
    assert row["own_per_month"] is not None
    assert row["own_per_month"] > energy + 300 + 250
    assert table.status is DataStatus.ESTIMATED
    assert "taken by default" in table.notes[0]
    assert {column.name for column in table.columns} == set(row)


def test_report_names_the_setting_that_it_lacks(measured: Store) -> None:
    bare = replace(ESTATE, assets=(replace(ASSET, staff_per_month=None),))
    table = run_report("breakeven", {}, measured, bare, NOW)
    assert table.rows[0]["answer"] == "unknown"
    assert table.rows[0]["needs"] == ["assets.rack-a.staff_per_month"]
    assert table.rows[0]["own_per_month"] is None
    assert table.status is DataStatus.INCOMPLETE


def test_report_as_of_a_day_before_the_telemetry_waits_for_it(measured: Store) -> None:
    early = datetime(2026, 1, 12, 3, tzinfo=UTC)
    (row,) = run_report("breakeven", {}, measured, ESTATE, early).rows
    assert row["answer"] == "unknown"
    assert row["needs"] == ["28 days of telemetry (1 so far)"]


def test_report_over_an_empty_database_says_what_to_configure(sqlite_store: Store) -> None:
    table = run_report("breakeven", {}, sqlite_store, Estate(), NOW)
    assert table.rows == []
    assert "configure [[workloads]]" in table.notes[0]


def test_report_can_be_asked_for_one_asset(measured: Store) -> None:
    assert run_report("breakeven", {"asset": "rack-a"}, measured, ESTATE, NOW).total_rows == 1
    assert run_report("breakeven", {"asset": "other"}, measured, ESTATE, NOW).total_rows == 0
    with pytest.raises(UsageError, match="workload"):
        run_report("breakeven", {"wrong": "1"}, measured, ESTATE, NOW)


def test_report_is_written_as_json_with_its_money_as_text(measured: Store) -> None:
    answer = json.loads(table_json(run_report("breakeven", {}, measured, ESTATE, NOW)))
    (row,) = answer["data"]
    assert row["cloud_per_month"] == "2190"
    assert row["assumptions"][0]["origin"] == "quoted"
    assert row["live_on"] == rfc3339(NOW)[:10]
