from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from collectors.billing.files import snapshot
from reports.contract import run_report
from reports.measured import asset_hours, workload_spend
from reports.render import table_json
from spendwatt.clock import rfc3339
from spendwatt.errors import UsageError
from spendwatt.estate import (
    Asset,
    EnergyPrice,
    Estate,
    HardwareOption,
    LabelRule,
    Quote,
    TariffBand,
    Workload,
)
from spendwatt.filter_grammar import parse_filter
from spendwatt.money import Money
from spendwatt.table import DataStatus
from storage.bills import ingest
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


def save_readings(store: Store) -> Store:
    """Keep 49 days of two GPUs of the asset, busy half of each hour, and one elsewhere."""
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


@pytest.fixture
def measured(sqlite_store: Store) -> Store:
    return save_readings(sqlite_store)


def test_hours_of_an_asset_are_summed_over_its_own_gpus_up_to_midnight(store: Store) -> None:
    with save_readings(store).read() as connection:
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
    assert row["gpus_worth_owning"] == 1
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


OPTION = HardwareOption(
    name="eight-h100",
    gpus=8,
    purchase_price=usd(150_000),
    useful_life_years=Decimal(4),
    running_per_month=usd(3_000),
)
WORKLOAD = Workload(
    name="train", filter=parse_filter('label[team]:"ml"'), gpus_per_instance=8, option="eight-h100"
)
BILLED = Estate(
    hardware_options=(OPTION,),
    workloads=(WORKLOAD,),
    label_rules=(LabelRule(label="team", from_tag="team"),),
)
HEADER = (
    "BilledCost,EffectiveCost,BillingCurrency,BillingPeriodStart,ChargePeriodStart,ProviderName,"
    "ServiceName,ResourceId,ChargeCategory,ConsumedQuantity,ConsumedUnit,BillingAccountId,Tags"
)


def bill_row(day: date, cost: str, *, team: str, hours: str = "24", unit: str = "Hours") -> str:
    period = day.replace(day=1)
    tags = f'"{{""team"": ""{team}""}}"'
    return (
        f"{cost},{cost},USD,{period}T00:00:00Z,{day}T00:00:00Z,AWS,Amazon EC2,i-{team},Usage,"
        f"{hours},{unit},1,{tags}"
    )


def save_bills(store: Store, tmp_path: Path) -> Store:
    """Keep 60 days up to yesterday of $480 a day for team ml, and as much for others."""
    lines = [HEADER]
    for ago in range(60, 0, -1):
        day = NOW.date() - timedelta(days=ago)
        lines += [
            bill_row(day, "480.00", team="ml"),
            bill_row(day, "0.50", team="ml", hours="99", unit="GB"),
            bill_row(day, "480.00", team="web"),
        ]
    file = tmp_path / "bill.csv"
    file.write_text("\n".join(lines))
    ingest(store, snapshot([file], source="aws"), now=NOW)
    return store


@pytest.fixture
def billed(sqlite_store: Store, tmp_path: Path) -> Store:
    return save_bills(sqlite_store, tmp_path)


def test_workload_is_billed_by_its_filter_and_label_without_its_newest_days(
    store: Store, tmp_path: Path
) -> None:
    with save_bills(store, tmp_path).read() as connection:
        (spend,) = workload_spend(connection, BILLED, NOW)
    assert (spend.workload, spend.currency) == ("train", "USD")
    assert set(spend.effective_cost.values()) == {Decimal("480.50")}
    assert len(spend.effective_cost) == 49
    assert spend.first_day == date(2026, 1, 11)
    assert spend.complete_until == date(2026, 2, 26)
    assert spend.gpu_hours is not None
    assert set(spend.gpu_hours.values()) == {Decimal(24 * 8)}


def test_workload_of_one_whole_server_is_paid_back_on_a_day(billed: Store) -> None:
    (row,) = run_report("breakeven", {}, billed, BILLED, NOW).rows
    assert row["answer"] == "date"
    assert row["cloud_per_month"] == (Decimal("480.50") * 365 / 12).quantize(Decimal("0.01"))
    assert row["utilization"] == 1.0
    months = 150_000 / (float(row["cloud_per_month"]) - 3_000)
    assert row["months"] == pytest.approx(months, abs=0.01)
    assert row["paid_back_on"] > NOW.date()


def test_workload_that_nothing_is_billed_for_is_waited_for(billed: Store) -> None:
    nobody = replace(WORKLOAD, filter=parse_filter('label[team]:"nobody"'))
    estate = replace(BILLED, workloads=(nobody,))
    (row,) = run_report("breakeven", {}, billed, estate, NOW).rows
    assert row["needs"] == ["spend of workload train"]


def test_workload_that_began_lately_is_waited_for_not_averaged_over_nothing(
    sqlite_store: Store, tmp_path: Path
) -> None:
    days = [NOW.date() - timedelta(days=ago) for ago in range(60, 0, -1)]
    lines = [HEADER, *(bill_row(day, "100.00", team="web") for day in days)]
    lines += [bill_row(day, "480.00", team="ml") for day in days[-13:]]
    file = tmp_path / "bill.csv"
    file.write_text("\n".join(lines))
    ingest(sqlite_store, snapshot([file], source="aws"), now=NOW)
    (row,) = run_report("breakeven", {}, sqlite_store, BILLED, NOW).rows
    assert row["needs"] == ["28 whole days of spend (10 so far)"]
